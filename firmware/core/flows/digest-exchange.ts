/**
 * Anti-entropy: slowly and without end, the owner of flows tells the digests of its buckets, and
 * the other node compares them with those of its copies.
 *
 *   equal       the copies are still wanted: the quiet ones among them are renewed
 *   different   the keys of the bucket are pulled; and the bodies, if some flow is missing here
 *
 * Digests say up to which numbered frame they go. They are compared when exactly these frames have
 * been applied, so that traffic under way never looks like a difference. Only who serves tells
 * digests: the others have nothing but copies.
 */
import type { FlowContent, FlowDigests, FlowPull } from '../../wire/flow-frame.ts';
import { after, type Duration, type Instant, microseconds, seconds } from '../time.ts';
import { OWN_SIDE, PEER_SIDE } from './bucket-digests.ts';
import { BUCKETS, BucketSet } from './bucket-set.ts';
import type { FlowTable } from './flow-table.ts';

/** The whole table is told once in this. Kernels forget quiet flows after 30 s or more. */
const ROUND = seconds(10);
const ENTRY_BYTES = 8;
/** The first time after this the bodies of a bucket are asked for again; then twice, and so on. */
const WANT_PAUSE = seconds(5);
/** Some 85 minutes between two askings at most. */
const MOST_TRIES = 10;
const U16 = 0xffff;
/** Percent. Beyond it, people are told. */
const DIVERGENCE_LIMIT = 5;

/** What a round through all buckets has found out about the copies of this node. */
export interface DigestRound {
  /** Established flows that differ, in percent of the owner's. */
  readonly divergence: number;
  readonly isHigh: boolean;
  /** The owner has the same as this node in these. */
  readonly equal: BucketSet;
}

