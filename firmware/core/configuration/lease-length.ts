/**
 * How long the kernel lets a MASTER use its VIPs without hearing from the election.
 *
 * Two nodes must never serve a VIP at once, even when one of them hangs. A node that is killed or
 * stopped in the middle of a turn goes on answering until its lease lapses; the other takes over
 * after the master-down time ("dead time"). So the lease has to be over well before that:
 *
 * - half the dead time, because the dead time is counted from the last advertisement and the lease
 *X
 * - at most 45 ms, because longer gains nothing: the lease is renewed every few milliseconds, and
 *   the shorter it is the sooner a hung node falls silent;
 * - at least 10 ms, because a healthy but busy machine may wake that late. Hence the dead time must
 *   be at least 20 ms.
 */
import { masterDownInterval, type Pace } from '../election/interval.ts';
import { type Duration, microseconds, milliseconds } from '../time.ts';

export const LONGEST_LEASE: Duration = milliseconds(45);

/** A configuration whose dead time is shorter is refused. */
export const SHORTEST_DEAD_TIME: Duration = milliseconds(20);

/** One lease for all VIPs of both nodes: the most impatient decides. */
export function leaseLength(paces: readonly Pace[]): Duration {
  const halves = paces.map((pace) => Math.trunc(masterDownInterval(pace) / 2));
  return microseconds(Math.min(LONGEST_LEASE, ...halves));
}
