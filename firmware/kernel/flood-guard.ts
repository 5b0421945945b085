/**
 * Keeps a socket that somebody floods from costing the node its processor. It may bring a burst of
 * 64 batches (about a thousand datagrams: what piles up while the machine stands still), and a
 * quarter of a batch every 2 ms for as long as it likes (2000 datagrams/s, more than a pair ever
 * sends). With more than that it counts as flooded: it is not waited for any more but read every
 * 2 ms, until a read finds less than a whole batch.
 *
 * Datagrams are counted, not how full the reads were: a thread that does nothing but read one
 * datagram after the other keeps up with a flood, and is lost to everything else all the same.
 */

/** Microseconds from one read of a flooded socket to the next. */
const PAUSE = 2_000;
const BURST_BATCHES = 64;
/** Batches that are earned in a pause. */
const EARNED = 1 / 4;

export class FloodGuard {
  readonly #batch: number;
  /** How many more datagrams it may bring, at an instant. */
  #credit: number;
  #creditedAt = 0;
  #nextRead: number | undefined;

  /** `batch`: most datagrams that one read takes. */
  constructor(batch: number) {
    this.#batch = batch;
    this.#credit = batch * BURST_BATCHES;
  }

  /** While flooded: when it may be read again (microseconds of the monotonic clock). */
  get nextRead(): number | undefined {
    return this.#nextRead;
  }

  /** To be told after each read what it found. */
  took(count: number, now: number): void {
    const earned = ((now - this.#creditedAt) / PAUSE) * EARNED * this.#batch;
    const credit = Math.min(this.#batch * BURST_BATCHES, this.#credit + earned) - count;
    const isFlooded = this.#nextRead === undefined ? credit < 0 : count === this.#batch;
    // Nobody is in debt: when a flood ends, what comes is waited for again.
    this.#credit = Math.max(0, credit);
    this.#creditedAt = now;
    this.#nextRead = isFlooded ? now + PAUSE : undefined;
  }
}
