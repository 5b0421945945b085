/**
 * Which advertisements are the peer's own and new.
 *
 * CARP signs neither the skew nor the time, so anybody on the segment can repeat an advertisement,
 * or change it. But the counter is signed; a Yoke node counts in strides of 2^32 from a random
 * start, tells the low half of its counters in its beats, and never uses a number twice.
 */
import type { ReceivedCarp } from '../../wire/carp-reception.ts';
import { counterTag, isAhead } from '../election/advertisement-counter.ts';

export class AdvertisementTrust {
  /** The newest counter of each VHID in each family: the two come by sockets of their own. */
  readonly #newest = new Map<string, bigint>();
  /** Of those that are not the peer's: the last counter, and how many have grown in a row. */
  readonly #strangers = new Map<string, { readonly counter: bigint; readonly count: number }>();

  /** `id`: of the VIP on the wire; `tag`: low half of the peer's counters. */
  judge(
    id: string,
    { family, counter }: Pick<ReceivedCarp, 'family' | 'counter'>,
    tag: number,
  ): 'genuine' | 'forged' {
    const line = `${id} ${family}`;
    if (counterTag(counter) !== tag) return 'forged';
    const newest = this.#newest.get(line);
    const isSameLife = newest !== undefined && counterTag(newest) === tag;
    if (isSameLife && !isAhead(counter, newest)) return 'forged';
    this.#newest.set(line, counter);
    return 'genuine';
  }

  /**
   * How many in a row, this one included, came from somebody who counts on. Whoever replays what
   * was recorded once does not; a peer that speaks no beats any more does, and a foreign one.
   */
  stranger(id: string, counter: bigint, tag: number): number {
    if (counterTag(counter) === tag) return 0;
    const last = this.#strangers.get(id);
    const grows = last === undefined || isAhead(counter, last.counter);
    const count = grows ? (last?.count ?? 0) + 1 : 1;
    this.#strangers.set(id, { counter, count });
    return count;
  }
}