export class DigestExchange {
  readonly #table: FlowTable;
  /** Buckets per frame. */
  readonly #portion: number;
  #bucket = 0;
  #at: Instant | undefined;
  #waiting: FlowDigests | undefined;
  #equal = new BucketSet();
  #different = 0;
  #established = 0;
  #compared = 0;
  #divergence = 0;
  /** How often the bodies of a bucket were asked for in vain, and when they may be again. */
  readonly #tries = new Uint8Array(BUCKETS);
  readonly #wantAt = new Float64Array(BUCKETS);
  readonly #pulls: { readonly keys: BucketSet; readonly bodies: BucketSet } = {
    keys: new BucketSet(),
    bodies: new BucketSet(),
  };

  /** `room`: bytes a frame has for digests or for a list of buckets. */
  constructor(table: FlowTable, room: number) {
    this.#table = table;
    this.#portion = Math.floor(room / ENTRY_BYTES);
  }

  /** Of the last round, percent. */
  get divergence(): number {
    return this.#divergence;
  }

  /** When the next digests of this node are due. */
  get dueAt(): Instant | undefined {
    return this.#at;
  }

  /** A new life of the peer. */
  restart(now: Instant): void {
    this.#at = after(now, this.#pause);
    this.#bucket = 0;
    this.#waiting = undefined;
    this.#tries.fill(0);
    this.#wantAt.fill(0);
    this.#pulls.keys.clear();
    this.#pulls.bodies.clear();
    this.#beginRound();
  }

  /** Writes the next digests of this node's flows to `entries`: of which buckets, and how many. */
  compose(entries: DataView, now: Instant): { readonly first: number; readonly count: number } {
    const first = this.#bucket;
    const count = Math.min(this.#portion, BUCKETS - first);
    const { digests } = this.#table;
    for (let index = 0; index < count; index += 1) {
      const at = index * ENTRY_BYTES;
      const bucket = first + index;
      entries.setUint32(at, digests.digest(OWN_SIDE, bucket), true);
      entries.setUint16(at + 4, Math.min(U16, digests.established(OWN_SIDE, bucket)), true);
      entries.setUint16(at + 6, Math.min(U16, digests.flows(OWN_SIDE, bucket)), true);
    }
    this.#bucket = (first + count) % BUCKETS;
    this.#at = after(now, this.#pause);
    return { first, count };
  }

  /** Not now: what is told would only say that much is under way. */
  postpone(now: Instant): void {
    this.#at = after(now, this.#pause);
  }

  /** Digests of the peer, to be compared when this node is where they were made. */
  hear(digests: FlowDigests): boolean {
    if (digests.first + digests.count > BUCKETS) return false;
    // The bytes belong to the datagram.
    const { entries } = digests;
    const from = entries.byteOffset;
    const copy = new DataView(entries.buffer.slice(from, from + entries.byteLength));
    this.#waiting = { ...digests, entries: copy };
    return true;
  }

  /** The next numbered frame to apply is `expected`; answers what a round that has ended found. */
  reached(expected: number): DigestRound | undefined {
    const digests = this.#waiting;
    if (digests === undefined || digests.sequence !== expected) return undefined;
    this.#waiting = undefined;
    if (digests.first === 0) this.#beginRound();
    for (let index = 0; index < digests.count; index += 1) this.#compare(digests, index);
    return digests.first + digests.count === BUCKETS ? this.#endRound() : undefined;
  }

  /**
   * The bodies of these buckets are missing here. Each asking costs the owner a walk through its
   * kernel's table; so what does not help is asked for ever more rarely, until digests are equal.
   */
  want(buckets: readonly number[], now: Instant): void {
    for (const bucket of buckets) {
      if (now < (this.#wantAt[bucket] ?? 0)) continue;
      const tries = this.#tries[bucket] ?? 0;
      this.#tries[bucket] = Math.min(tries + 1, MOST_TRIES);
      this.#wantAt[bucket] = now + WANT_PAUSE * 2 ** tries;
      this.#pulls.bodies.add(bucket);
    }
  }

  /** The next buckets to ask for. */
  pull(): Pick<FlowPull, 'content' | 'buckets'> | undefined {
    return this.#take('bodies') ?? this.#take('keys');
  }

  #take(content: FlowContent): Pick<FlowPull, 'content' | 'buckets'> | undefined {
    const wanted = this.#pulls[content];
    if (wanted.isEmpty) return undefined;
    const buckets = wanted.list();
    const part = buckets.splice(0, this.#portion);
    wanted.clear();
    for (const bucket of buckets) wanted.add(bucket);
    return { content, buckets: part };
  }

  #compare({ entries, first }: FlowDigests, index: number): void {
    const at = index * ENTRY_BYTES;
    const bucket = first + index;
    const mine = this.#table.digests;
    const established = entries.getUint16(at + 4, true);
    this.#compared += 1;
    this.#established += established;
    this.#different += Math.abs(established - Math.min(U16, mine.established(PEER_SIDE, bucket)));
    const isSame =
      entries.getUint32(at, true) === mine.digest(PEER_SIDE, bucket) &&
      entries.getUint16(at + 6, true) === Math.min(U16, mine.flows(PEER_SIDE, bucket));
    if (!isSame) {
      this.#pulls.keys.add(bucket);
      return;
    }
    this.#equal.add(bucket);
    this.#tries[bucket] = 0;
    this.#wantAt[bucket] = 0;
  }

  #beginRound(): void {
    this.#equal = new BucketSet();
    this.#different = 0;
    this.#established = 0;
    this.#compared = 0;
  }

  /** Of a round that was heard in part only, that part counts. */
  #endRound(): DigestRound {
    const share = this.#different / Math.max(1, this.#established, this.#different);
    this.#divergence = this.#compared === 0 ? 0 : 100 * share;
    const isHigh = this.#divergence > DIVERGENCE_LIMIT;
    const round = { divergence: this.#divergence, isHigh, equal: this.#equal };
    this.#beginRound();
    return round;
  }

  get #pause(): Duration {
    return microseconds(Math.floor(ROUND / Math.ceil(BUCKETS / this.#portion)));
  }
}
