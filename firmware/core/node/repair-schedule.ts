/**
 * When damage in the kernel is repaired: at once, but when it comes again and again (two programs
 * that fight for a table) less and less often, so that repairing does not take all the time.
 */
import {
  after,
  type Duration,
  type Instant,
  microseconds,
  milliseconds,
  seconds,
} from '../time.ts';

const SHORTEST = milliseconds(100);
const LONGEST = seconds(5);
/** After a repair that has held for so long, damage is a new story. */
const HELD = seconds(1);

export class RepairSchedule {
  #pause: Duration = SHORTEST;
  #repairedAt: Instant | undefined;
  #dueAt: Instant | undefined;

  /** Something is damaged. `first`: when to repair it if it has not just been repaired. */
  demand(now: Instant, first = now): void {
    if (this.#dueAt !== undefined) return;
    if (this.#repairedAt !== undefined && now >= after(this.#repairedAt, HELD)) {
      this.#pause = SHORTEST;
      this.#repairedAt = undefined;
    }
    this.#dueAt = this.#repairedAt === undefined ? first : after(this.#repairedAt, this.#pause);
  }

  /** True when it is to be repaired now; it then counts as repaired. */
  due(now: Instant): boolean {
    if (this.#dueAt === undefined || now < this.#dueAt) return false;
    if (this.#repairedAt !== undefined) {
      this.#pause = microseconds(Math.min(LONGEST, 2 * this.#pause));
    }
    this.#dueAt = undefined;
    this.#repairedAt = now;
    return true;
  }

  nextTimeout(): Instant | undefined {
    return this.#dueAt;
  }
}
