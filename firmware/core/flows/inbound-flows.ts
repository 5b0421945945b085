/**
 * From the frames of the peer, which come here in order, to records for this node's kernel.
 *
 * Every record is held against who owns the flow (flow-ownership.ts). What is taken goes into a
 * batch, in runs, and from there into the kernel; an acknowledgement leaves only after that. A pass
 * of the peer names all it owns in some buckets: what it does not name there is surplus. Surplus
 * flows wait in the table until a walk through the kernel's table meets them, because only there is
 * the tuple by which the kernel deletes.
 */
import type { FlowMark, FlowServing } from '../../wire/flow-frame.ts';
import type { Instant } from '../time.ts';
import { BUCKETS, BucketSet } from './bucket-set.ts';
import type { FlowOwnership } from './flow-ownership.ts';
import { bucketOf, DEAD, type FlowTable, marks } from './flow-table.ts';
import { contentMarks } from './outbound-flows.ts';
import { RecordBatch } from './record-batch.ts';
import { flagsAt, keyHighAt, keyLowAt, lengthAt, operationAt, operations } from './record-head.ts';

/** The peer has told all it has in some buckets. */
export interface PassHeard {
  /** It was its whole table. */
  readonly isWhole: boolean;
  /** In these it has flows this node has not, and has told only their keys. */
  readonly missing: readonly number[];
  /** So many flows of this node are not the peer's any more. */
  readonly surplus: number;
}

/** Buckets in which the peer may not have what this node owns. */
export interface PeerDoubts {
  /** To be told with bodies. */
  readonly dirty: BucketSet;
  /** To be told by key: what it lacks it will pull. */
  readonly unsure: BucketSet;
}

interface PassUnderWay {
  readonly id: number;
  readonly isWhole: boolean;
  readonly buckets: BucketSet;
  /** How many flows it will name, about. */
  readonly expected: number;
  readonly missing: BucketSet;
  named: number;
}

export class InboundFlows {
  /** Records for the kernel. */
  readonly delivery = new RecordBatch();
  /** Flows of these were left out because the table was full. */
  readonly crowded = new BucketSet();
  /** Records taken, refused because the flow is this node's, and lost to a full table. */
  readonly counters = { taken: 0, refused: 0, idle: 0, tableFull: 0 };
  readonly #table: FlowTable;
  readonly #ownership: FlowOwnership;
  readonly #doubts: PeerDoubts;
  #pass: PassUnderWay | undefined;
  /** What the peer said of these was not taken. */
  readonly #refused = new BucketSet();

  constructor(table: FlowTable, ownership: FlowOwnership, doubts: PeerDoubts) {
    this.#table = table;
    this.#ownership = ownership;
    this.#doubts = doubts;
  }

