/**
 * The other end of api-server.ts, for the CLI.
 */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { EventRecord } from '../core/telemetry/event-record.ts';
import type { Snapshot } from '../core/telemetry/snapshot.ts';
import { type CommandName, type CommandResult, socketPath } from './api-server.ts';

/** Why there is no answer; one line for people. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
}

/** Longer than any command takes; a node that is stopped or hangs does not answer at all. */
const PATIENCE_MS = 10_000;

export class ApiClient {
  readonly #path: string;

  constructor(runtimeDir: string) {
    this.#path = socketPath(runtimeDir);
  }

  async status(): Promise<Snapshot> {
    const { status, body } = await this.#ask('GET', '/status');
    if (status !== 200) throw new ApiFailure(`the node answered ${status}: ${errorText(body)}`);
    return body as Snapshot;
  }

  async command(name: CommandName, args: Record<string, string> = {}): Promise<CommandResult> {
    const { status, body } = await this.#ask('POST', `/${name}`, JSON.stringify(args));
    if (status === 200 || status === 409) return body as CommandResult;
    throw new ApiFailure(`the node answered ${status}: ${errorText(body)}`);
  }

  /**
   * Events as they happen, after those with an id greater than `since` that the node remembers.
   * Once the promise is kept none is missed: a status asked for afterwards is older than no event
   * that is not among them. Ends when the node does or when the signal is aborted.
   */
  async events(since?: number, signal?: AbortSignal): Promise<AsyncGenerator<EventRecord>> {
    const query = since === undefined ? '' : `?since=${since}`;
    const opening = this.#open('GET', `/events${query}`, undefined, signal);
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

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await this.#open(method, path, body, AbortSignal.timeout(PATIENCE_MS));
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString('utf8');
      return { status: response.statusCode ?? 0, body: JSON.parse(text) };
    } catch {
      throw new ApiFailure(`the node on ${this.#path} broke off its answer`);
    }
  }

  #open(
    method: 'GET' | 'POST',
    path: string,
    body: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing: ClientRequest = request({
        socketPath: this.#path,
        method,
        path,
        agent: false,
        ...(signal && { signal }),
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
      });
      outgoing.once('response', resolve);
      outgoing.on('error', (error) => reject(new ApiFailure(this.#reason(error))));
      outgoing.end(body);
    });
  }

  #reason(error: NodeJS.ErrnoException): string {
    switch (error.code) {
      case 'ENOENT':
      case 'ECONNREFUSED':
        return `no node is running (nothing answers on ${this.#path})`;
      case 'EACCES':
      case 'EPERM':
        return `no permission to use ${this.#path}; try as root`;
      case 'ABORT_ERR':
        return `the node on ${this.#path} does not answer`;
      default:
        return `cannot reach the node on ${this.#path}: ${error.code ?? error.message}`;
    }
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

function errorText(body: unknown): string {
  const text: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : '';
  return String(text);
}
