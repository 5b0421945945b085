/**
 * Which advertisements are the peer's own and new.
 *
 * CARP signs neither the skew nor the time, so anybody on the segment can repeat an advertisement,
 * or change it. But the counter is signed; a Yoke node counts in strides of 2^32 from a random
 * start, tells the low half of its counters in its beats, and never uses a number twice.
 */

const STRIDE = 1n << 32n;
const WRAP = 1n << 64n;

export class AdvertisementTrust {
  /** The newest counter of each VHID, by its id on the wire. */
  readonly #newest = new Map<string, bigint>();
  /** Of those that are not the peer's: the last counter, and how many have grown in a row. */
  readonly #strangers = new Map<string, { readonly counter: bigint; readonly count: number }>();

  /** `tag`: low half of the peer's counters. */
  judge(id: string, counter: bigint, tag: number): 'genuine' | 'forged' {
    if (counter % STRIDE !== BigInt(tag)) return 'forged';
    const newest = this.#newest.get(id);
    if (newest !== undefined && newest % STRIDE === counter % STRIDE) {
      if (!isAhead(counter, newest)) return 'forged';
    }
    this.#newest.set(id, counter);
    return 'genuine';
  }

  /**
   * How many in a row, this one included, came from somebody who counts on. Whoever replays what
   * was recorded once does not; a peer that speaks no beats any more does, and a foreign one.
   */
  stranger(id: string, counter: bigint, tag: number): number {
    if (counter % STRIDE === BigInt(tag)) return 0;
    const last = this.#strangers.get(id);
    const grows = last === undefined || isAhead(counter, last.counter);
    const count = grows ? (last?.count ?? 0) + 1 : 1;
    this.#strangers.set(id, { counter, count });
    return count;
  }
}

function isAhead(counter: bigint, last: bigint): boolean {
  const ahead = (counter - last + WRAP) % WRAP;
  return ahead !== 0n && ahead < WRAP / 2n;
}
