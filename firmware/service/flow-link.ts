/**
 * What the election's process knows and wants of the one that replicates flows: runs it, hears its
 * reports, and before a handover asks whether the peer has everything.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import type { NodeEvent } from '../core/node/node-io.ts';
import type { FlowsReport, FlowsSnapshot } from '../core/telemetry/flows-snapshot.ts';
import type { AlertSnapshot } from '../core/telemetry/snapshot.ts';
import { FlowChild, type FlowChildOptions } from './flow-child.ts';
import { FlowClient } from './flow-client.ts';

/** A report comes every second. */
const SILENCE_MS = 5000;
/** A process that is stopped does not answer, and a handover is not to wait for it. */
const BARRIER_PATIENCE_MS = 700;

interface FlowLinkHooks {
  /** Whether the node may become MASTER, as far as flows are concerned. */
  readonly onReady: (ready: boolean) => void;
  readonly onEvent: (event: NodeEvent) => void;
  readonly complain: (text: string) => void;
}

export class FlowLink {
  readonly #hooks: FlowLinkHooks;
  readonly #child: FlowChild;
  readonly #client: FlowClient;
  /** What the process was started with; undefined while it is not to run. */
  #wanted: string | undefined;
  #report: FlowsReport | undefined;
  #heardAt = 0;
  #startedAt = 0;
  #isReady = false;

  constructor(options: FlowChildOptions, hooks: FlowLinkHooks) {
    this.#hooks = hooks;
    this.#child = new FlowChild(options, hooks.complain);
    this.#client = new FlowClient(options.runtimeDir);
  }

  /** Starts the process, again when something it reads has changed, or stops it. */
  configure({ flows, interfaces, vips }: PairConfiguration): void {
    const addresses = vips.map((vip) => vip.addresses);
    const wanted = flows && JSON.stringify([flows, interfaces, addresses]);
    if (wanted === this.#wanted) return;
    const isFirst = this.#wanted === undefined;
    this.#wanted = wanted;
    this.#startedAt = performance.now();
    if (wanted === undefined) {
      this.#report = undefined;
      this.#hooks.onReady(true);
      void this.#child.stop();
    } else if (isFirst) {
      this.#isReady = false;
      this.#hooks.onReady(false);
      this.#child.start();
    } else void this.#child.restart();
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }

  take(report: FlowsReport): void {
    this.#tellAlerts(report.alerts);
    this.#report = report;
    this.#heardAt = performance.now();
    if (!report.ready || this.#isReady) return;
    this.#isReady = true;
    this.#hooks.onReady(true);
  }

  get snapshot(): FlowsSnapshot | null {
    return this.#isSilent ? null : (this.#report?.flows ?? null);
  }

  get alerts(): readonly AlertSnapshot[] {
    if (this.#wanted === undefined) return [];
    if (!this.#isSilent) return this.#report?.alerts ?? [];
    if (performance.now() - this.#startedAt < SILENCE_MS) return [];
    const text = 'yoke-flows says nothing: connections are not replicated';
    return [{ code: 'flows-process', since: new Date().toISOString(), text }];
  }

  /** Resolves when the peer has all flows, or when that cannot be waited for. */
  async caughtUp(): Promise<void> {
    if (this.#wanted === undefined || this.#isSilent) return;
    const barrier = this.#client.barrier().catch(() => undefined);
    await Promise.race([barrier, pause(BARRIER_PATIENCE_MS, undefined, { ref: false })]);
  }

  get #isSilent(): boolean {
    return this.#report === undefined || performance.now() - this.#heardAt > SILENCE_MS;
  }

  #tellAlerts(alerts: readonly AlertSnapshot[]): void {
    const before = new Set(this.#report?.alerts.map(({ code }) => code));
    for (const { code, text } of alerts) {
      if (!before.delete(code)) this.#hooks.onEvent({ kind: 'alert', text, data: { code } });
    }
    for (const code of before) {
      this.#hooks.onEvent({ kind: 'alert-cleared', text: code, data: { code } });
    }
  }
}
