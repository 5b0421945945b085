/**
 * HTTP and JSON on a Unix socket, as each process of a node serves them.
 *
 * The socket has mode 0600: who may open it may command the process. A socket that a crashed
 * process left is replaced; one that answers is not.
 */
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** Why the server cannot start; one line for people. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal';
}

/** The node cannot answer now; one line for people. Becomes status 503. */
export class NodeUnavailable extends Error {
  override readonly name = 'NodeUnavailable';
}

/** Which paths there are, and how each is asked for. */
export type Methods = Readonly<Record<string, 'GET' | 'POST'>>;

type Route = (url: URL, request: IncomingMessage, response: ServerResponse) => Promise<void>;

const LARGEST_BODY_BYTES = 65_536;
/** sun_path of sockaddr_un(7) has 108 bytes, one of them for the NUL. */
const LONGEST_SOCKET_PATH_BYTES = 107;
const MOST_CONNECTIONS = 64;

/** An answer other than the asked one. */
export class AnswerRefusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

export class LocalServer {
  readonly #path: string;
  readonly #route: Route;
  readonly #server: Server;
  #isListening = false;

  constructor(path: string, route: Route) {
    this.#path = path;
    this.#route = route;
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /** Throws ServerRefusal when another process serves there or the socket cannot be made. */
  async start(): Promise<void> {
    if (Buffer.byteLength(this.#path) > LONGEST_SOCKET_PATH_BYTES) {
      throw new ServerRefusal(`${this.#path} is too long for a socket (at most 107 bytes)`);
    }
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 });
      await clearStaleSocket(this.#path);
      await this.#listen();
      this.#isListening = true;
      chmodSync(this.#path, 0o600);
    } catch (error) {
      if (error instanceof ServerRefusal) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      throw new ServerRefusal(`cannot serve on ${this.#path}: ${code ?? message}`);
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
      const url = URL.parse(request.url ?? '/', 'http://yoke');
      if (url === null) throw new AnswerRefusal(400, 'no such path');
      await this.#route(url, request, response);
    } catch (error) {
      sendJson(response, statusOf(error), { error: (error as Error).message });
    }
  }
}

/** Refuses what is not among the paths, and what is asked for in another way. */
export function checkMethod(
  methods: Methods,
  { pathname }: URL,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const method = Object.hasOwn(methods, pathname) ? methods[pathname] : undefined;
  if (method === undefined) throw new AnswerRefusal(404, `no such path: ${pathname}`);
  if (request.method === method) return;
  response.setHeader('allow', method);
  throw new AnswerRefusal(405, `${pathname} wants ${method}`);
}

function statusOf(error: unknown): number {
  if (error instanceof AnswerRefusal) return error.status;
  return error instanceof NodeUnavailable ? 503 : 500;
}

/** JSON, or undefined for an empty body. */
export async function readBody(
  request: IncomingMessage,
  largest = LARGEST_BODY_BYTES,
): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Ending early must leave the connection open for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > largest) throw new AnswerRefusal(413, `body over ${largest / 1024} KiB`);
    chunks.push(bytes);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new AnswerRefusal(400, 'body is not JSON');
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
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
  if (!found.isSocket()) throw new ServerRefusal(`${path} is in the way and is not a socket`);
  if (await answers(path)) throw new ServerRefusal(`a node is running already on ${path}`);
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
