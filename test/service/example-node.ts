// A node with nothing behind it, for tests of those who talk to one.
import type { ConfigFacts, ConfigReport } from '../../firmware/core/telemetry/config-report.ts';
import type { EventRecord } from '../../firmware/core/telemetry/event-record.ts';
import type { FlowsReport } from '../../firmware/core/telemetry/flows-snapshot.ts';
import type { Snapshot } from '../../firmware/core/telemetry/snapshot.ts';
import type { ApiNode, CommandName, CommandResult } from '../../firmware/service/api-server.ts';
import type { TakenReport } from '../../firmware/service/demotion-report.ts';
import { exampleSnapshot } from '../core/telemetry/example-snapshot.ts';

export class ExampleNode implements ApiNode {
  readonly listeners = new Set<(record: EventRecord) => void>();
  readonly commands: [CommandName, Readonly<Record<string, string>>][] = [];
  readonly reports: FlowsReport[] = [];
  readonly demotions: TakenReport[] = [];
  outcome: CommandResult = { ok: true, text: 'done' };
  failure: Error | undefined;
  snapshot: Snapshot = exampleSnapshot();
  readonly #events: EventRecord[] = [];
  #changed = Promise.withResolvers<void>();

  status(): Snapshot {
    return this.snapshot;
  }

  eventsSince(id: number): readonly EventRecord[] {
    return this.#events.filter((record) => record.id > id);
  }

  subscribe(listener: (record: EventRecord) => void): () => void {
    this.listeners.add(listener);
    this.#announce();
    return () => {
      this.listeners.delete(listener);
      this.#announce();
    };
  }

  async command(name: CommandName, args: Readonly<Record<string, string>>): Promise<CommandResult> {
    if (this.failure) throw this.failure;
    this.commands.push([name, args]);
    return this.outcome;
  }

  takeFlows(report: FlowsReport): void {
    this.reports.push(report);
  }

  takeDemotions(taken: TakenReport): void {
    this.demotions.push(taken);
  }

  takeConfig({ hash }: ConfigReport): ConfigFacts {
    return { hash, generation: 1, state: this.snapshot.state };
  }

  happen(text: string): EventRecord {
    const id = this.#events.length + 1;
    const at = '2026-03-01T12:00:00.000Z';
    const record: EventRecord = { id, at, kind: 'transition', text, node: 'office-a' };
    this.#events.push(record);
    for (const listener of this.listeners) listener(record);
    return record;
  }

  /** Resolves as soon as somebody listens. */
  async subscribed(): Promise<void> {
    while (this.listeners.size === 0) await this.#changed.promise;
  }

  /** Resolves as soon as nobody listens. */
  async unsubscribed(): Promise<void> {
    while (this.listeners.size > 0) await this.#changed.promise;
  }

  #announce(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
