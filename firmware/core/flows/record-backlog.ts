/**
 * Records that wait because the window is full: a queue of bytes with a bound.
 *
 *     stamp u32 | record        one after another; stamps never go back (modulo 2^32)
 *
 * A newer record of a flow does not look for the older one: it only has a newer stamp in the table.
 * When a record is taken out, or when room is made, who put it in is asked whether it still stands.
 * So a flow that changes a hundred times while nothing can be sent costs one record in the end.
 */
import { invariant } from '../invariant.ts';
import { lengthAt, wordAt, writeWord } from './record-head.ts';
import { distance } from './send-window.ts';

const STAMP_BYTES = 4;
/** The smallest allocation; it grows with need. */
const FEWEST_BYTES = 64 * 1024;

/** Whether the record at `at`, put in with `stamp`, is still to be sent. */
export type StandsStill = (bytes: Uint8Array, at: number, stamp: number) => boolean;

export class RecordBacklog {
  readonly #bytesAtMost: number;
  readonly #stands: StandsStill;
  #bytes = new Uint8Array(0);
  #head = 0;
  #tail = 0;
  /** Since it was full: nothing is taken in until half of it is free. */
  #isChoked = false;

  constructor(bytesAtMost: number, stands: StandsStill) {
    this.#bytesAtMost = bytesAtMost;
    this.#stands = stands;
  }

  get isEmpty(): boolean {
    return this.#head === this.#tail;
  }

  get size(): number {
    return this.#tail - this.#head;
  }

  /** Memory it holds on to. */
  get bytes(): number {
    return this.#bytes.length;
  }

  /** Whether everything put in with this stamp, or before it, has left. */
  hasPassed(stamp: number): boolean {
    const ahead = distance(stamp, this.firstStamp);
    return this.isEmpty || (ahead > 0 && ahead < 2 ** 31);
  }

  /** Puts a record in; false when there is no room: the caller must remember that it is lost. */
  push(bytes: Uint8Array, at: number, stamp: number): boolean {
    const length = lengthAt(bytes, at);
    if (this.#isChoked && this.size > this.#bytesAtMost / 2) return false;
    this.#isChoked = false;
    if (!this.#makeRoom(STAMP_BYTES + length)) return false;
    writeWord(this.#bytes, this.#tail, stamp);
    const to = this.#tail + STAMP_BYTES;
    for (let index = 0; index < length; index += 1) {
      this.#bytes[to + index] = bytes[at + index] ?? 0;
    }
    this.#tail = to + length;
    return true;
  }

  /** Where the first record that still stands lies in `buffer`, or -1. Drops those before it. */
  first(): number {
    while (this.#head < this.#tail) {
      const at = this.#head + STAMP_BYTES;
      if (this.#stands(this.#bytes, at, wordAt(this.#bytes, this.#head))) return at;
      this.drop();
    }
    return -1;
  }

  /** Of `first`, valid until the next `push`. */
  get buffer(): Uint8Array {
    return this.#bytes;
  }

  /** The stamp the first record was put in with. */
  get firstStamp(): number {
    return wordAt(this.#bytes, this.#head);
  }

  /** Takes the first record out. */
  drop(): void {
    invariant(this.#head < this.#tail, 'the backlog is empty');
    const length = STAMP_BYTES + lengthAt(this.#bytes, this.#head + STAMP_BYTES);
    this.#head += length;
    if (this.#head === this.#tail) this.#rewind();
  }

  clear(): void {
    this.#rewind();
  }

  #rewind(): void {
    this.#head = 0;
    this.#tail = 0;
    this.#isChoked = false;
    // What a disaster has needed is not kept for ever.
    if (this.#bytes.length > FEWEST_BYTES) this.#bytes = new Uint8Array(0);
  }

  #makeRoom(length: number): boolean {
    if (this.#tail + length <= this.#bytes.length) return true;
    this.#compact();
    const isRoomy = this.#tail + length <= this.#bytes.length * (7 / 8);
    if (isRoomy) return true;
    if (this.#bytes.length < this.#bytesAtMost) {
      const longer = Math.max(FEWEST_BYTES, this.#bytes.length * 2, length);
      const bytes = new Uint8Array(Math.min(longer, this.#bytesAtMost));
      bytes.set(this.#bytes.subarray(0, this.#tail));
      this.#bytes = bytes;
      return this.#tail + length <= bytes.length;
    }
    // Going through everything again for each record would cost more than sending it.
    this.#isChoked = true;
    return false;
  }

  /** Moves what still stands to the front. */
  #compact(): void {
    const bytes = this.#bytes;
    let to = 0;
    for (let from = this.#head; from < this.#tail; ) {
      const length = STAMP_BYTES + lengthAt(bytes, from + STAMP_BYTES);
      if (this.#stands(bytes, from + STAMP_BYTES, wordAt(bytes, from))) {
        bytes.copyWithin(to, from, from + length);
        to += length;
      }
      from += length;
    }
    this.#head = 0;
    this.#tail = to;
  }
}
