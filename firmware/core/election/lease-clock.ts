/**
 * What a MASTER knows of its lease without asking the kernel: when to renew it, and when it must be
 * taken for lapsed.
 */
import { after, type Duration, type Instant, milliseconds } from '../time.ts';

const RENEW_AT_MOST = milliseconds(10);
const RENEWALS_PER_LEASE = 4;

export class LeaseClock {
  /** Length of a lease. */
  length: Duration;
  #renewedAt: Instant | undefined;

  constructor(length: Duration) {
    this.length = length;
  }

  /** Claimed or renewed. */
  renewed(now: Instant): void {
    this.#renewedAt = now;
  }

  released(): void {
    this.#renewedAt = undefined;
  }

  /** Undefined while no lease is held. */
  get renewAt(): Instant | undefined {
    const pause = Math.min(RENEW_AT_MOST, this.length / RENEWALS_PER_LEASE) as Duration;
    return this.#renewedAt === undefined ? undefined : after(this.#renewedAt, pause);
  }

  /** For how long it has not been renewed, when that is too long; undefined when it stands. */
  lapsedFor(now: Instant): Duration | undefined {
    if (this.#renewedAt === undefined || now < after(this.#renewedAt, this.length)) {
      return undefined;
    }
    return (now - this.#renewedAt) as Duration;
  }
}
