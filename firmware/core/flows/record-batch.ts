/**
 * Records on their way to the kernel, one after another in one buffer, in the order in which they
 * are to be applied. Whoever takes them out says so by `clear`.
 */

/** Some 5,000 records: what a netlink socket takes within one tick. */
const BATCH_BYTES = 256 * 1024;

export class RecordBatch {
  readonly bytes = new Uint8Array(BATCH_BYTES);
  #length = 0;
  #count = 0;

  /** Bytes in use. */
  get length(): number {
    return this.#length;
  }

  /** Records in it. */
  get count(): number {
    return this.#count;
  }

  hasRoom(length: number): boolean {
    return this.#length + length <= this.bytes.length;
  }

  /** Appends `count` records that lie one after another. */
  append(bytes: Uint8Array, from: number, to: number, count: number): void {
    this.bytes.set(bytes.subarray(from, to), this.#length);
    this.#length += to - from;
    this.#count += count;
  }

  clear(): void {
    this.#length = 0;
    this.#count = 0;
  }
}
