/**
 * The other end of local-server.ts.
 */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { CommandResult } from './api-server.ts';

/** Why there is no answer; one line for people. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
}

/** Longer than any command takes; a node that is stopped or hangs does not answer at all. */
const PATIENCE_MS = 10_000;

export class LocalClient {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** What stands at a path. */
  protected async fetch(path: string): Promise<unknown> {
    const { status, body } = await this.ask('GET', path);
    if (status !== 200) throw new ApiFailure(`the node answered ${status}: ${errorText(body)}`);
    return body;
  }

  /** Has something done. */
  protected async order(
    name: string,
    args: Readonly<Record<string, string | number>>,
    patienceMs = PATIENCE_MS,
  ): Promise<CommandResult> {
    const text = JSON.stringify(args);
    const { status, body } = await this.ask('POST', `/${name}`, text, patienceMs);
    if (status === 200 || status === 409) return body as CommandResult;
    throw new ApiFailure(`the node answered ${status}: ${errorText(body)}`);
  }

  protected async ask(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
    patienceMs = PATIENCE_MS,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await this.open(method, path, body, AbortSignal.timeout(patienceMs));
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString('utf8');
      return { status: response.statusCode ?? 0, body: JSON.parse(text) };
    } catch {
      throw new ApiFailure(`the node on ${this.#path} broke off its answer`);
    }
  }

  protected open(
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

function errorText(body: unknown): string {
  const text: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : '';
  return String(text);
}
