/**
 * Why this node should not be MASTER: named reasons, never a bare sum.
 *
 * FreeBSD keeps one number that anybody may add to; when an addition is not taken back the node
 * stays demoted for weeks and nobody can say why. Here each reason stands by itself, with an owner,
 * a weight and, where it can be forgotten, an expiry. The sum exists only on the wire.
 */
import { earliest, type Instant } from '../time.ts';

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

const NONE: readonly string[] = [];

export class DemotionLedger {
  readonly #entries = new Map<string, Demotion>();
  #total = 0;
  /** When the first of them ends by itself; undefined for never. */
  #nextExpiry: Instant | undefined;

  /** Adds or refreshes a reason; `since` stays that of the first raise. True when it is new. */
  raise(demotion: NewDemotion, now: Instant): boolean {
    const known = this.#entries.get(demotion.reason);
    const since = known?.since ?? now;
    this.#entries.set(demotion.reason, { ...demotion, since, expires: demotion.expires });
    this.#addUp();
    return known === undefined;
  }

  /** Takes a reason back. True when it stood. */
  clear(reason: string): boolean {
    if (!this.#entries.delete(reason)) return false;
    this.#addUp();
    return true;
  }

  get(reason: string): Demotion | undefined {
    return this.#entries.get(reason);
  }

  has(reason: string): boolean {
    return this.#entries.has(reason);
  }

  /** Removes what has expired and returns the reasons. */
  expire(now: Instant): readonly string[] {
    if (this.#nextExpiry === undefined || now < this.#nextExpiry) return NONE;
    const gone: string[] = [];
    for (const { reason, expires } of this.#entries.values()) {
      if (expires === undefined || expires > now) continue;
      this.#entries.delete(reason);
      gone.push(reason);
    }
    this.#addUp();
    return gone;
  }

  /** The sum of all weights, uncapped. */
  total(): number {
    return this.#total;
  }

  nextExpiry(): Instant | undefined {
    return this.#nextExpiry;
  }

  list(): readonly Demotion[] {
    return [...this.#entries.values()];
  }

  #addUp(): void {
    this.#total = 0;
    this.#nextExpiry = undefined;
    for (const { weight, expires } of this.#entries.values()) {
      this.#total += weight;
      this.#nextExpiry = earliest(this.#nextExpiry, expires);
    }
  }
}
