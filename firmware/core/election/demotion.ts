/**
 * Why this node should not be MASTER: named reasons, never a bare sum.
 *
 * FreeBSD keeps one number that anybody may add to; when an addition is not taken back the node
 * stays demoted for weeks and nobody can say why. Here each reason stands by itself, with an owner,
 * a weight and, where it can be forgotten, an expiry. The sum exists only on the wire.
 */
import type { Instant } from '../time.ts';

/** A reason as DESIGN names them: `boot`, `link:lan`, `send:wan`, `late`, `maintenance`, ... */
export interface Demotion {
  readonly reason: string;
  /** Added to advskew; 240 is the highest that can be seen on the wire. */
  readonly weight: number;
  /** Who raised it and will take it back: a part of the firmware or a person. */
  readonly owner: string;
  readonly since: Instant;
  /** When it ends by itself; undefined when only its owner can end it. */
  readonly expires: Instant | undefined;
}

export type NewDemotion = Pick<Demotion, 'reason' | 'weight' | 'owner'> & {
  readonly expires?: Instant;
};

export class DemotionLedger {
  readonly #entries = new Map<string, Demotion>();

  /** Adds or refreshes a reason; `since` stays that of the first raise. True when it is new. */
  raise(demotion: NewDemotion, now: Instant): boolean {
    const known = this.#entries.get(demotion.reason);
    const since = known?.since ?? now;
    this.#entries.set(demotion.reason, { ...demotion, since, expires: demotion.expires });
    return known === undefined;
  }

  /** Takes a reason back. True when it stood. */
  clear(reason: string): boolean {
    return this.#entries.delete(reason);
  }

  get(reason: string): Demotion | undefined {
    return this.#entries.get(reason);
  }

  has(reason: string): boolean {
    return this.#entries.has(reason);
  }

  /** Removes what has expired and returns the reasons. */
  expire(now: Instant): readonly string[] {
    const gone: string[] = [];
    for (const { reason, expires } of this.#entries.values()) {
      if (expires === undefined || expires > now) continue;
      this.#entries.delete(reason);
      gone.push(reason);
    }
    return gone;
  }

  /** The sum of all weights, uncapped. */
  total(): number {
    let sum = 0;
    for (const entry of this.#entries.values()) sum += entry.weight;
    return sum;
  }

  nextExpiry(): Instant | undefined {
    let next: Instant | undefined;
    for (const { expires } of this.#entries.values()) {
      if (expires !== undefined && (next === undefined || expires < next)) next = expires;
    }
    return next;
  }

  list(): readonly Demotion[] {
    return [...this.#entries.values()];
  }
}
