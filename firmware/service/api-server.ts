/**
 * HTTP and JSON on a Unix socket: the one door through which people and programs see and command
 * the node. `curl --unix-socket /run/yoke/yoked.sock http://yoke/status` works.
 *
 *   GET  /status        the status document
 *   GET  /events        server-sent events (WHATWG HTML 9.2); `?since=ID` or Last-Event-ID replays
 *   POST /maintenance   {"action": "enter" | "leave"}
 *   POST /handover      give the VIPs to the peer now; answered when that is done or has failed
 *   POST /reload        read the configuration again
 *
 * The socket has mode 0600: who may open it may command the node. A socket that a crashed process
 * left is replaced; one that answers is not.
 */
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import type { EventRecord } from '../core/telemetry/event-record.ts';
import type { Snapshot } from '../core/telemetry/snapshot.ts';

export type CommandName = 'maintenance' | 'handover' | 'reload';

export interface CommandResult {
  readonly ok: boolean;
  /** One line (or several) for people: what was done, or why not. */
  readonly text: string;
}

/** What the server asks of the node. */
export interface ApiNode {
  /** Throws NodeUnavailable while there is nothing true to tell. */
  status(): Snapshot;
  /** Remembered events with a greater id, oldest first. */
  eventsSince(id: number): readonly EventRecord[];
  /** Calls back for each new event until the returned function is called. */
  subscribe(listener: (record: EventRecord) => void): () => void;
  /** Throws NodeUnavailable when the node cannot be commanded now. */
  command(name: CommandName, args: Readonly<Record<string, string>>): Promise<CommandResult>;
}

/** Why the server cannot start; one line for people. */
export class ApiServerRefusal extends Error {
  override readonly name = 'ApiServerRefusal';
}

/** The node cannot answer now; one line for people. Becomes status 503. */
export class NodeUnavailable extends Error {
  override readonly name = 'NodeUnavailable';
}

export const socketPath = (runtimeDir: string): string => join(runtimeDir, 'yoked.sock');

const LARGEST_BODY_BYTES = 65_536;
/** A reader of events that is this far behind is cut off; it can come back with Last-Event-ID. */
const LARGEST_BACKLOG_BYTES = 1_048_576;
/** Lets both ends notice that the other is gone. */
const KEEP_ALIVE_MS = 15_000;
/** sun_path of sockaddr_un(7) has 108 bytes, one of them for the NUL. */
const LONGEST_SOCKET_PATH_BYTES = 107;
const MOST_CONNECTIONS = 64;

const METHODS: Readonly<Record<string, 'GET' | 'POST'>> = {
  '/status': 'GET',
  '/events': 'GET',
  '/maintenance': 'POST',
  '/handover': 'POST',
  '/reload': 'POST',
};

/** An answer other than the asked one. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

export class ApiServer {
  readonly #node: ApiNode;
  readonly #path: string;
  readonly #server: Server;
  #isListening = false;

  constructor(runtimeDir: string, node: ApiNode) {
    this.#node = node;
    this.#path = socketPath(runtimeDir);
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /** Throws ApiServerRefusal when another process serves there or the socket cannot be made. */
  async start(): Promise<void> {
    if (Buffer.byteLength(this.#path) > LONGEST_SOCKET_PATH_BYTES) {
      throw new ApiServerRefusal(`${this.#path} is too long for a socket (at most 107 bytes)`);
    }
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 });
      await clearStaleSocket(this.#path);
      await this.#listen();
      this.#isListening = true;
      chmodSync(this.#path, 0o600);
    } catch (error) {
      if (error instanceof ApiServerRefusal) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      throw new ApiServerRefusal(`cannot serve on ${this.#path}: ${code ?? message}`);
    }
  }

  /** Ends all connections and removes the socket. */
  async stop(): Promise<void> {
    if (!this.#isListening) return;
    this.#isListening = false;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      // listen() binds before it returns, so the socket never exists with a wider mode.
      const previous = process.umask(0o177);
      try {
        this.#server.listen(this.#path, () => {
          this.#server.off('error', reject);
          resolve();
        });
      } finally {
        process.umask(previous);
      }
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    try {
      await this.#route(request, response);
    } catch (error) {
      send(response, statusOf(error), { error: (error as Error).message });
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '/', 'http://yoke');
    if (url === null) throw new Refusal(400, 'no such path');
    const method = Object.hasOwn(METHODS, url.pathname) ? METHODS[url.pathname] : undefined;
    if (method === undefined) throw new Refusal(404, `no such path: ${url.pathname}`);
    if (request.method !== method) {
      response.setHeader('allow', method);
      throw new Refusal(405, `${url.pathname} wants ${method}`);
    }
    if (url.pathname === '/status') return send(response, 200, this.#node.status());
    if (url.pathname === '/events') return this.#stream(url, request, response);
    const body = await readBody(request);
    const result = await this.#command(url.pathname, body);
    send(response, result.ok ? 200 : 409, result);
  }

  #command(path: string, body: unknown): Promise<CommandResult> {
    switch (path) {
      case '/maintenance':
        return this.#node.command('maintenance', { action: maintenanceAction(body) });
      case '/handover':
        return this.#node.command('handover', {});
      default:
        return this.#node.command('reload', {});
    }
  }

  #stream(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const asked = url.searchParams.get('since') ?? request.headers['last-event-id'];
    const since = asked === undefined ? undefined : eventId(String(asked));
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    const write = (text: string) => {
      response.write(text);
      if (response.writableLength > LARGEST_BACKLOG_BYTES) response.destroy();
    };
    // Nothing can happen between the replay and the subscription: both are in this turn.
    const replay = since === undefined ? [] : this.#node.eventsSince(since);
    for (const record of replay) write(serverSentEvent(record));
    const unsubscribe = this.#node.subscribe((record) => write(serverSentEvent(record)));
    const keepAlive = setInterval(() => write(': still here\n\n'), KEEP_ALIVE_MS);
    response.on('close', () => {
      clearInterval(keepAlive);
      unsubscribe();
    });
  }
}

function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status;
  return error instanceof NodeUnavailable ? 503 : 500;
}

function serverSentEvent(record: EventRecord): string {
  return `id: ${record.id}\nevent: ${record.kind}\ndata: ${JSON.stringify(record)}\n\n`;
}

function eventId(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new Refusal(400, 'since wants the id of an event');
  return Number(text);
}

function maintenanceAction(body: unknown): string {
  const action: unknown =
    typeof body === 'object' && body !== null ? Reflect.get(body, 'action') : undefined;
  if (action === 'enter' || action === 'leave') return action;
  throw new Refusal(400, 'maintenance wants {"action": "enter"} or {"action": "leave"}');
}

/** JSON, or undefined for an empty body. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Ending early must leave the connection open for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > LARGEST_BODY_BYTES) throw new Refusal(413, 'body over 64 KiB');
    chunks.push(bytes);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refusal(400, 'body is not JSON');
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // The rest of a refused body is not read, so the connection cannot be used again.
  if (status === 413) response.setHeader('connection', 'close');
  const text = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': text.length,
    'cache-control': 'no-store',
  });
  response.end(text);
}

async function clearStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new ApiServerRefusal(`${path} is in the way and is not a socket`);
  if (await answers(path)) throw new ApiServerRefusal(`a node is running already on ${path}`);
  rmSync(path, { force: true });
}

/** Whether a living process accepts connections there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}
