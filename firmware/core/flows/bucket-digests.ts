/**
 * What each bucket of a table holds, in a few bytes: an order-independent digest and two counts,
 * for the flows of this node and for those of the peer. Kept up to date with each change, never
 * computed; two nodes with the same flows have the same digests.
 */
import { BUCKETS } from './bucket-set.ts';

/** Whose flows: the owner of a flow is the node whose kernel sees its packets. */
export type Side = 0 | 1;
export const PEER_SIDE: Side = 0;
export const OWN_SIDE: Side = 1;

export class BucketDigests {
  readonly #digests = new Int32Array(2 * BUCKETS);
  readonly #flows = new Int32Array(2 * BUCKETS);
  readonly #established = new Int32Array(2 * BUCKETS);
  readonly #total = new Int32Array(2);

  digest(side: Side, bucket: number): number {
    return (this.#digests[side * BUCKETS + bucket] ?? 0) >>> 0;
  }

  flows(side: Side, bucket: number): number {
    return this.#flows[side * BUCKETS + bucket] ?? 0;
  }

  established(side: Side, bucket: number): number {
    return this.#established[side * BUCKETS + bucket] ?? 0;
  }

  total(side: Side): number {
    return this.#total[side] ?? 0;
  }

  /** A flow comes (`count` 1) or goes (-1); `print` is its fingerprint (flow-table.ts). */
  change(side: Side, bucket: number, print: number, established: boolean, count: 1 | -1): void {
    const at = side * BUCKETS + bucket;
    this.#digests[at] = (this.#digests[at] ?? 0) ^ print;
    this.#flows[at] = (this.#flows[at] ?? 0) + count;
    if (established) this.#established[at] = (this.#established[at] ?? 0) + count;
    this.#total[side] = (this.#total[side] ?? 0) + count;
  }
}
