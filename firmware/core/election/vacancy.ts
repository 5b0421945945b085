/**
 * A place that is free because its master has left, or will time out anyway.
 *
 * A good-bye is followed only when everything that had arrived is read and nothing contradicts it:
 *
 *   - nobody has spoken on that segment since;
 *   - on no other segment of the group does an advertisement stand that was read in the same turn.
 *     Of two sockets nobody knows which was written to first: after a stop of seconds the good-bye
 *     may be the old one, and the advertisement that of the master who came after it;
 *   - this node has not itself just withdrawn a challenge. The master that it had challenged lets
 *     go with a good-bye, and is called back by ours; where the two cross both would come in.
 */
import type { Instant } from '../time.ts';
import type { HeardAdvertisement } from './group-io.ts';
import type { Family, Membership } from './membership.ts';

interface Vacancy {
  readonly cause: string;
  readonly membership: Membership;
  readonly family: Family;
}

export class VacancyWatch {
  #vacancy: Vacancy | undefined;
  /** Where somebody speaks, as far as it was read since the last turn was settled. */
  readonly #spokenFor = new Set<Membership>();
  #withdrawnUntil: Instant | undefined;

  /** A challenge was withdrawn with a good-bye; the answer to it comes until then. */
  withdrew(until: Instant): void {
    this.#withdrawnUntil = until;
  }

  /** A master leaves, or is too slow. */
  left(
    heard: HeardAdvertisement,
    { cause, membership }: Omit<Vacancy, 'family'>,
    { all, now }: { readonly all: readonly Membership[]; readonly now: Instant },
  ): void {
    const { family } = heard;
    this.#spokenFor.delete(membership);
    if (!membership.isVacatedBy(heard, now)) return;
    if (all.some((each) => each.outbids(membership, family, now))) return;
    this.#vacancy = { cause, membership, family };
  }

  /** Somebody else speaks there, or is a MASTER yet. */
  spoke(membership: Membership): void {
    this.#spokenFor.add(membership);
    this.#vacancy = undefined;
  }

  /** It is not for CARP to decide. */
  clear(): void {
    this.#vacancy = undefined;
  }

  /** All is read: the place that is free, if one is. */
  settle(now: Instant): Vacancy | undefined {
    const vacancy = this.#vacancy;
    const isContradicted = this.#spokenFor.size > 0;
    this.#vacancy = undefined;
    this.#spokenFor.clear();
    if (isContradicted || now < (this.#withdrawnUntil ?? now)) return undefined;
    return vacancy;
  }
}
