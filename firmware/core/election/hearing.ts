/**
 * What an advertisement means to a group: which event of states.ts, and why, in words.
 */
import { isGoodbye, judgeStanding } from './contention.ts';
import type { HeardAdvertisement } from './group-io.ts';
import type { Membership } from './membership.ts';
import type { Event, State } from './states.ts';

export interface Hearing {
  readonly heard: HeardAdvertisement;
  readonly membership: Membership;
  /** Of the node that hears it. */
  readonly demotion: number;
  readonly state: State;
  /** Whether the sender may be preempted if it is worse than we are. */
  readonly mayPreempt: boolean;
}

/** Undefined when it means nothing. */
export function heardEvent(hearing: Hearing): Event | undefined {
  const { heard, membership, demotion, state, mayPreempt } = hearing;
  const standing = judgeStanding({
    own: { pace: membership.effective(demotion), source: heard.ownSource },
    peer: { pace: heard.pace, source: heard.source },
    ties: membership.member.ties,
  });
  if (standing === 'worse' && mayPreempt) return 'preemptible';
  if (isTieOfOtherFamily(hearing)) {
    // Only one family decides ties; in the other one a tie just shows that a master is there.
    return state === 'MASTER' ? undefined : 'equal';
  }
  // On a tie a BSD yields too: then a good-bye tells it to stay.
  const isMaster = heard.serving && !isTie(hearing);
  return standing === 'better' && isMaster ? 'better-master' : standing;
}

function isTie({ heard, membership, demotion }: Hearing): boolean {
  const own = membership.effective(demotion);
  return own.advbase === heard.pace.advbase && own.advskew === heard.pace.advskew;
}

function isTieOfOtherFamily(hearing: Hearing): boolean {
  return isTie(hearing) && hearing.heard.family !== hearing.membership.tieFamily;
}

export function heardText(event: Event, { heard, membership, state }: Hearing): string {
  const { source, pace } = heard;
  const vip = membership.member.name;
  if (isGoodbye(pace)) return `${source} said good-bye on ${vip}`;
  const paces = `advbase ${pace.advbase}, advskew ${pace.advskew}`;
  if (state === 'LAPSED') return `${source} (${paces}) has taken over on ${vip}`;
  if (event === 'preemptible') return `better than ${source} (${paces}) on ${vip}`;
  if (event === 'equal' || event === 'worse')
    return `${source} is a master too (${paces}) on ${vip}`;
  if (event === 'hopeless') return `${source} is too slow (${paces}) on ${vip}`;
  return `${source} is the better master (${paces}) on ${vip}`;
}
