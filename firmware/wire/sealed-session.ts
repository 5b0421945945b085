/**
 * One session between the two nodes: a key for each direction, a number for each datagram, and the
 * window that lets each number through once.
 */
import type { NoisePrimitives } from './noise-crypto.ts';
import type { SessionKeys } from './noise-handshake.ts';
import { ReplayWindow } from './replay-window.ts';
import {
  type DatagramRefusal,
  renumberSealed,
  SEALED_HEADER_BYTES,
  type Sealed,
  sealedHeader,
} from './sealed-datagram.ts';

export interface SessionTerms {
  /** Grows with each session that the node agrees upon. */
  readonly ordinal: number;
  /** What the peer calls the session by when it sends to this node. */
  readonly ownId: number;
  /** What this node calls it by when it sends. */
  readonly peerId: number;
  /** The protocol version of all that is sealed in it. */
  readonly version: number;
  readonly keys: SessionKeys;
  readonly primitives: NoisePrimitives;
}

export class SealedSession {
  readonly ordinal: number;
  readonly ownId: number;
  readonly #terms: SessionTerms;
  /** Of the datagram that is sealed just now. */
  readonly #header: Uint8Array;
  readonly #window = new ReplayWindow();
  /** Number of the next datagram. */
  #next = 0;

  constructor(terms: SessionTerms) {
    this.ordinal = terms.ordinal;
    this.ownId = terms.ownId;
    this.#terms = terms;
    this.#header = sealedHeader(terms.version, terms.peerId, 0);
  }

  seal(plaintext: Uint8Array): Uint8Array {
    const { keys, primitives } = this.#terms;
    renumberSealed(this.#header, this.#next);
    const datagram = primitives.seal(keys.sending, this.#next, this.#header, plaintext);
    this.#next += 1;
    return datagram;
  }

  open({ version, number, bytes }: Sealed): Uint8Array | DatagramRefusal {
    if (version !== this.#terms.version) return 'version';
    // Nobody who has the key ever counts that far; and beyond it numbers are not exact.
    if (!Number.isSafeInteger(number)) return 'key';
    if (!this.#window.isFresh(number)) return 'replayed';
    const { keys, primitives } = this.#terms;
    const plaintext = primitives.open(keys.receiving, number, SEALED_HEADER_BYTES, bytes);
    if (plaintext === undefined) return 'key';
    this.#window.take(number);
    return plaintext;
  }
}
