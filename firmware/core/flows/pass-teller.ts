/**
 * Tells the peer a part of the table anew: between a mark that it begins and one that it ends, all
 * that this node owns in some buckets. What the peer has beyond that is surplus.
 *
 *   bodies   after a meeting (every bucket), an overrun, or lost records: from the kernel's table,
 *            which is the truth, by a walk (table-walk.ts)
 *   keys     when digests differ: from the table of this node, no kernel needed
 *
 * And barriers: a mark that the peer acknowledges when it has everything told before.
 */
import type { FlowContent } from '../../wire/flow-frame.ts';
import { after, type Instant, seconds } from '../time.ts';
import { OWN_SIDE } from './bucket-digests.ts';
import { BUCKETS, BucketSet } from './bucket-set.ts';
import type { FlowOwnership } from './flow-ownership.ts';
import { DEAD, type FlowTable, marks } from './flow-table.ts';
import type { OutboundFlows } from './outbound-flows.ts';
import { distance } from './send-window.ts';

/** Between two passes with bodies: each goes through the whole table of the kernel. */
const PAUSE = seconds(2);
/** A pass of keys is small enough for the window and a little more. */
const KEYS_AT_MOST = 16_384;

/** What the peer has acknowledged. */
export type Told =
  /** This node's whole table. */
  { readonly kind: 'copied' } | { readonly kind: 'barrier'; readonly id: number };

interface Pass {
  readonly id: number;
  readonly content: FlowContent;
  readonly buckets: BucketSet;
  /** All of it was told; only its end is missing. */
  isTold: boolean;
}

interface Barrier {
  readonly id: number;
  readonly place: number;
}

export class PassTeller {
  /** What is in these is to be told by key. */
  readonly keysWanted = new BucketSet();
  readonly #table: FlowTable;
  readonly #outbound: OutboundFlows;
  readonly #ownership: FlowOwnership;
  #pass: Pass | undefined;
  #passes = 0;
  /** Not before this another pass with bodies. */
  #notBefore: Instant = 0 as Instant;
  #barriers: Barrier[] = [];
  /** Marks whose acknowledgement means something, oldest first. */
  #awaited: { readonly sequence: number; readonly told: Told }[] = [];

  constructor(table: FlowTable, outbound: OutboundFlows, ownership: FlowOwnership) {
    this.#table = table;
    this.#outbound = outbound;
    this.#ownership = ownership;
  }

  /** It waits for a walk, or is served by one. */
  get needsWalk(): boolean {
    return this.#pass !== undefined && !this.#pass.isTold;
  }

  get isIdle(): boolean {
    return this.#pass === undefined && this.keysWanted.isEmpty;
  }

  /** Everything told so far means nothing to a new life of the peer; barriers are put anew. */
  restart(): void {
    this.#pass = undefined;
    this.keysWanted.clear();
    this.#notBefore = 0 as Instant;
    const lost = this.#awaited.flatMap(({ told }) => (told.kind === 'barrier' ? [told] : []));
    const { place } = this.#outbound;
    this.#barriers = [...lost, ...this.#barriers].map(({ id }) => ({ id, place }));
    this.#awaited = [];
  }

  /** The peer lacks something in these buckets. */
  pulled(content: FlowContent, buckets: readonly number[]): void {
    const wanted = content === 'keys' ? this.keysWanted : this.#outbound.dirty;
    for (const bucket of buckets) wanted.add(bucket);
  }

  /** Tell me when the peer has everything up to here. */
  barrier(id: number): void {
    this.#barriers.push({ id, place: this.#outbound.place });
  }

  /** Whether a flow of this node, met by a walk, is still to be told. */
  isWanted(bucket: number, flowMarks: number): boolean {
    return this.needsWalk && (flowMarks & marks.told) === 0 && this.covers(bucket);
  }

  /** Whether the pass under way, if one needs a walk, goes over a bucket. */
  covers(bucket: number): boolean {
    return this.needsWalk && this.#pass?.buckets.has(bucket) === true;
  }

  /** The walk for it has ended, and everything in it was offered. */
  walked(now: Instant): void {
    const pass = this.#pass;
    if (pass === undefined || pass.isTold) return;
    // What came to be owned meanwhile by another way than an event was not told by the walk.
    this.#tellKeys(pass.buckets, now);
    pass.isTold = true;
  }

