/**
 * Answers the peer when it asks for readings of this node's kernel table (wire/flow-reading.ts).
 *
 * A reading is made when it is first asked for and kept while it is asked for, one at a time. Each
 * asking is answered with a burst from where the peer is; what was lost of it, the peer asks for
 * again. So nothing is remembered of what was sent, and a peer that is gone costs nothing.
 */
import type { FlowAnswer, FlowAsk } from '../../wire/flow-frame.ts';
import { after, type Instant, seconds } from '../time.ts';

/** Frames that follow one asking: a socket takes them without losing any. */
const BURST_FRAMES = 32;
/** A peer that still wants a reading asks several times a second. */
const KEPT = seconds(3);

/** What is to be read: all flows, or lines about those of some keys. */
export interface ReadingWish {
  readonly id: number;
  readonly keys: Uint32Array;
}

export class ReadingAnswers {
  readonly #frameBytes: number;
  #wish: ReadingWish | undefined;
  #isTold = false;
  #bytes: Uint8Array | undefined;
  /** The burst under way: the next byte, and where it ends. */
  #from = 0;
  #until = 0;
  #owesAnswer = false;
  #askedAt: Instant = 0 as Instant;

  /** `room`: bytes of a reading that fit into one frame. */
  constructor(room: number) {
    this.#frameBytes = room;
  }

  /** A new life of the peer. */
  restart(): void {
    this.#wish = undefined;
    this.#bytes = undefined;
    this.#owesAnswer = false;
  }

  hear({ id, keys, from }: FlowAsk, now: Instant): void {
    if (id !== this.#wish?.id) {
      this.restart();
      this.#wish = { id, keys };
      this.#isTold = false;
    }
    this.#askedAt = now;
    this.#owesAnswer = true;
    const total = this.#bytes?.length ?? 0;
    this.#from = Math.min(from, total);
    this.#until = Math.min(total, this.#from + BURST_FRAMES * this.#frameBytes);
  }

  /** The kernel's table, as it was wished; undefined when it could not be read. */
  read(id: number, bytes: Uint8Array | undefined): void {
    if (id !== this.#wish?.id) return;
    this.#bytes = bytes;
    // Asked for again, it is read again.
    if (bytes === undefined) this.restart();
  }

  /** A reading to make, once. */
  poll(now: Instant): ReadingWish | undefined {
    if (this.#wish !== undefined && now >= after(this.#askedAt, KEPT)) this.restart();
    if (this.#wish === undefined || this.#isTold) return undefined;
    this.#isTold = true;
    return this.#wish;
  }

  /** The next part to send. */
  next(): Pick<FlowAnswer, 'id' | 'total' | 'from' | 'until' | 'bytes'> | undefined {
    if (!this.#owesAnswer || this.#wish === undefined) return undefined;
    const { id } = this.#wish;
    const from = this.#from;
    const until = this.#until;
    this.#from = Math.min(until, from + this.#frameBytes);
    this.#owesAnswer = this.#from < until;
    const bytes = this.#bytes?.subarray(from, this.#from) ?? NOTHING;
    return { id, total: this.#bytes?.length, from, until, bytes };
  }

  nextTimeout(): Instant | undefined {
    return this.#wish && after(this.#askedAt, KEPT);
  }
}

const NOTHING = new Uint8Array(0);
