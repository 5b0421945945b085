/**
 * How long the kernel lets a MASTER use its VIPs without hearing from the election.
 *
 * Two nodes must never serve a VIP at once, even when one of them hangs. A node that is killed or
 * stopped in the middle of a turn goes on answering until its lease lapses; the other takes over
 * after the dead time: of the beats, or CARP's master-down time. So the lease has to be over before
 * that, whatever was configured:
 *
 * - Half of CARP's dead time. The peer counts from the last advertisement. A process that hangs
 *   just before the next one, an interval later, has renewed its lease a moment ago. With advbase 0
 *   an interval is a third of the dead time at most (Membership.deadTime), and a third and a half
 *   are less than all of it; else a second is left at least.
 * - `RENEWAL_SLACK` less than the dead time of the beats. There each renewal is told to the peer
 *   first (PeerRelation.speakFirst), and is not done when the machine stood still for longer than
 *   the slack between the two; then it is told again.
 * - At most 45 ms, because longer gains nothing: the lease is renewed every few milliseconds, and
 *   the shorter it is the sooner a hung node falls silent.
 * - At least 10 ms, because a healthy but busy machine may wake that late. Hence no dead time may
 *   be shorter than 20 ms.
 */
import { masterDownInterval, type Pace } from '../election/interval.ts';
import { type Duration, microseconds, milliseconds } from '../time.ts';
import type { BeatConfiguration } from './pair-configuration.ts';

/** From the beat that announces a renewal to the renewal, at most. */
export const RENEWAL_SLACK: Duration = milliseconds(8);

export const LONGEST_LEASE: Duration = milliseconds(45);

/** A configuration whose dead time is shorter is refused. */
export const SHORTEST_DEAD_TIME: Duration = milliseconds(20);

/** One lease for all VIPs of both nodes: the most impatient decides. */
export function leaseLength(
  paces: readonly Pace[],
  beats: Pick<BeatConfiguration, 'deadTime'> | undefined,
): Duration {
  const halves = paces.map((pace) => Math.trunc(masterDownInterval(pace) / 2));
  const announced = beats === undefined ? LONGEST_LEASE : beats.deadTime - RENEWAL_SLACK;
  return microseconds(Math.min(LONGEST_LEASE, announced, ...halves));
}
