/**
 * The numbered frames this node has made and the peer has not acknowledged yet: a ring of buffers.
 *
 *     base ............ sent ............ next            numbers modulo 2^32
 *       | in flight, lost | closed, unsent  | open or free
 *
 * A frame is written in place, sent from there, and stays until the peer has applied it. It is sent
 * again when frames sent well after it have arrived (as RACK, RFC 8985, but counting transmissions
 * instead of time), or when nothing arrives for too long.
 */
import { invariant } from '../invariant.ts';
import { after, between, type Instant } from '../time.ts';
import { RoundTrip } from './round-trip.ts';

/** Frames, a power of two: also what the receiver can keep in order (receive-window.ts). */
export const WINDOW_FRAMES = 512;
const MASK = WINDOW_FRAMES - 1;
/** So many transmissions later ones have overtaken: it is lost, not merely out of order. */
const OVERTAKEN = 3;
/** When nothing is heard, so many of the oldest are tried. */
const PROBE_FRAMES = 4;

const fates = { free: 0, unsent: 1, flying: 2, lost: 3, arrived: 4 } as const;

export class SendWindow {
  readonly roundTrip = new RoundTrip();
  /** Of all frames; the one of number n begins at `offsetOf(n)`. */
  readonly bytes: Uint8Array;
  readonly #frameBytes: number;
  readonly #lengths = new Uint16Array(WINDOW_FRAMES);
  readonly #fates = new Uint8Array(WINDOW_FRAMES);
  readonly #sentAt = new Float64Array(WINDOW_FRAMES);
  /** The how-manieth transmission of the window it was, last time. */
  readonly #order = new Float64Array(WINDOW_FRAMES);
  readonly #tries = new Uint8Array(WINDOW_FRAMES);
  #transmissions = 0;
  /** The latest transmission known to have arrived. */
  #arrivedOrder = -1;
  #base: number;
  #sent: number;
  #next: number;
  #lost = 0;
  #lapsedAt = 0;
  /** From `base` on, what the peer takes. */
  #allowed = WINDOW_FRAMES;
  #resent = 0;

  /** `first`: number of the first frame. */
  constructor(frameBytes: number, first: number) {
    this.#frameBytes = frameBytes;
    this.bytes = new Uint8Array(WINDOW_FRAMES * frameBytes);
    this.#base = first >>> 0;
    this.#sent = this.#base;
    this.#next = this.#base;
  }

  /** The oldest number the peer has not acknowledged. */
  get base(): number {
    return this.#base;
  }

  /** The number the next frame will have. */
  get next(): number {
    return this.#next;
  }

