/** Memory for one batch of datagrams, and for who sent them. */
import { native, type ReceiveBatch } from './native-socket.ts';

/** Most datagrams that one read takes. */
export const BATCH = 16;

const SLOT_BYTES = 2048;
/** struct sockaddr_in6, which has room for a struct sockaddr_in. */
const SENDER_BYTES = 28;

export class ReceiveSlots {
  readonly #slots = new Uint8Array(BATCH * SLOT_BYTES);
  readonly #lengths = new Int32Array(BATCH);
  readonly #senders = new Uint8Array(BATCH * SENDER_BYTES);
  readonly #batch: ReceiveBatch;

  constructor() {
    const batch = native.receiveBatch(this.#slots, this.#lengths, SLOT_BYTES, this.#senders);
    if (typeof batch === 'number') throw new RangeError(`receive batch refused: ${batch}`);
    this.#batch = batch;
  }

  /** How many datagrams wait, at most a batch; 0 also when the socket is in error. */
  fill(fd: number): number {
    // An error that was pending (a device that went down) is told once, instead of datagrams.
    const count = native.receiveMany(this.#batch, fd);
    return Math.max(0, count < 0 ? native.receiveMany(this.#batch, fd) : count);
  }

  /** A datagram of the last fill, cut to 2048 bytes; a view that the next fill overwrites. */
  bytes(slot: number): Uint8Array {
    const length = Math.min(SLOT_BYTES, Math.abs(this.#lengths[slot] ?? 0));
    return this.#slots.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length);
  }

  /** The address it came from (struct sockaddr of its family, 28 bytes); a view likewise. */
  sender(slot: number): Uint8Array {
    return this.#senders.subarray(slot * SENDER_BYTES, (slot + 1) * SENDER_BYTES);
  }
}
