/**
 * Walks through the kernel's table: the one way in which this node learns what its kernel really
 * has. Whoever drives the machine reads the table and shows every flow once; several wishes are
 * served by one walk.
 *
 *   load     at the start: what is there
 *   tell     a pass with bodies (pass-teller.ts)
 *   verify   events were lost: what is not there is forgotten
 *   remove   surplus copies, which only the kernel can name
 *   renew    quiet copies whose owner still has them; such a walk may be narrow
 *
 * The kernel's answer is older than the events that came meanwhile. So what is `told` or `buried`
 * since the walk began is left as it is.
 */
import { after, earliest, type Instant, milliseconds, seconds } from '../time.ts';
import { BUCKETS, type BucketSet } from './bucket-set.ts';
import type { FlowOwnership } from './flow-ownership.ts';
import { bucketOf, DEAD, type FlowTable, marks } from './flow-table.ts';
import { contentMarks, type OutboundFlows } from './outbound-flows.ts';
import type { PassTeller } from './pass-teller.ts';
import { flagsAt, keyHighAt, keyLowAt, operationAt } from './record-head.ts';

/** What is to be done with a flow that was shown. */
export const verdicts = {
  /** Nothing more: go on. */
  none: 0,
  /** A copy its owner still has: it shall not lapse. */
  renew: 1,
  /** A copy its owner has no more: the kernel shall delete it. */
  remove: 2,
  /** There is no room now: show it again later. */
  wait: 3,
} as const;

/**
 * Between two walks that only renew. Copies of quiet flows live for three minutes at least, and are
 * renewed when they have less than two left: a walk costs the kernel more than all else here.
 */
const RENEWAL_PAUSE = seconds(40);
/** After a walk that failed. */
const RETRY_PAUSE = milliseconds(200);

interface Walk {
  readonly isFull: boolean;
  /** It began when a pass was waiting for it. */
  readonly tells: boolean;
  readonly renews: BucketSet | undefined;
}

export interface WalkParts {
  readonly table: FlowTable;
  readonly outbound: OutboundFlows;
  readonly teller: PassTeller;
  readonly ownership: FlowOwnership;
}

export class TableWalk {
  readonly #parts: WalkParts;
  #walk: Walk | undefined;
  #isLoaded = false;
  #wantsVerification = false;
  #surplus = false;
  #renewal: BucketSet | undefined;
  #notBefore: Instant = 0 as Instant;
  /** Not before this another walk that only renews. */
  #renewAt: Instant = 0 as Instant;
  /** Walks asked for, and copies found to be missing or surplus in them. */
  readonly counters = { walks: 0, vanished: 0, removed: 0 };

  constructor(parts: WalkParts) {
    this.#parts = parts;
  }

  /** The table of this node is known. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Events of the kernel were lost. */
  verify(): void {
    this.#wantsVerification = true;
  }

  /** Some copies are surplus. */
  remove(): void {
    this.#surplus = true;
  }

  /** The owner still has the flows of these buckets. */
  renew(buckets: BucketSet): void {
    if (!buckets.isEmpty) this.#renewal = buckets;
  }

