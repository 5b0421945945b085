/**
 * Keeps a socket that somebody floods from costing the node its processor. It may bring a burst of
 * 64 batches (about a thousand datagrams: what piles up while the machine stands still), and one
 * batch every 2 ms for as long as it likes. With more than that it counts as flooded: it is not
 * waited for any more but read every 2 ms, until a read finds less than a whole batch.
 *
 * Datagrams are counted, not how full the reads were: a thread that does nothing but read one
 * datagram after the other keeps up with a flood, and is lost to everything else all the same.
 */

/** Microseconds from one read of a flooded socket to the next. */
const PAUSE = 2_000;
const BURST_BATCHES = 64;

export class FloodGuard {
  readonly #batch: number;
  /** How many more datagrams it may bring. */
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
    if (this.#nextRead === undefined) this.#spend(count, now);
    else if (count < this.#batch) this.#nextRead = undefined;
    else this.#nextRead = now + PAUSE;
  }

  #spend(count: number, now: number): void {
    const earned = ((now - this.#creditedAt) / PAUSE) * this.#batch;
    const most = this.#batch * BURST_BATCHES;
    this.#credit = Math.min(most, this.#credit + earned) - count;
    this.#creditedAt = now;
    if (this.#credit >= 0) return;
    this.#credit = most;
    this.#nextRead = now + PAUSE;
  }
}
