/**
 * The name of a flow: 64 bits made from its zone, protocol and original tuple, the same on both
 * nodes. The four words it is seeded with come from the secret of the pair, so nobody outside can
 * choose ports by which two flows get one name.
 *
 * Two lanes of 32 bits, multiplied and folded word by word (the mixing of MurmurHash3, public
 * domain), because a keyed hash of full strength would cost more than all the rest of a record.
 */

/** Four random words, the same on both nodes. */
export type FlowKeySeed = readonly [number, number, number, number];

export class FlowKey {
  /** Unsigned; never both zero. */
  low = 0;
  high = 0;
  readonly #seed: FlowKeySeed;

  constructor(seed: FlowKeySeed) {
    this.#seed = seed;
  }

  /** Begins a name with what is not an address: protocol, family, zone. */
  begin(word: number): void {
    this.low = this.#seed[0] | 0;
    this.high = this.#seed[1] | 0;
    this.add(word);
  }

  add(word: number): void {
    let low = Math.imul(this.low ^ word, 0x85eb_ca6b);
    low ^= low >>> 13;
    let high = Math.imul(this.high ^ ((word << 16) | (word >>> 16)) ^ low, 0xc2b2_ae35);
    high ^= high >>> 15;
    this.low = low;
    this.high = high;
  }

  /** `bytes`: a multiple of 4. */
  addSpan(view: DataView, at: number, bytes: number): void {
    for (let end = at + bytes; at < end; at += 4) this.add(view.getInt32(at, true));
  }

  end(): void {
    this.add(this.#seed[2] | 0);
    this.add(this.#seed[3] | 0);
    this.low = (this.low ^ (this.low >>> 16)) >>> 0;
    this.high = (this.high ^ (this.high >>> 16)) >>> 0;
    if (this.low === 0 && this.high === 0) this.low = 1;
  }
}
