/** Seeded chance (mulberry32): the same seed gives the same run on every machine. */
const STEP = 0x6d2b79f5;

export class Prng {
  /** 32 bits, signed. */
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 0 up to, not including, 1. */
  unit(): number {
    this.#state = (this.#state + STEP) | 0;
    return mixed(this.#state) / 2 ** 32;
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
    let state = this.#state;
    for (let index = start; index < bytes.length; index += 1) {
      state = (state + STEP) | 0;
      bytes[index] = mixed(state) >>> 24;
    }
    this.#state = state;
  }

  /** The next so many draws, by somebody else and perhaps later; this one goes on after them. */
  split(draws: number): Prng {
    const part = new Prng(this.#state);
    this.#state = (this.#state + Math.imul(draws, STEP)) | 0;
    return part;
  }
}

/** 32 bits, unsigned. */
function mixed(state: number): number {
  const once = Math.imul(state ^ (state >>> 15), state | 1);
  const twice = once ^ (once + Math.imul(once ^ (once >>> 7), once | 61));
  return (twice ^ (twice >>> 14)) >>> 0;
}
