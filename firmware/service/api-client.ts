/**
 * The other end of api-server.ts, for the CLI.
 */
import type { IncomingMessage } from 'node:http';
import type { ConfigFacts, ConfigReport } from '../core/telemetry/config-report.ts';
import type { EventRecord } from '../core/telemetry/event-record.ts';
import type { FlowsReport } from '../core/telemetry/flows-snapshot.ts';
import type { Snapshot } from '../core/telemetry/snapshot.ts';
import { type CommandName, type CommandResult, socketPath } from './api-server.ts';
import type { DemotionsBody } from './demotion-report.ts';
import { ApiFailure, LocalClient } from './local-client.ts';

export class ApiClient extends LocalClient {
  constructor(runtimeDir: string) {
    super(socketPath(runtimeDir));
  }

  async status(): Promise<Snapshot> {
    return (await this.fetch('/status')) as Snapshot;
  }

  command(name: CommandName, args: Record<string, string> = {}): Promise<CommandResult> {
    return this.order(name, args);
  }

  /** What the replication of flows has to tell the node. */
  async reportFlows(report: FlowsReport): Promise<void> {
    await this.ask('POST', '/flows', JSON.stringify(report));
  }

  /** Why this node should rather not be MASTER. Throws ApiFailure when it is not taken. */
  async reportDemotions(body: DemotionsBody): Promise<void> {
    const { status } = await this.ask('POST', '/demotions', JSON.stringify(body));
    if (status !== 200) throw new ApiFailure(`the node answered ${status} to demotions`);
  }

  /** What the keeper of the configuration has to tell; answered by what runs on this node. */
  async reportConfig(report: ConfigReport): Promise<ConfigFacts> {
    const { status, body } = await this.ask('POST', '/config', JSON.stringify(report));
    if (status !== 200) throw new ApiFailure(`the node answered ${status}`);
    return body as ConfigFacts;
  }

  /**
   * Events as they happen, after those with an id greater than `since` that the node remembers.
   * Once the promise is kept none is missed: a status asked for afterwards is older than no event
   * that is not among them. Ends when the node does or when the signal is aborted.
   */
  async events(since?: number, signal?: AbortSignal): Promise<AsyncGenerator<EventRecord>> {
    const query = since === undefined ? '' : `?since=${since}`;
    const opening = this.open('GET', `/events${query}`, undefined, signal);
    const response = await opening.catch((error: unknown) => {
      if (signal?.aborted) return undefined;
      throw error;
    });
    if (response !== undefined && response.statusCode !== 200) {
      response.destroy();
      throw new ApiFailure(`the node answered ${response.statusCode}`);
    }
    return recordsOf(response);
  }
}

async function* recordsOf(response: IncomingMessage | undefined): AsyncGenerator<EventRecord> {
  if (response === undefined) return;
  let rest = '';
  for await (const text of textOf(response)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data: ')) yield JSON.parse(line.slice(6)) as EventRecord;
    }
  }
}

/** A stream that breaks off is the end of it, not a failure of its reader. */
async function* textOf(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  const chunks = response[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch(() => undefined);
      if (next === undefined || next.done) return;
      yield String(next.value);
    }
  } finally {
    response.destroy();
  }
}
