/**
 * How often something may be done that others can provoke: a few times at once, then at a rate.
 */
import { type Duration, type Instant, instant } from '../time.ts';

export class Allowance {
  readonly #burst: number;
  readonly #refill: Duration;
  /** When all of the burst is there again. */
  #fullAt = instant(0);

  /** `burst` times at once; one more for each `refill` that has passed. */
  constructor(burst: number, refill: Duration) {
    this.#burst = burst;
    this.#refill = refill;
  }

  /** True when it may be done now; it is then counted. */
  take(now: Instant): boolean {
    const fullAt = instant(Math.max(this.#fullAt, now) + this.#refill);
    if (fullAt - now > this.#burst * this.#refill) return false;
    this.#fullAt = fullAt;
    return true;
  }
}
