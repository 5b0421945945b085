/**
 * A set of buckets. A bucket is a part of all possible flows, chosen by the key alone, so that both
 * nodes put a flow into the same one (flow-table.ts). Digests are compared, and tables repaired,
 * bucket by bucket.
 */

const BITS = 12;
export const BUCKETS = 1 << BITS;
/** A hash of 32 bits shifted right by this is its bucket. */
export const BUCKET_SHIFT = 32 - BITS;

export class BucketSet {
  /** One bit per bucket, bit 0 of byte 0 for bucket 0: as marks carry it (wire/flow-frame.ts). */
  readonly bits: Uint8Array;
  #size: number;

  /** Of the bits of a mark, BUCKETS / 8 bytes, which are copied; else empty. */
  constructor(bits?: Uint8Array) {
    this.bits = bits === undefined ? new Uint8Array(BUCKETS / 8) : Uint8Array.from(bits);
    this.#size = this.bits.reduce((sum, byte) => sum + bitsOf(byte), 0);
  }

  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  get isFull(): boolean {
    return this.#size === BUCKETS;
  }

  has(bucket: number): boolean {
    return ((this.bits[bucket >>> 3] ?? 0) & (1 << (bucket & 7))) !== 0;
  }

  add(bucket: number): void {
    if (this.has(bucket)) return;
    this.bits[bucket >>> 3] = (this.bits[bucket >>> 3] ?? 0) | (1 << (bucket & 7));
    this.#size += 1;
  }

  remove(bucket: number): void {
    if (!this.has(bucket)) return;
    this.bits[bucket >>> 3] = (this.bits[bucket >>> 3] ?? 0) & ~(1 << (bucket & 7));
    this.#size -= 1;
  }

  addAll(other: BucketSet): void {
    for (const bucket of other.list()) this.add(bucket);
  }

  fill(): void {
    this.bits.fill(0xff);
    this.#size = BUCKETS;
  }

  clear(): void {
    this.bits.fill(0);
    this.#size = 0;
  }

  /** Ascending. */
  list(): number[] {
    const buckets: number[] = [];
    for (let bucket = 0; bucket < BUCKETS && buckets.length < this.#size; bucket += 1) {
      if (this.has(bucket)) buckets.push(bucket);
    }
    return buckets;
  }
}

function bitsOf(byte: number): number {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
