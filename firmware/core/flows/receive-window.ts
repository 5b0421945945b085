/**
 * Puts the numbered frames of the peer in order: each is handed on once, after all before it.
 *
 * In order and not as they come, because records build on one another (`fresh`, `singular` in
 * wire/flow-record.ts): the newest alone does not say everything. What comes too early waits in a
 * ring as large as the peer's window, so nothing that was sent in time is ever thrown away.
 */
import { after, type Duration, earliest, type Instant, milliseconds } from '../time.ts';
import { distance, WINDOW_FRAMES } from './send-window.ts';

const MASK = WINDOW_FRAMES - 1;
/** An acknowledgement waits for so many frames, or so long. */
const ACK_FRAMES = 32;
const ACK_DELAY: Duration = milliseconds(1);
/** While frames are missing, or come twice, the peer wants to know sooner, yet not of each. */
const HASTY_FRAMES = 2;

export type Arrival = 'next' | 'early' | 'repeated' | 'beyond';

export class ReceiveWindow {
  readonly #frameBytes: number;
  /** Allocated when a frame comes early for the first time. */
  #early: Uint8Array | undefined;
  readonly #lengths = new Uint16Array(WINDOW_FRAMES);
  #waiting = 0;
  #expected: number;
  #unacknowledged = 0;
  #hasty = 0;
  #oldestAt: Instant | undefined;

  constructor(frameBytes: number, first: number) {
    this.#frameBytes = frameBytes;
    this.#expected = first >>> 0;
  }

  /** The first number that has not been handed on. */
  get expected(): number {
    return this.#expected;
  }

  get hasGap(): boolean {
    return this.#waiting > 0;
  }

  /** Bytes it holds on to. */
  get bytes(): number {
    return this.#early?.length ?? 0;
  }

  /** Where a frame of this number stands. */
  judge(number: number): Arrival {
    const ahead = distance(this.#expected, number);
    if (ahead >= WINDOW_FRAMES) return ahead > 2 ** 31 ? 'repeated' : 'beyond';
    if (this.#lengths[number & MASK] !== 0) return 'repeated';
    return ahead === 0 ? 'next' : 'early';
  }

  /** The frame `expected` has been acted upon. */
  passed(now: Instant): void {
    const slot = this.#expected & MASK;
    if (this.#lengths[slot] !== 0) this.#waiting -= 1;
    this.#lengths[slot] = 0;
    this.#expected = (this.#expected + 1) >>> 0;
    this.#owe(now);
  }

  /**
   * Keeps a frame until its turn comes: one that is early, or the next one while it must wait. One
   * that is longer than this node's own frames is left to be sent again.
   */
  keep(number: number, bytes: Uint8Array, now: Instant): void {
    if (bytes.length > this.#frameBytes) return;
    this.#early ??= new Uint8Array(WINDOW_FRAMES * this.#frameBytes);
    this.#early.set(bytes, (number & MASK) * this.#frameBytes);
    this.#lengths[number & MASK] = bytes.length;
    this.#waiting += 1;
    this.#hasty += 1;
    this.#owe(now);
  }

  /** The frame `expected` if it has arrived before its turn. */
  kept(): Uint8Array | undefined {
    if (this.#waiting === 0) return undefined;
    const slot = this.#expected & MASK;
    const length = this.#lengths[slot] ?? 0;
    if (length === 0) return undefined;
    return this.#early?.subarray(slot * this.#frameBytes, slot * this.#frameBytes + length);
  }

  /** A frame came that was here before: its acknowledgement seems to be lost. */
  repeated(now: Instant): void {
    this.#hasty += 1;
    this.#owe(now);
  }

  /** When the peer is to be told; undefined when it knows everything. */
  get ackAt(): Instant | undefined {
    if (this.#oldestAt === undefined) return undefined;
    const isDue = this.#unacknowledged >= ACK_FRAMES || this.#hasty >= HASTY_FRAMES;
    return isDue ? this.#oldestAt : after(this.#oldestAt, ACK_DELAY);
  }

  /** The bitmap of what waits, from `expected` on, as short as it can be; the peer is told now. */
  acknowledge(): Uint8Array {
    this.#unacknowledged = 0;
    this.#hasty = 0;
    this.#oldestAt = undefined;
    const bitmap = new Uint8Array(this.#waiting === 0 ? 0 : WINDOW_FRAMES / 8);
    let used = 0;
    let found = 0;
    for (let index = 0; found < this.#waiting; index += 1) {
      if (this.#lengths[(this.#expected + index) & MASK] === 0) continue;
      bitmap[index >>> 3] = (bitmap[index >>> 3] ?? 0) | (1 << (index & 7));
      used = (index >>> 3) + 1;
      found += 1;
    }
    return bitmap.subarray(0, used);
  }

  #owe(now: Instant): void {
    this.#unacknowledged += 1;
    this.#oldestAt = earliest(this.#oldestAt, now);
  }
}
