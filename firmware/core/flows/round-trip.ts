/**
 * How long a frame and its acknowledgement take, and how long to wait for one before the frame is
 * sent again (RFC 6298, with the bounds of a cable instead of the internet's).
 */
import { type Duration, microseconds, milliseconds } from '../time.ts';

/** Both ends work in ticks and acknowledge after a while: sooner would be too soon. */
const SHORTEST = milliseconds(8);
const LONGEST = milliseconds(250);
/** Before anything was measured. */
const FIRST = milliseconds(50);

export class RoundTrip {
  #smoothed: number | undefined;
  #variation = 0;
  #backoff = 1;

  /** A frame that was sent once was acknowledged after this. */
  measured(span: Duration): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = span;
      this.#variation = span / 2;
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - span);
      this.#smoothed = 0.875 * this.#smoothed + 0.125 * span;
    }
  }

  /** Something new was acknowledged: the peer is there. */
  answered(): void {
    this.#backoff = 1;
  }

  /** Nothing came in time. */
  lapsed(): void {
    this.#backoff = Math.min(this.#backoff * 2, 64);
  }

  /** Smoothed, microseconds; 0 before the first one. */
  get smoothed(): number {
    return Math.round(this.#smoothed ?? 0);
  }

  /** So long a frame may stay unanswered. */
  get patience(): Duration {
    const plain =
      this.#smoothed === undefined ? FIRST : this.#smoothed + Math.max(4 * this.#variation, 1_000);
    const span = Math.max(SHORTEST, plain) * this.#backoff;
    return microseconds(Math.round(Math.min(LONGEST, span)));
  }
}
