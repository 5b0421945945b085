/** Seeded chance (mulberry32): the same seed gives the same run on every machine. */
const STEP = 0x6d2b79f5;

export class Prng {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 up to, not including, 1. */
  unit(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return probability > 0 && this.unit() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.between(0, items.length - 1)]!;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  /** From `start` on, each byte as `between(0, 255)` would draw it. */
  fill(bytes: Uint8Array, start = 0): void {
    for (let index = start; index < bytes.length; index += 1) bytes[index] = this.#next() >>> 24;
  }

  /** The next so many draws, by somebody else and perhaps later; this one goes on after them. */
  split(draws: number): Prng {
    const part = new Prng(this.#state);
    this.#state = (this.#state + Math.imul(draws, STEP)) >>> 0;
    return part;
  }

  /** 32 bits. */
  #next(): number {
    this.#state = (this.#state + STEP) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}
