/**
 * Every flow the replication knows, 16 bytes each in one typed array: open addressing with linear
 * probing, filled to three quarters at most, doubled when it is fuller, up to a bound.
 *
 *     word 0 key low | word 1 key high | word 2 stamp | word 3 marks
 *
 * The place of a flow follows from the top bits of a hash of its key, and its bucket from the
 * topmost of these. So a bucket lies in one stretch of the table and is walked without lists, and
 * doubling the table reads and writes it in order. Removal moves what follows back (Knuth 6.4 R):
 * no slot is lost to what was.
 *
 * Slots move: a slot is valid until the next `insert` or `remove`.
 */
import { BucketDigests, OWN_SIDE, PEER_SIDE, type Side } from './bucket-digests.ts';
import { BUCKET_SHIFT, BUCKETS } from './bucket-set.ts';

/** What is marked on a flow. */
export const marks = {
  /** The slot holds something. */
  used: 0x01,
  /** This node owns it, else the peer. */
  own: 0x02,
  /** Owned by takeover, and no packet of it was seen here yet. */
  inherited: 0x04,
  /** The peer may have heard of it. */
  announced: 0x08,
  /** Its first record waits unsent, or was replaced: the next one must say `fresh`. */
  birth: 0x10,
  /** Named by the pass of the peer that is under way. */
  named: 0x20,
  /** The kernel of this node has it, as far as the walk under way has shown. */
  present: 0x40,
  /** It is gone, but a walk under way may still tell of it. */
  buried: 0x80,
  /** It is gone at its owner, but still in the kernel of this node. */
  surplus: 0x100,
  /** An expectation. */
  expectation: 0x200,
  established: 0x400,
  closing: 0x800,
  /** Told to the peer in the pass under way, or since it began. */
  told: 0x1000,
  /** A copy that has lapsed in the kernel of this node, as its flow was over or never settled. */
  hollow: 0x2000,
  /** Found in the kernel at the start: nobody has told yet whose it is. */
  loaded: 0x4000,
} as const;

export const DEAD = marks.buried | marks.surplus;
const CONTENT = marks.established | marks.closing;
/** What decides where and how a flow counts in the digests. */
const COUNTED = marks.own | DEAD | CONTENT;
const WORDS = 4;
const FEWEST_SLOTS = BUCKETS;
const NOWHERE = -1;

export class FlowTable {
  readonly digests = new BucketDigests();
  /** While the kernel's table is read, what has gone is remembered: it may still turn up there. */
  isWalked = false;
  readonly #atMost: number;
  #slots: number;
  #words: Int32Array;
  #mask: number;
  /** A hash shifted right by this is the home of a flow. */
  #shift: number;
  /** Used slots, dead flows included. */
  #used = 0;
  /** Used slots at which the table is doubled. */
  #threshold: number;

  /** Room for `expected` flows at once, for `atMost` in the end (both at least 1). */
  constructor(expected: number, atMost: number) {
    this.#atMost = atMost;
    let slots = FEWEST_SLOTS;
    while (slots * 0.75 < Math.min(expected, atMost)) slots *= 2;
    this.#slots = slots;
    this.#words = new Int32Array(slots * WORDS);
    this.#mask = slots - 1;
    this.#shift = Math.clz32(slots) + 1;
    this.#threshold = Math.floor(slots * 0.75);
  }

  /** Flows, and dead ones that are still remembered. */
  get size(): number {
    return this.#used;
  }

  get isFull(): boolean {
    return this.#used >= this.#atMost;
  }

  /** There is room again after it was full. */
  get isRoomy(): boolean {
    return this.#used < this.#atMost * 0.9;
  }

  /** Memory it takes, digests left out. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Living flows of one side. */
  count(side: Side): number {
    return this.digests.total(side);
  }

  /** Number of slots: 0 up to this, not including, may be asked for their marks. */
  get slots(): number {
    return this.#slots;
  }

  /** The slot of a flow, or -1. */
  find(low: number, high: number): number {
    const words = this.#words;
    for (let slot = hash(low, high) >>> this.#shift; ; slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS;
      if (words[at + 3] === 0) return NOWHERE;
      if (words[at] === low && words[at + 1] === high) return slot;
    }
  }

