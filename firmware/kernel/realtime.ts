/**
 * Real-time scheduling of the calling thread (sched(7), SCHED_FIFO).
 *
 * Needs CAP_SYS_NICE or RLIMIT_RTPRIO. Without it the election still runs, only later under load;
 * the lease keeps that safe, so the caller goes on and says so in its status.
 */
import { errnoName, KernelError } from './kernel-error.ts';
import { native } from './native-socket.ts';

const NOT_PERMITTED = new Set(['EPERM', 'EACCES']);

/**
 * Sets SCHED_FIFO with a priority of 1..99 for the calling thread only. False when the process is
 * not permitted to.
 */
export function enterRealtime(priority: number): boolean {
  const result = native.setPriority(0, priority);
  if (result >= 0) return true;
  if (NOT_PERMITTED.has(errnoName(-result))) return false;
  const what = `set real-time priority ${priority}`;
  throw new KernelError({ code: 'socket-failed', errno: -result, what });
}
