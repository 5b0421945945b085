/**
 * Which advertisements are the peer's own and new.
 *
 * CARP signs neither the skew nor the time, so anybody on the segment can repeat an advertisement,
 * or change it. But the counter is signed; a Yoke node counts in strides of 2^32 from a random
 * start, tells the low half of its counters in its beats, and never uses a number twice.
 */
import type { ReceivedCarp } from '../../wire/carp-reception.ts';
import { counterTag, isAhead } from '../election/advertisement-counter.ts';

/** A node that is no Yoke begins a new line with each advertisement. */
const MOST_LINES = 1024;

export class AdvertisementTrust {
  /**
   * The newest counter of each VHID, in each family (the two come by sockets of their own), in each
   * life of the sender. Oldest first.
   */
  readonly #newest = new Map<string, bigint>();
  /** Of those that are not the peer's: the last counter, and how many have grown in a row. */
  readonly #strangers = new Map<string, { readonly counter: bigint; readonly count: number }>();

  /**
   * Whether this one, or a newer one of the same life of its sender, was heard before. To be asked
   * once for each advertisement. `id`: of the VIP on the wire.
   */
  repeats(id: string, { family, counter }: Pick<ReceivedCarp, 'family' | 'counter'>): boolean {
    const line = `${id} ${family} ${counterTag(counter)}`;
    const newest = this.#newest.get(line);
    if (newest !== undefined && !isAhead(counter, newest)) return true;
    this.#newest.delete(line);
    this.#newest.set(line, counter);
    for (const oldest of this.#newest.keys()) {
      if (this.#newest.size <= MOST_LINES) break;
      this.#newest.delete(oldest);
    }
    return false;
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
