/**
 * When a BACKUP that is better than the living MASTER may take over from it (failback).
 *
 * A node that has just come back must first be able to serve: it waits `delay` from the moment it
 * became as good as it is now. The wait is for the living MASTER's sake only: silence, a good-bye
 * and a MASTER that is itself demoted are answered at once.
 */
import { after, type Duration, type Instant } from '../time.ts';
import { ADVSKEW_DEMOTED, type Pace } from './interval.ts';

export interface PreemptionRule {
  readonly enabled: boolean;
  readonly delay: Duration;
}

export class Preemption {
  #rule: PreemptionRule;
  #improvedAt: Instant;

  constructor(rule: PreemptionRule, now: Instant) {
    this.#rule = rule;
    this.#improvedAt = now;
  }

  change(rule: PreemptionRule): void {
    this.#rule = rule;
  }

  /** The node entered BACKUP or lost a demotion: the delay starts anew. */
  improved(now: Instant): void {
    this.#improvedAt = now;
  }

  /** When a living MASTER that is merely less preferred may be replaced; undefined for never. */
  get permittedAt(): Instant | undefined {
    return this.#rule.enabled ? after(this.#improvedAt, this.#rule.delay) : undefined;
  }

  /** `master` is what the living MASTER advertises; it is known to be worse than we are. */
  permits(master: Pace, now: Instant): boolean {
    // Failback may be switched off; replacing a MASTER that cannot serve everything is none.
    if (master.advskew >= ADVSKEW_DEMOTED) return true;
    if (!this.#rule.enabled) return false;
    return now >= after(this.#improvedAt, this.#rule.delay);
  }
}