  /** Of the pass under way, 0 to 1; undefined when there is none. */
  get progress(): number | undefined {
    if (this.#pass === undefined) return undefined;
    return Math.min(1, this.#pass.named / Math.max(1, this.#pass.expected));
  }

  /** The peer begins anew: its pass goes with its former life. */
  restart(): void {
    this.#pass = undefined;
    this.#refused.clear();
  }

  /**
   * The buckets in which something of the peer was refused, once this node does not serve any more:
   * the peer was right then, and must say it again.
   */
  reconsidered(): readonly number[] {
    if (this.#refused.isEmpty || this.#ownership.own !== 'none') return [];
    const buckets = this.#refused.list();
    this.#refused.clear();
    return buckets;
  }

  /** Whether some record is about a flow of which this node has seen packets itself. */
  isContested(bytes: Uint8Array, from: number): boolean {
    for (let at = from; at < bytes.length; at += lengthAt(bytes, at)) {
      const slot = this.#table.find(keyLowAt(bytes, at), keyHighAt(bytes, at));
      const flowMarks = slot < 0 ? 0 : this.#table.marks(slot);
      if ((flowMarks & (marks.own | marks.inherited | DEAD)) === marks.own) return true;
    }
    return false;
  }

  /** The records of a frame, from `from` to its end, sent while the peer was `serving`. */
  apply(bytes: Uint8Array, from: number, serving: FlowServing, now: Instant): void {
    let run = from;
    let count = 0;
    for (let at = from; at < bytes.length; ) {
      const end = at + lengthAt(bytes, at);
      if (this.#take(bytes, at, serving, now)) {
        count += 1;
      } else {
        if (count > 0) this.delivery.append(bytes, run, at, count);
        count = 0;
        run = end;
      }
      at = end;
    }
    if (count > 0) this.delivery.append(bytes, run, bytes.length, count);
    this.counters.taken += count;
  }

  /** The kernel does not have this copy after all: the digests shall show it. */
  lose(low: number, high: number): void {
    const slot = this.#table.find(low | 0, high | 0);
    const isCopy = slot >= 0 && (this.#table.marks(slot) & (marks.own | DEAD)) === 0;
    if (isCopy) this.#table.bury(slot);
  }

  /** A pass begins. */
  begin(mark: FlowMark): void {
    const isWhole = mark.buckets === undefined;
    const buckets = new BucketSet(mark.buckets);
    if (isWhole) buckets.fill();
    this.#table.wipe(marks.named);
    const { id, flows: expected } = mark;
    this.#pass = { id, isWhole, buckets, expected, missing: new BucketSet(), named: 0 };
  }

  /** A pass ends; undefined when its beginning was not heard. */
  end(mark: FlowMark, serving: FlowServing): PassHeard | undefined {
    const pass = this.#pass;
    if (pass === undefined || pass.id !== mark.id) return undefined;
    this.#pass = undefined;
    // Only who serves knows that a flow is over; who does not has merely no copy. And what this
    // node may be forwarding itself is not for the peer to end.
    const isKeeper = serving !== 'none' && this.#ownership.own === 'none';
    const surplus = isKeeper ? this.#sweep(pass.buckets) : 0;
    if (this.#ownership.own === 'part') this.#keep(pass.buckets);
    return { isWhole: pass.isWhole, missing: pass.missing.list(), surplus };
  }

  /** Whether a mark can be meant for this node. */
  isFitting(mark: FlowMark): boolean {
    return mark.buckets === undefined || mark.buckets.length === BUCKETS / 8;
  }

  /** Enters a record of the peer into the table; whether the kernel is to hear of it. */
  #take(bytes: Uint8Array, at: number, serving: FlowServing, now: Instant): boolean {
    const operation = operationAt(bytes, at);
    const low = keyLowAt(bytes, at);
    const high = keyHighAt(bytes, at);
    const slot = this.#table.find(low, high);
    const before = slot < 0 ? marks.buried : this.#table.marks(slot);
    if (operation === operations.destroy || operation === operations.unexpect) {
      return this.#end(slot, before, serving, now);
    }
    const content = contentMarks(operation, flagsAt(bytes, at));
    if (operation === operations.present) {
      this.#name(slot, before, content, low, high);
      return false;
    }
    if (this.#pass !== undefined) this.#pass.named += 1;
    if ((before & DEAD) === 0) return this.#update(slot, before, content);
    const place = slot < 0 ? this.#table.insert(low, high) : slot;
    if (place < 0) {
      this.counters.tableFull += 1;
      this.crowded.add(bucketOf(low, high));
      return false;
    }
    const ownMarks = this.#ownership.marksOfUnknown;
    // The peer has told of it, but perhaps it has heard since that it was over.
    if (ownMarks !== 0) this.#doubts.unsure.add(bucketOf(low, high));
    this.#table.set(place, TAKEN | content | ownMarks);
    return true;
  }

  #update(slot: number, before: number, content: number): boolean {
    if ((before & marks.own) === 0) {
      this.#table.set(slot, TAKEN | content);
      return true;
    }
    const judgement = this.#ownership.judgeUpsert(before);
    if (judgement === 'refuse') {
      this.counters.refused += 1;
      this.#refused.add(this.#table.bucketAt(slot));
      return false;
    }
    const kept = judgement === 'cede' ? 0 : before & ~CONTENT;
    this.#table.set(slot, TAKEN | content | kept);
    return true;
  }

  #end(slot: number, before: number, serving: FlowServing, now: Instant): boolean {
    if ((before & DEAD) !== 0) {
      this.counters.idle += 1;
      return this.#endSurplus(slot, before);
    }
    if ((before & marks.own) !== 0 && !this.#ownership.mayEnd(before, serving, now)) {
      this.counters.refused += 1;
      // The peer has it no more, so it must get it again.
      this.#doubts.dirty.add(this.#table.bucketAt(slot));
      return false;
    }
    this.#table.bury(slot);
    return true;
  }

  /** Its end tells the tuple: no walk need look for it any more. */
  #endSurplus(slot: number, before: number): boolean {
    if ((before & marks.surplus) === 0) return false;
    this.#table.bury(slot);
    return true;
  }

  /** The peer says that it owns a flow. */
  #name(slot: number, before: number, content: number, low: number, high: number): void {
    const pass = this.#pass;
    if (pass !== undefined) pass.named += 1;
    if ((before & marks.buried) !== 0) {
      pass?.missing.add(bucketOf(low, high));
      return;
    }
    const isOwn = (before & marks.own) !== 0;
    if (isOwn && this.#ownership.own !== 'none') return;
    this.#table.set(slot, TAKEN | content | (before & marks.expectation));
  }

  /** The copies that the pass has not named have lost their owner. */
  #sweep(buckets: BucketSet): number {
    let surplus = 0;
    this.#eachUnnamed(buckets, (slot) => {
      // Present, so that a walk that has passed it already does not take it for gone.
      this.#table.set(slot, this.#table.marks(slot) | marks.surplus | marks.present);
      surplus += 1;
    });
    return surplus;
  }

  /** What was in the kernel at the start, and the peer does not name, must be this node's. */
  #keep(buckets: BucketSet): void {
    this.#eachUnnamed(buckets, (slot) => {
      if ((this.#table.marks(slot) & marks.loaded) === 0) return;
      this.#doubts.unsure.add(this.#table.bucketAt(slot));
      this.#ownership.claim(slot);
    });
  }

  #eachUnnamed(buckets: BucketSet, visit: (slot: number) => void): void {
    for (const bucket of buckets.list()) {
      this.#table.eachOf(bucket, (slot) => {
        const before = this.#table.marks(slot);
        if ((before & (marks.own | marks.named | DEAD)) === 0) visit(slot);
      });
    }
  }
}

const TAKEN = marks.used | marks.named | marks.present;
const CONTENT = marks.established | marks.closing | marks.expectation;
