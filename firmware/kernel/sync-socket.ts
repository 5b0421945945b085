/**
 * The connection by which two nodes tell each other about their configuration: TLS 1.3 (RFC 8446)
 * over TCP with an external pre-shared key, fresh Diffie-Hellman keys for every session, and no
 * certificates. Whoever lacks the secret of the pair fails in the handshake; the reason has a name.
 */
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import {
  encodeSyncMessage,
  type SyncMessage,
  SyncReader,
  type SyncRefusal,
} from '../wire/sync-message.ts';

export const SYNC_PORT = 7112;

/** Why there is no connection, or no more. `key`: the other end has another secret. */
export type SyncFailure =
  | { readonly kind: 'key' }
  | { readonly kind: 'message'; readonly refusal: SyncRefusal }
  | { readonly kind: 'machine'; readonly text: string };

export interface SyncPlace {
  /** This node's address and the other one's, both on the sync interface. */
  readonly local: string;
  readonly peer: string;
  readonly key: Uint8Array;
  readonly port?: number;
}

export interface SyncHooks {
  readonly onOpen: (connection: SyncConnection) => void;
  readonly onFailure: (failure: SyncFailure) => void;
}

const IDENTITY = 'yoke';
/** External keys belong to SHA-256 (RFC 8446, 4.2.11). */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256';
const HANDSHAKE_MS = 5000;
const PING_MS = 1000;
/** A node without power says nothing; one whose processor is busy says something by then. */
const SILENCE_MS = 6000;
/** One is in use; another one may be the same node's, born anew. */
const MOST_CONNECTIONS = 4;
/** A peer that takes nothing in while so much waits for it is cut off. */
const LARGEST_BACKLOG_BYTES = 16 * 1_048_576;

/** An open, authenticated connection. */
export class SyncConnection {
  readonly #socket: TLSSocket;
  readonly #onFailure: (failure: SyncFailure) => void;
  readonly #reader = new SyncReader();
  readonly #pings: NodeJS.Timeout;
  onMessage: (message: SyncMessage) => void = () => undefined;
  onClose: () => void = () => undefined;

  constructor(socket: TLSSocket, onFailure: (failure: SyncFailure) => void) {
    this.#socket = socket;
    this.#onFailure = onFailure;
    this.#pings = setInterval(() => this.send({ kind: 'ping' }), PING_MS);
    socket.setNoDelay(true);
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearInterval(this.#pings);
      this.onClose();
    });
  }

  send(message: SyncMessage): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(encodeSyncMessage(message));
    if (this.#socket.writableLength > LARGEST_BACKLOG_BYTES) this.#socket.destroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const messages = this.#reader.read(chunk);
    if (typeof messages === 'string') {
      this.#onFailure({ kind: 'message', refusal: messages });
      this.#socket.destroy();
      return;
    }
    for (const message of messages) {
      if (!this.#socket.destroyed) this.onMessage(message);
    }
  }
}

/** The end that waits: nobody but the peer's address is let in. */
export class SyncListener {
  readonly #place: SyncPlace;
  readonly #hooks: SyncHooks;
  #server: Server | undefined;

  constructor(place: SyncPlace, hooks: SyncHooks) {
    this.#place = place;
    this.#hooks = hooks;
  }

  /** Resolves with the port when it listens; rejects when the address is not there. */
  start(): Promise<number> {
    const { key, local, peer, port = SYNC_PORT } = this.#place;
    const { onOpen, onFailure } = this.#hooks;
    const server = createServer({
      ...TLS,
      handshakeTimeout: HANDSHAKE_MS,
      pskCallback: (_socket, identity) => (identity === IDENTITY ? Buffer.from(key) : null),
    });
    this.#server = server;
    server.maxConnections = MOST_CONNECTIONS;
    server.prependListener('connection', (socket) => {
      if (socket.remoteAddress !== peer) socket.destroy();
    });
    server.on('tlsClientError', (error) => onFailure(failureOf(error)));
    server.on('secureConnection', (socket) => onOpen(new SyncConnection(socket, onFailure)));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: local, port }, () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  stop(): void {
    this.#server?.close();
  }
}

/** The end that calls. The hooks tell what became of it: once opened, or why not. */
export function dial({ key, local, peer, port = SYNC_PORT }: SyncPlace, hooks: SyncHooks): void {
  const options = {
    ...TLS,
    host: peer,
    port,
    localAddress: local,
    pskCallback: () => ({ psk: Buffer.from(key), identity: IDENTITY }),
    // A certificate in place of the key would prove nothing.
    ca: [],
    checkServerIdentity: () => new Error('a certificate in place of the key of the pair'),
  };
  const socket = connect(options);
  const timer = setTimeout(() => socket.destroy(new Error('no answer')), HANDSHAKE_MS);
  const fail = (error: Error): void => {
    clearTimeout(timer);
    hooks.onFailure(failureOf(error));
  };
  socket.once('error', fail);
  socket.once('secureConnect', () => {
    clearTimeout(timer);
    socket.off('error', fail);
    hooks.onOpen(new SyncConnection(socket, hooks.onFailure));
  });
}

const TLS = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: CIPHERS } as const;

/** What OpenSSL says when the binder of the other end was made with another key. */
const KEY_ERRORS = /BINDER_DOES_NOT_VERIFY|DECRYPT_ERROR/;

function failureOf(error: Error): SyncFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  if (KEY_ERRORS.test(code ?? '')) return { kind: 'key' };
  return { kind: 'machine', text: code ?? message };
}
