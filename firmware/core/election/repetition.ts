/**
 * A thing said several times, because a single frame may be lost: announcements, good-byes.
 */
import { after, type Duration, type Instant } from '../time.ts';

export class Repetition {
  readonly #gaps: readonly Duration[];
  readonly #thenEvery: Duration | undefined;
  #next: Instant | undefined;
  #said = 0;

  /** `gaps`: time from each saying to the following one; `thenEvery`: for ever after, if given. */
  constructor(gaps: readonly Duration[], thenEvery?: Duration) {
    this.#gaps = gaps;
    this.#thenEvery = thenEvery;
  }

  /** The first saying happens now, by the caller. */
  start(now: Instant): void {
    this.#said = 0;
    this.#schedule(now);
  }

  stop(): void {
    this.#next = undefined;
  }

  get next(): Instant | undefined {
    return this.#next;
  }

  /** True when a saying is due; schedules the one after it. */
  due(now: Instant): boolean {
    if (this.#next === undefined || this.#next > now) return false;
    this.#schedule(now);
    return true;
  }

  #schedule(now: Instant): void {
    const gap = this.#gaps[this.#said] ?? this.#thenEvery;
    this.#said += 1;
    this.#next = gap === undefined ? undefined : after(now, gap);
  }
}
