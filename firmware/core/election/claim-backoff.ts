/**
 * How long a node keeps its hands off the VIPs after it could not hold them: a claim that the
 * kernel refused, or a lease that was lost as soon as it was taken.
 *
 * Two nodes in this trouble hand the VIPs to one another by good-byes, without end and as fast as
 * they can. So each waits a second before it claims again. A place that another one holds is left
 * to it for twice as long every time; a free one is not, as nobody else may be able to serve.
 */
import { after, type Duration, type Instant, microseconds, seconds } from '../time.ts';

const SHORTEST = seconds(1);
const LONGEST = seconds(60);
/** A lease that was held for this long was a success. */
const STEADY = seconds(1);

export class ClaimBackoff {
  #pause: Duration = SHORTEST;
  #claimedAt: Instant | undefined;
  #untilFree: Instant | undefined;
  #untilHeld: Instant | undefined;

  /** Until when a free place may not be claimed; undefined or past when it may. */
  get untilFree(): Instant | undefined {
    return this.#untilFree;
  }

  /** Until when a place may not be claimed that another one holds; not before the other. */
  get untilHeld(): Instant | undefined {
    return this.#untilHeld;
  }

  /** Whether even a free place may not be claimed. */
  forbids(now: Instant): boolean {
    return this.#untilFree !== undefined && now < this.#untilFree;
  }

  /** Whether a place may not be claimed that another one holds. */
  forbidsHeld(now: Instant): boolean {
    return this.#untilHeld !== undefined && now < this.#untilHeld;
  }

  claimed(now: Instant): void {
    this.#claimedAt = now;
  }

  /** The lease is held. */
  held(now: Instant): void {
    if (this.#isSteady(now)) this.#pause = SHORTEST;
  }

  /** The lease ran out; soon after the claim that is as bad as a refusal. */
  lapsed(now: Instant): void {
    if (!this.#isSteady(now)) this.refused(now);
  }

  refused(now: Instant): void {
    this.#untilFree = after(now, SHORTEST);
    this.#untilHeld = after(now, this.#pause);
    this.#pause = microseconds(Math.min(LONGEST, 2 * this.#pause));
  }

  #isSteady(now: Instant): boolean {
    return this.#claimedAt === undefined || now >= after(this.#claimedAt, STEADY);
  }
}
