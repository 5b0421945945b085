/**
 * How long the kernel lets a MASTER use its VIPs without hearing from the election.
 *
 * Two nodes must never serve a VIP at once, even when one of them hangs. A node that is killed or
 * stopped in the middle of a turn goes on answering until its lease lapses; the other takes over
 * after the dead time: of the beats, or CARP's master-down time. So the lease has to be over before
 * that, whatever was configured:
 *
 * - Half the dead time. The peer counts from the last sign of life that left this node. A lease can
 *   be renewed after that, but only while it stands (lease-table.ts), so not later than one
 *   lease after that sign; and it then stands for one lease more. Two leases is the longest that a
 *   node can serve unheard, hence: 2 x lease <= dead time.
 * - At most 45 ms, because longer gains nothing: the lease is renewed every few milliseconds, and
 *   the shorter it is the sooner a hung node falls silent.
 * - At least 10 ms, because a healthy but busy machine may wake that late. Hence no dead time may
 *   be shorter than 20 ms.
 */
import { masterDownInterval, type Pace } from '../election/interval.ts';
import { type Duration, microseconds, milliseconds } from '../time.ts';
import type { BeatConfiguration } from './pair-configuration.ts';

export const LONGEST_LEASE: Duration = milliseconds(45);

/** A configuration whose dead time is shorter is refused. */
export const SHORTEST_DEAD_TIME: Duration = milliseconds(20);

/** One lease for all VIPs of both nodes: the most impatient decides. */
export function leaseLength(
  paces: readonly Pace[],
  beats: Pick<BeatConfiguration, 'deadTime'> | undefined,
): Duration {
  const classical = paces.map(masterDownInterval);
  const deadTimes = beats === undefined ? classical : [...classical, beats.deadTime];
  const halves = deadTimes.map((deadTime) => Math.trunc(deadTime / 2));
  return microseconds(Math.min(LONGEST_LEASE, ...halves));
}
