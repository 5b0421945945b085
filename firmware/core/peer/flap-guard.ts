/**
 * Anti-flap: a pair whose MASTER changed too often for no good reason stays where it is for a
 * while. Only what is optional waits (failback to the preferred node); a dead or broken MASTER is
 * replaced at once, however often.
 */
import { after, type Duration, type Instant, instant, seconds } from '../time.ts';

const WITHIN = seconds(600);
const LONGEST_HOLD = seconds(900);
/** Beyond this many the hold has its longest length anyway. */
const REMEMBERED = 32;

export interface FlapRule {
  /** Changes within ten minutes that are too many; 0 switches the guard off. */
  readonly changes: number;
  /** How long to stay after those; doubles with each further change, up to 15 minutes. */
  readonly hold: Duration;
}

export class FlapGuard {
  #rule: FlapRule;
  #changes: readonly Instant[] = [];
  #heldUntil: Instant = instant(0);

  constructor(rule: FlapRule) {
    this.#rule = rule;
  }

  change(rule: FlapRule): void {
    this.#rule = rule;
    if (rule.changes === 0) this.#heldUntil = instant(0);
  }

  /** MASTER changed, and nobody had asked for it. */
  record(now: Instant): void {
    this.#changes = [...this.#changes, now].slice(-REMEMBERED);
    const { changes, hold } = this.#rule;
    const recent = this.recent(now);
    if (changes === 0 || recent < changes) return;
    const length = Math.min(LONGEST_HOLD, hold * 2 ** (recent - changes)) as Duration;
    this.#heldUntil = after(now, length);
  }

  /** Changes within the last ten minutes. */
  recent(now: Instant): number {
    return this.#changes.filter((at) => after(at, WITHIN) > now).length;
  }

  /** Until when the node stays what it is; undefined when it need not. */
  heldUntil(now: Instant): Instant | undefined {
    return now < this.#heldUntil ? this.#heldUntil : undefined;
  }
}
