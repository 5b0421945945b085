/**
 * The 64-bit counter of a VHID's advertisements.
 *
 * It starts at random; both families share it. Nobody checks how it grows, but a packet that
 * carries a number we used a moment ago is our own, come back by a loop. FreeBSD and ucarp adopt
 * the counter they hear and go on from it by ones, so ours grows in strides: their numbers never
 * fall on ours.
 */

const WRAP = 1n << 64n;
const STRIDE = 1n << 32n;
/** The part of a counter that does not grow: the same for all VHIDs in one life of a node. */
export const counterTag = (counter: bigint): number => Number(counter % STRIDE);

/** Where a line of counters begins: `random` gives the part that grows. */
export const counterStart = (random: bigint, tag: number): bigint =>
  BigInt.asUintN(32, random) * STRIDE + BigInt(tag);

/** True when a counter is newer than another one of the same line. */
export const isAhead = (counter: bigint, last: bigint): boolean => {
  const ahead = (counter - last + WRAP) % WRAP;
  return ahead !== 0n && ahead < WRAP / 2n;
};

/** Loops bring a packet back within milliseconds; this many cover minutes at one a second. */
const REMEMBERED = 256n;

export class AdvertisementCounter {
  #next: bigint;
  #sent = 0n;

  /** `start`: a random 64-bit number. */
  constructor(start: bigint) {
    this.#next = start % WRAP;
  }

  take(): bigint {
    const counter = this.#next;
    this.#next = (this.#next + STRIDE) % WRAP;
    this.#sent += 1n;
    return counter;
  }

  isRecent(counter: bigint): boolean {
    const distance = (this.#next - counter + WRAP) % WRAP;
    if (distance % STRIDE !== 0n) return false;
    const age = distance / STRIDE;
    const known = this.#sent < REMEMBERED ? this.#sent : REMEMBERED;
    return age >= 1n && age <= known;
  }
}
