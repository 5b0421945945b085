/**
 * Demotions that other processes report, each with all it knows at once and for a while only: who
 * falls silent demotes nobody for ever.
 *
 * Both nodes measure the same thing, and never at the same instant. So that the one that happens to
 * see it first does not lose the place to one that is no better, a MASTER is demoted, and a BACKUP
 * is forgiven, only after a patience within which the peer sees it as well.
 */
import { after, type Duration, earliest, type Instant } from '../time.ts';

export interface ReportedDemotion {
  /** `target:wan1`, `service:dhcp`. */
  readonly reason: string;
  /** 1-240. */
  readonly weight: number;
  /** By how much later the peer may see the same. */
  readonly patience: Duration;
}

export interface DemotionReport {
  /** Who reports: a later report of the same owner replaces this one. */
  readonly owner: string;
  readonly demotions: readonly ReportedDemotion[];
  /** How long the report is believed. */
  readonly lasts: Duration;
}

/** What the node is to do. */
export type DemotionChange =
  | {
      readonly kind: 'raise';
      readonly reason: string;
      readonly owner: string;
      readonly weight: number;
    }
  | { readonly kind: 'clear'; readonly reason: string };

interface Entry extends ReportedDemotion {
  readonly owner: string;
  /** When the report that named it is no longer believed. */
  expires: Instant;
  isRaised: boolean;
  /** Since when it is reported, or reported no more. */
  since: Instant;
  isReported: boolean;
}

export class ExternalDemotions {
  readonly #entries = new Map<string, Entry>();

  take({ owner, demotions, lasts }: DemotionReport, now: Instant): void {
    const named = new Set(demotions.map(({ reason }) => reason));
    for (const entry of this.#entries.values()) {
      if (entry.owner === owner && !named.has(entry.reason)) setReported(entry, false, now);
    }
    const expires = after(now, lasts);
    for (const demotion of demotions) {
      const known = this.#entries.get(demotion.reason);
      const fresh = { ...demotion, owner, expires };
      if (known === undefined) {
        const entry = { ...fresh, isRaised: false, since: now, isReported: true };
        this.#entries.set(demotion.reason, entry);
      } else {
        setReported(known, true, now);
        this.#entries.set(demotion.reason, { ...known, ...fresh });
      }
    }
  }

  /** What has come due. `serving`: whether this node is MASTER. */
  settle(serving: boolean, now: Instant): DemotionChange[] {
    const changes: DemotionChange[] = [];
    for (const entry of [...this.#entries.values()]) {
      if (entry.isReported && now >= entry.expires) setReported(entry, false, entry.expires);
      if (entry.isReported) changes.push(...this.#raise(entry, serving, now));
      else changes.push(...this.#clear(entry, serving, now));
    }
    return changes;
  }

  nextTimeout(): Instant | undefined {
    let next: Instant | undefined;
    for (const { isReported, isRaised, since, patience, expires } of this.#entries.values()) {
      if (isReported) next = earliest(next, expires);
      if (isReported !== isRaised) next = earliest(next, after(since, patience));
    }
    return next;
  }

  #raise(entry: Entry, serving: boolean, now: Instant): DemotionChange[] {
    const isDue = !serving || now >= after(entry.since, entry.patience);
    if (!entry.isRaised && !isDue) return [];
    entry.isRaised = true;
    const { reason, owner, weight } = entry;
    return [{ kind: 'raise', reason, owner, weight }];
  }

  #clear(entry: Entry, serving: boolean, now: Instant): DemotionChange[] {
    if (entry.isRaised && !serving && now < after(entry.since, entry.patience)) return [];
    this.#entries.delete(entry.reason);
    return entry.isRaised ? [{ kind: 'clear', reason: entry.reason }] : [];
  }
}

function setReported(entry: Entry, isReported: boolean, now: Instant): void {
  if (entry.isReported === isReported) return;
  entry.isReported = isReported;
  entry.since = now;
}