  /** Frames that are not acknowledged. */
  get outstanding(): number {
    return distance(this.#base, this.#next);
  }

  get hasUnsent(): boolean {
    return this.#sent !== this.#next;
  }

  /** Whether another frame may be begun. */
  get hasRoom(): boolean {
    return this.outstanding < Math.min(this.#allowed, WINDOW_FRAMES);
  }

  /** Frames sent more than once, since the beginning. */
  get resent(): number {
    return this.#resent;
  }

  offsetOf(number: number): number {
    return (number & MASK) * this.#frameBytes;
  }

  /** The frame of the number `next` has been written, `length` bytes: it is to be sent. */
  close(length: number): void {
    invariant(this.outstanding < WINDOW_FRAMES, 'the window is full');
    const slot = this.#next & MASK;
    this.#lengths[slot] = length;
    this.#fates[slot] = fates.unsent;
    this.#tries[slot] = 0;
    this.#next = (this.#next + 1) >>> 0;
  }

  /** The number of the next frame to send, lost ones first; undefined when there is none. */
  take(now: Instant): number | undefined {
    const number = this.#lost > 0 ? this.#oldestLost() : this.#sent;
    if (number === this.#next) return undefined;
    const slot = number & MASK;
    if (this.#fates[slot] === fates.lost) {
      this.#lost -= 1;
      this.#resent += 1;
    } else {
      this.#sent = (this.#sent + 1) >>> 0;
    }
    this.#fates[slot] = fates.flying;
    this.#sentAt[slot] = now;
    this.#order[slot] = this.#transmissions;
    this.#tries[slot] = Math.min(255, (this.#tries[slot] ?? 0) + 1);
    this.#transmissions += 1;
    return number;
  }

  lengthOf(number: number): number {
    return this.#lengths[number & MASK] ?? 0;
  }

  /**
   * The peer has applied everything before `upTo`, and has what the bitmap names beyond it. False
   * when it acknowledges what was never sent.
   */
  acknowledge(upTo: number, window: number, arrived: Uint8Array, now: Instant): boolean {
    const applied = distance(this.#base, upTo);
    const flown = distance(this.#base, this.#sent);
    // An older one that was overtaken has nothing to say.
    if (applied > 2 ** 31) return true;
    if (applied > flown) return false;
    this.#allowed = window;
    for (; this.#base !== upTo; this.#base = (this.#base + 1) >>> 0) {
      this.#arrive(this.#base, now);
      this.#fates[this.#base & MASK] = fates.free;
    }
    const known = Math.min(arrived.length * 8, distance(this.#base, this.#sent));
    for (let index = 0; index < known; index += 1) {
      const isThere = ((arrived[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
      if (isThere) this.#arrive((this.#base + index) >>> 0, now);
    }
    if (applied > 0) this.roundTrip.answered();
    if (known > 0) this.#judgeOvertaken();
    return true;
  }

  /** When the oldest frame in flight has waited long enough; undefined when none is. */
  nextTimeout(): Instant | undefined {
    if (this.#lost > 0 || this.#base === this.#sent) return undefined;
    const last = Math.max(this.#sentAt[this.#base & MASK] ?? 0, this.#lapsedAt);
    return after(last as Instant, this.roundTrip.patience);
  }

  /** The deadline has passed: the oldest are tried again. */
  lapse(now: Instant): void {
    const at = this.nextTimeout();
    if (at === undefined || now < at) return;
    this.roundTrip.lapsed();
    this.#lapsedAt = now;
    let probes = 0;
    for (let number = this.#base; number !== this.#sent; number = (number + 1) >>> 0) {
      if (probes === PROBE_FRAMES) break;
      if (this.#fates[number & MASK] !== fates.flying) continue;
      this.#lose(number & MASK);
      probes += 1;
    }
    // All have arrived, and the peer only has not applied them: the acknowledgement is asked for.
    if (probes === 0) this.#lose(this.#base & MASK);
  }

  #arrive(number: number, now: Instant): void {
    const slot = number & MASK;
    const fate = this.#fates[slot];
    if (fate === fates.arrived || fate === fates.free) return;
    if (fate === fates.lost) this.#lost -= 1;
    this.#fates[slot] = fates.arrived;
    const span = between((this.#sentAt[slot] ?? 0) as Instant, now);
    const isFirst = this.#tries[slot] === 1;
    // Of a frame sent twice nobody knows which one has arrived (Karn); too soon, it was the first.
    if (isFirst) this.roundTrip.measured(span);
    else if (span < this.roundTrip.smoothed / 2) return;
    this.#arrivedOrder = Math.max(this.#arrivedOrder, this.#order[slot] ?? 0);
  }

  #judgeOvertaken(): void {
    for (let number = this.#base; number !== this.#sent; number = (number + 1) >>> 0) {
      const slot = number & MASK;
      const isOvertaken = (this.#order[slot] ?? 0) + OVERTAKEN <= this.#arrivedOrder;
      if (this.#fates[slot] === fates.flying && isOvertaken) this.#lose(slot);
    }
  }

  #lose(slot: number): void {
    this.#fates[slot] = fates.lost;
    this.#lost += 1;
  }

  #oldestLost(): number {
    let number = this.#base;
    while (this.#fates[number & MASK] !== fates.lost) number = (number + 1) >>> 0;
    return number;
  }
}

/** How many numbers `to` is ahead of `from`, modulo 2^32. */
export function distance(from: number, to: number): number {
  return (to - from) >>> 0;
}
