/**
 * Keeps up the connection to the other node's configuration: the primary calls, the secondary
 * waits. Whoever has another secret is counted and named.
 */
import type { Role } from '../core/configuration/pair-configuration.ts';
import {
  dial,
  type SyncConnection,
  type SyncFailure,
  SyncListener,
  type SyncPlace,
} from '../kernel/sync-socket.ts';
import type { SyncMessage } from '../wire/sync-message.ts';

const RETRY_MS = 1000;
/** A failure is looked at as the present state of things for so long. */
const REMEMBERED_MS = 30_000;

export interface SyncLinkHooks {
  readonly onOpen: () => void;
  readonly onClose: () => void;
  readonly onMessage: (message: SyncMessage) => void;
}

export class SyncLink {
  readonly #role: Role;
  readonly #place: SyncPlace;
  readonly #hooks: SyncLinkHooks;
  #connection: SyncConnection | undefined;
  #listener: SyncListener | undefined;
  #again: NodeJS.Timeout | undefined;
  #isStopped = false;
  #failure: { readonly text: string; readonly isKey: boolean; readonly at: number } | undefined;
  #wrongKeys = 0;
  #refusedMessages = 0;

  constructor(role: Role, place: SyncPlace, hooks: SyncLinkHooks) {
    this.#role = role;
    this.#place = place;
    this.#hooks = hooks;
  }

  /** Why there is no connection, as far as it is known; undefined when there is one. */
  get failure(): { readonly text: string; readonly isKey: boolean } | undefined {
    if (this.#failure === undefined) return undefined;
    // Somebody else with a wrong key is worth an alert even while the peer is connected.
    if (this.#connection !== undefined && !this.#failure.isKey) return undefined;
    return performance.now() - this.#failure.at > REMEMBERED_MS ? undefined : this.#failure;
  }

  /** What was refused: connections for want of the secret, and messages. */
  get counters(): Readonly<Record<string, number>> {
    return {
      'config.refused.key': this.#wrongKeys,
      'config.refused.message': this.#refusedMessages,
    };
  }

  start(): void {
    if (this.#role === 'primary') this.#dial();
    else void this.#listen();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#again);
    this.#listener?.stop();
    this.#connection?.close();
  }

  send(message: SyncMessage): void {
    this.#connection?.send(message);
  }

  #dial(): void {
    dial(this.#place, {
      onOpen: (connection) => this.#open(connection),
      onFailure: (failure) => {
        this.#note(failure);
        this.#later(() => this.#dial());
      },
    });
  }

  async #listen(): Promise<void> {
    const listener = new SyncListener(this.#place, {
      onOpen: (connection) => this.#open(connection),
      onFailure: (failure) => this.#note(failure),
    });
    this.#listener = listener;
    try {
      await listener.start();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#note({ kind: 'machine', text: code ?? message });
      this.#later(() => void this.#listen());
    }
  }

  /** The newest is the one: the peer may have been born anew without ending the former. */
  #open(connection: SyncConnection): void {
    const former = this.#connection;
    if (this.#isStopped) return connection.close();
    if (former !== undefined) {
      former.onClose = () => undefined;
      former.close();
      this.#hooks.onClose();
    }
    this.#connection = connection;
    connection.onMessage = (message) => {
      if (this.#connection === connection) this.#hooks.onMessage(message);
    };
    connection.onClose = () => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.#hooks.onClose();
      if (this.#role === 'primary') this.#later(() => this.#dial());
    };
    this.#hooks.onOpen();
  }

  #note(failure: SyncFailure): void {
    if (failure.kind === 'key') this.#wrongKeys += 1;
    if (failure.kind === 'message') this.#refusedMessages += 1;
    const text =
      failure.kind === 'key'
        ? 'the other node has another secret'
        : failure.kind === 'message'
          ? `a message of the other node was refused: ${failure.refusal}`
          : failure.text;
    this.#failure = { text, isKey: failure.kind === 'key', at: performance.now() };
  }

  #later(action: () => void): void {
    if (this.#isStopped) return;
    clearTimeout(this.#again);
    this.#again = setTimeout(action, RETRY_MS);
  }
}
