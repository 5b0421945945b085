/**
 * What an advertisement says to the one who hears it: who is better, and who yields when two
 * masters meet (CARP.md 4.2 and 4.3).
 */
import { compareIpAddresses } from '../../wire/ip-address.ts';
import { GOODBYE, type Pace, rank } from './interval.ts';

/**
 * - `better`: the sender should be MASTER rather than we (also a tie that we lose).
 * - `equal`: a tie that we win.
 * - `worse`: we should be MASTER rather than the sender.
 * - `hopeless`: the sender says good-bye, or its interval is so long that we would time out anyway.
 */
export type Standing = 'better' | 'equal' | 'worse' | 'hopeless';

export interface Contender {
  readonly pace: Pace;
  /** Address the advertisements come from; undefined while the interface has none. */
  readonly source: string | undefined;
}

export interface Rivalry {
  /** Our own pace with the effective (demoted) skew. */
  readonly own: Contender;
  readonly peer: Contender;
  /** `bsd` peers always yield on a tie, so the tie must be lost by us too. */
  readonly ties: 'yoke' | 'bsd';
}

export function isGoodbye(pace: Pace): boolean {
  return pace.advbase === GOODBYE.advbase && pace.advskew === GOODBYE.advskew;
}

export function judgeStanding({ own, peer, ties }: Rivalry): Standing {
  if (isGoodbye(peer.pace)) return 'hopeless';
  const ours = rank(own.pace);
  const theirs = rank(peer.pace);
  if (theirs < ours) return 'better';
  if (theirs === ours) return winsTie(own, peer, ties) ? 'equal' : 'better';
  return guaranteedToTimeOut(own.pace, theirs) ? 'hopeless' : 'worse';
}

/** Who hears a numerically lower address yields; both sides come to the same verdict. */
function winsTie(own: Contender, peer: Contender, ties: Rivalry['ties']): boolean {
  if (ties === 'bsd' || own.source === undefined || peer.source === undefined) return false;
  return compareIpAddresses(peer.source, own.source) > 0;
}

/** CARP.md 4.3 rule 3; OpenBSD skips it for an advbase of 0. */
function guaranteedToTimeOut(own: Pace, theirs: number): boolean {
  return own.advbase > 0 && 3 * own.advbase * 256 + own.advskew < theirs;
}
