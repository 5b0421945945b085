/**
 * A level that gets worse at once and better only when better has lasted. So it never comes back
 * sooner than the hold after it left, however the measurement jumps.
 */
import { after, type Duration, type Instant } from '../time.ts';
import { type GatewayLevel, isWorse, worse } from './gateway-states.ts';

export class LevelWatch {
  hold: Duration;
  #level: GatewayLevel = 'up';
  /** The worst that was measured since better began, and when it did. */
  #better: { level: GatewayLevel; readonly since: Instant } | undefined;

  constructor(hold: Duration) {
    this.hold = hold;
  }

  get level(): GatewayLevel {
    return this.#level;
  }

  measure(level: GatewayLevel, now: Instant): void {
    // What lasted until now counts before what is measured now.
    this.settle(now);
    if (!isWorse(this.#level, level)) {
      this.#level = level;
      this.#better = undefined;
      return;
    }
    if (this.#better === undefined) this.#better = { level, since: now };
    else this.#better.level = worse(this.#better.level, level);
    this.settle(now);
  }

  /** Call when `nextTimeout` is reached. */
  settle(now: Instant): void {
    if (this.#better === undefined || now < after(this.#better.since, this.hold)) return;
    this.#level = this.#better.level;
    this.#better = undefined;
  }

  nextTimeout(): Instant | undefined {
    return this.#better && after(this.#better.since, this.hold);
  }
}