  /** The slot of a flow that is not there yet, without marks but `used`; -1 when full. */
  insert(low: number, high: number): number {
    if (this.#used >= this.#atMost) return NOWHERE;
    if (this.#used >= this.#threshold) this.#double();
    const words = this.#words;
    let slot = hash(low, high) >>> this.#shift;
    while (words[slot * WORDS + 3] !== 0) slot = (slot + 1) & this.#mask;
    const at = slot * WORDS;
    words[at] = low;
    words[at + 1] = high;
    words[at + 2] = 0;
    words[at + 3] = marks.used | marks.buried;
    this.#used += 1;
    // It counts as dead until its first marks are set.
    return slot;
  }

  remove(slot: number): void {
    this.set(slot, marks.used | marks.buried);
    this.#used -= 1;
    const words = this.#words;
    let hole = slot;
    for (let next = (hole + 1) & this.#mask; ; next = (next + 1) & this.#mask) {
      const from = next * WORDS;
      if (words[from + 3] === 0) break;
      const home = hash(words[from] ?? 0, words[from + 1] ?? 0) >>> this.#shift;
      // It may move back only when its home is not between the hole and where it is.
      if (((next - home) & this.#mask) < ((next - hole) & this.#mask)) continue;
      words.copyWithin(hole * WORDS, from, from + WORDS);
      hole = next;
    }
    words[hole * WORDS + 3] = 0;
  }

  /** The flow is gone. */
  bury(slot: number): void {
    if (this.isWalked) this.set(slot, marks.used | marks.buried);
    else this.remove(slot);
  }

  /** 0 for an empty slot. */
  marks(slot: number): number {
    return this.#words[slot * WORDS + 3] ?? 0;
  }

  /** Sets all marks of a flow, and counts it where it belongs now. */
  set(slot: number, after: number): void {
    const words = this.#words;
    const at = slot * WORDS;
    const before = words[at + 3] ?? 0;
    words[at + 3] = after;
    if (((before ^ after) & COUNTED) === 0) return;
    const low = words[at] ?? 0;
    const high = words[at + 1] ?? 0;
    if ((before & DEAD) === 0) this.#count(low, high, before, -1);
    if ((after & DEAD) === 0) this.#count(low, high, after, 1);
  }

  stamp(slot: number): number {
    return this.#words[slot * WORDS + 2] ?? 0;
  }

  setStamp(slot: number, stamp: number): void {
    this.#words[slot * WORDS + 2] = stamp;
  }

  low(slot: number): number {
    return this.#words[slot * WORDS] ?? 0;
  }

  high(slot: number): number {
    return this.#words[slot * WORDS + 1] ?? 0;
  }

  bucketAt(slot: number): number {
    return bucketOf(this.low(slot), this.high(slot));
  }

  /** The first slot that can hold a flow of a bucket. */
  bucketStart(bucket: number): number {
    return bucket * (this.#slots / BUCKETS);
  }

  /** Visits the flows of one bucket, dead ones included; `visit` may remove what it is shown. */
  eachOf(bucket: number, visit: (slot: number) => void): void {
    const end = this.bucketStart(bucket) + this.#slots / BUCKETS;
    let place = this.bucketStart(bucket);
    // Beyond its stretch a bucket goes on until the first empty slot.
    while (place < end || this.marks(place & this.#mask) !== 0) {
      const slot = place & this.#mask;
      const before = this.#used;
      if (this.marks(slot) !== 0 && this.bucketAt(slot) === bucket) visit(slot);
      if (this.#used === before) place += 1;
    }
  }

  /** Visits every flow, dead ones included; `visit` may remove what it is shown. */
  each(visit: (slot: number) => void): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) this.eachOf(bucket, visit);
  }

  /** Visits the buckets in which one side has living flows; cheap where there are few. */
  eachNear(side: Side, visit: (slot: number) => void): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      if (this.digests.flows(side, bucket) > 0) this.eachOf(bucket, visit);
    }
  }

  /** Takes marks off all flows of both sides; for marks that do not count in digests. */
  wipe(wiped: number): void {
    const words = this.#words;
    for (let at = 3; at < words.length; at += WORDS) words[at] = (words[at] ?? 0) & ~wiped;
  }

  #count(low: number, high: number, flowMarks: number, count: 1 | -1): void {
    const side = (flowMarks & marks.own) === 0 ? PEER_SIDE : OWN_SIDE;
    const established = (flowMarks & marks.established) !== 0;
    const print = fingerprint(low, high, flowMarks & CONTENT);
    this.digests.change(side, bucketOf(low, high), print, established, count);
  }

  #double(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#mask = this.#slots - 1;
    this.#shift -= 1;
    this.#threshold = Math.floor(this.#slots * 0.75);
    const words = new Int32Array(this.#slots * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + 3] === 0) continue;
      let slot = hash(old[from] ?? 0, old[from + 1] ?? 0) >>> this.#shift;
      while (words[slot * WORDS + 3] !== 0) slot = (slot + 1) & this.#mask;
      const at = slot * WORDS;
      for (let word = 0; word < WORDS; word += 1) words[at + word] = old[from + word] ?? 0;
    }
    this.#words = words;
  }
}

/** The keys are keyed hashes already (wire/flow-key.ts): this only spreads them over the top. */
function hash(low: number, high: number): number {
  return Math.imul(low ^ high, 0x9e37_79b1);
}

/** The bucket of a flow, 0 up to BUCKETS, on both nodes the same. */
export function bucketOf(low: number, high: number): number {
  return hash(low, high) >>> BUCKET_SHIFT;
}

/** What a flow adds to the digest of its bucket: another one for another key or content. */
function fingerprint(low: number, high: number, content: number): number {
  let print = Math.imul(low ^ content, 0x85eb_ca6b) ^ Math.imul(high, 0xc2b2_ae35);
  print ^= print >>> 15;
  print = Math.imul(print ^ content, 0x2c1b_3c6d);
  return print ^ (print >>> 13);
}