  /** Goes on as far as it can. */
  settle(now: Instant): void {
    if (this.#pass === undefined) this.#beginNext(now);
    else if (this.#pass.isTold && this.#outbound.isAtEase) this.#end(this.#pass, now);
    this.#raiseBarriers();
  }

  /** What the peer is now known to have, by its acknowledgements. */
  poll(): Told | undefined {
    const [oldest] = this.#awaited;
    if (oldest === undefined) return undefined;
    const { base, next } = this.#outbound.window;
    if (distance(base, oldest.sequence) < distance(base, next)) return undefined;
    this.#awaited.shift();
    return oldest.told;
  }

  nextTimeout(): Instant | undefined {
    const waits = this.#pass === undefined && !this.#outbound.dirty.isEmpty;
    return waits && this.#outbound.isAtEase ? this.#notBefore : undefined;
  }

  #beginNext(now: Instant): void {
    if (!this.#outbound.isAtEase || this.#ownership.isUndecided) return;
    const { dirty } = this.#outbound;
    if (!dirty.isEmpty && now >= this.#notBefore) {
      const buckets = new BucketSet(dirty.bits);
      if (!this.#begin('bodies', buckets)) return;
      dirty.clear();
      // Whoever serves nothing has nothing in its kernel but copies.
      const hasNothing = this.#ownership.own === 'none' && this.#table.count(OWN_SIDE) === 0;
      if (this.#pass !== undefined) this.#pass.isTold = hasNothing;
    } else if (!this.keysWanted.isEmpty) {
      const buckets = this.#nextKeys();
      if (!this.#begin('keys', buckets)) return;
      for (const bucket of buckets.list()) this.keysWanted.remove(bucket);
      this.#tellKeys(buckets, now);
      if (this.#pass !== undefined) this.#pass.isTold = true;
    }
  }

  #begin(content: FlowContent, buckets: BucketSet): boolean {
    const id = (this.#passes + 1) >>> 0;
    if (!this.#mark('begin', id, content, buckets)) return false;
    this.#passes = id;
    this.#table.wipe(marks.told);
    this.#pass = { id, content, buckets, isTold: false };
    return true;
  }

  #end(pass: Pass, now: Instant): void {
    if (!this.#mark('end', pass.id, pass.content, pass.buckets)) return;
    this.#pass = undefined;
    if (pass.content === 'bodies') this.#notBefore = after(now, PAUSE);
  }

  /** Answers whether there was room for it. */
  #mark(what: 'begin' | 'end', id: number, content: FlowContent, buckets: BucketSet): boolean {
    const isWhole = buckets.isFull;
    const flows = isWhole ? this.#table.count(OWN_SIDE) : this.#countIn(buckets);
    const bits = isWhole ? undefined : buckets.bits;
    const sequence = this.#outbound.mark({ what, id, content, flows, buckets: bits });
    if (sequence === undefined) return false;
    const isCopied = what === 'end' && isWhole && content === 'bodies';
    if (isCopied) this.#awaited.push({ sequence, told: { kind: 'copied' } });
    return true;
  }

  #countIn(buckets: BucketSet): number {
    const { digests } = this.#table;
    return buckets.list().reduce((sum, bucket) => sum + digests.flows(OWN_SIDE, bucket), 0);
  }

  /** As many wanted buckets as one pass of keys may take, one at least. */
  #nextKeys(): BucketSet {
    const part = new BucketSet();
    let flows = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      if (!this.keysWanted.has(bucket)) continue;
      flows += this.#table.digests.flows(OWN_SIDE, bucket);
      if (flows > KEYS_AT_MOST && !part.isEmpty) break;
      part.add(bucket);
    }
    return part;
  }

  #tellKeys(buckets: BucketSet, now: Instant): void {
    for (const bucket of buckets.list()) {
      this.#table.eachOf(bucket, (slot) => {
        const flowMarks = this.#table.marks(slot);
        const isTelling = (flowMarks & (marks.own | marks.told | DEAD)) === marks.own;
        if (isTelling) this.#outbound.present(slot, now);
      });
    }
  }

  #raiseBarriers(): void {
    for (let [first] = this.#barriers; first !== undefined; [first] = this.#barriers) {
      const { id, place } = first;
      const isBehind = !this.isIdle || !this.#outbound.dirty.isEmpty;
      if (isBehind || !this.#outbound.hasPassed(place)) return;
      const text = { what: 'barrier', id, content: 'keys', flows: 0, buckets: undefined } as const;
      const sequence = this.#outbound.mark(text);
      if (sequence === undefined) return;
      this.#barriers.shift();
      this.#awaited.push({ sequence, told: { kind: 'barrier', id } });
    }
  }
}
