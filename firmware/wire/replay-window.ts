/**
 * Which numbers of a session have been seen: each is let through once, in any order, as long as it
 * is not older than the window (RFC 6479: a ring of words, so that moving on costs nothing).
 */

/** Power of two, so that the ring repeats with the numbers. */
const WORDS = 64;
const WORD_BITS = 32;

/** So many numbers, with the newest, are told apart; older ones are refused. */
const WINDOW = (WORDS - 1) * WORD_BITS;

export class ReplayWindow {
  readonly #seen = new Uint32Array(WORDS);
  #newest = -1;

  /** Whether a number (whole, below 2^53) may still be taken; changes nothing. */
  isFresh(number: number): boolean {
    if (number > this.#newest) return true;
    if (number <= this.#newest - WINDOW) return false;
    return ((this.#seen[wordOf(number)] ?? 0) & bitOf(number)) === 0;
  }

  /** It has been taken: only for what is authentic, and fresh. */
  take(number: number): void {
    if (number > this.#newest) this.#advance(number);
    const word = wordOf(number);
    this.#seen[word] = (this.#seen[word] ?? 0) | bitOf(number);
  }

  /** Empties the words between the newest and the next newest number. */
  #advance(number: number): void {
    const from = Math.floor(this.#newest / WORD_BITS);
    const steps = Math.min(WORDS, Math.floor(number / WORD_BITS) - from);
    for (let step = 1; step <= steps; step += 1) this.#seen[(from + step + WORDS) % WORDS] = 0;
    this.#newest = number;
  }
}

function wordOf(number: number): number {
  return Math.floor(number / WORD_BITS) % WORDS;
}

function bitOf(number: number): number {
  return 1 << (number % WORD_BITS);
}
