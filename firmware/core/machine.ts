/**
 * The contract every machine in core keeps (sans-I/O, as quinn-proto, str0m and etcd/raft do it).
 *
 * One input, then outputs until undefined, then the next input. A machine never reads a clock,
 * never sleeps and never fails on what a peer sent; a broken promise of our own code crashes
 * (invariant.ts).
 */
import type { Instant } from './time.ts';

export interface Machine<Input, Output> {
  /** Takes one input: a packet, a link change, a command, a lapsed deadline. */
  handle(input: Input, now: Instant): void;
  /** The next output, or undefined when drained. Must be drained before the next `handle`. */
  poll(): Output | undefined;
  /** The one moment at which the machine must be woken, or undefined for never. */
  nextTimeout(): Instant | undefined;
}