  /** A new life of the peer: the pass that was served is no more. */
  restart(): void {
    if (this.#walk !== undefined) this.#walk = { ...this.#walk, tells: false };
    this.#renewal = undefined;
  }

  /** A walk to ask for, if one is wanted now and none is under way: whether it must show all. */
  poll(now: Instant): { readonly full: boolean } | undefined {
    if (this.#walk !== undefined || now < this.#notBefore) return undefined;
    const tells = this.#parts.teller.needsWalk;
    const isFull = !this.#isLoaded || tells || this.#wantsVerification || this.#surplus;
    const renews = this.#renewal;
    if (!isFull && (renews === undefined || now < this.#renewAt)) return undefined;
    this.#walk = { isFull, tells, renews };
    if (renews !== undefined) this.#renewAt = after(now, RENEWAL_PAUSE);
    this.#renewal = undefined;
    if (isFull) {
      this.#wantsVerification = false;
      this.#surplus = false;
      this.#parts.table.wipe(marks.present);
    }
    this.#parts.table.isWalked = true;
    this.counters.walks += 1;
    return { full: isFull };
  }

  nextTimeout(): Instant | undefined {
    if (this.#walk !== undefined) return undefined;
    const retryAt = this.#notBefore > 0 ? this.#notBefore : undefined;
    return earliest(retryAt, this.#renewal && this.#renewAt);
  }

  /** One flow of the kernel's table; answers one of `verdicts`. */
  visit(bytes: Uint8Array, at: number, now: Instant): number {
    if (this.#walk === undefined) return verdicts.none;
    const { table } = this.#parts;
    const low = keyLowAt(bytes, at);
    const high = keyHighAt(bytes, at);
    const slot = table.find(low, high);
    if (slot < 0) return this.#meetUnknown(bytes, at, now);
    const before = table.marks(slot);
    if ((before & marks.surplus) !== 0) {
      this.counters.removed += 1;
      table.bury(slot);
      return verdicts.remove;
    }
    if ((before & DEAD) !== 0) return verdicts.none;
    const bucket = bucketOf(low, high);
    if ((before & marks.own) === 0) {
      table.set(slot, (before | marks.present) & ~marks.hollow);
      return this.#walk.renews?.has(bucket) === true ? verdicts.renew : verdicts.none;
    }
    const isWanted = this.#walk.tells && this.#parts.teller.isWanted(bucket, before);
    if (!isWanted) {
      table.set(slot, before | marks.present);
      return verdicts.none;
    }
    // The peer has told of it since the walk began: what is shown may be older.
    if ((before & marks.present) !== 0) return verdicts.none;
    return this.#tell(bytes, at, before, now) ? verdicts.none : verdicts.wait;
  }

  /** The walk has ended; `complete` when every flow of the kernel was shown. */
  walked(complete: boolean, now: Instant): void {
    const walk = this.#walk;
    if (walk === undefined) return;
    this.#walk = undefined;
    const { table, teller } = this.#parts;
    table.isWalked = false;
    if (!complete) {
      this.#notBefore = after(now, RETRY_PAUSE);
      // Where wishes come from is still there, but for these two.
      this.#wantsVerification ||= walk.isFull;
      this.#surplus ||= walk.isFull;
      this.#exhume();
      return;
    }
    this.#notBefore = 0 as Instant;
    if (!walk.isFull) {
      this.#exhume();
      return;
    }
    this.#isLoaded = true;
    this.#judge(walk);
    if (walk.tells) teller.walked(now);
  }

  #meetUnknown(bytes: Uint8Array, at: number, now: Instant): number {
    const { table, ownership, teller } = this.#parts;
    const low = keyLowAt(bytes, at);
    const high = keyHighAt(bytes, at);
    // Who serves a part cannot know whose it is, before the peer has named its own.
    const isServing = ownership.own === 'all';
    const isTelling = this.#walk?.tells === true && teller.covers(bucketOf(low, high));
    if (isServing && isTelling) {
      return this.#tell(bytes, at, 0, now) ? verdicts.none : verdicts.wait;
    }
    // Its event is on its way.
    if (isServing && this.#isLoaded) return verdicts.none;
    const slot = table.insert(low, high);
    if (slot < 0) return verdicts.none;
    const content = contentMarks(operationAt(bytes, at), flagsAt(bytes, at));
    const side = isServing ? marks.own : marks.loaded;
    table.set(slot, marks.used | marks.present | content | side);
    return verdicts.none;
  }

  /** Hands a flow of this node to the peer, without calling it seen: no packet has shown it. */
  #tell(bytes: Uint8Array, at: number, before: number, now: Instant): boolean {
    const { table, outbound } = this.#parts;
    if (!outbound.tell(bytes, at, now)) return false;
    if ((before & marks.inherited) === 0) return true;
    const slot = table.find(keyLowAt(bytes, at), keyHighAt(bytes, at));
    table.set(slot, table.marks(slot) | marks.inherited);
    return true;
  }

  /** What the kernel did not show is gone. */
  #judge(walk: Walk): void {
    const { table, outbound, teller } = this.#parts;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const isCovered = walk.tells && teller.covers(bucket);
      table.eachOf(bucket, (slot) => {
        const before = table.marks(slot);
        if ((before & marks.buried) !== 0) {
          table.remove(slot);
        } else if ((before & marks.present) === 0) {
          if (!isMissed(before)) {
            table.set(slot, before | marks.hollow);
            return;
          }
          const isOwn = (before & (marks.own | DEAD)) === marks.own;
          if ((before & DEAD) === 0) this.counters.vanished += 1;
          table.remove(slot);
          // Its end was not heard, so the peer has not heard of it either.
          if (isOwn && !isCovered) outbound.dirty.add(bucket);
        } else if ((before & marks.surplus) !== 0) {
          this.#surplus = true;
        }
      });
    }
  }

  /** Forgets what was buried. */
  #exhume(): void {
    const { table } = this.#parts;
    table.each((slot) => {
      if ((table.marks(slot) & marks.buried) !== 0) table.remove(slot);
    });
  }
}

/** A copy of a flow that is over, or was never settled, may be gone before its owner says so. */
function isMissed(flowMarks: number): boolean {
  if ((flowMarks & (marks.own | DEAD)) !== 0) return true;
  return (flowMarks & (marks.established | marks.closing)) === marks.established;
}
