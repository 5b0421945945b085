/**
 * Assertions about our own code. A broken one crashes the process: the lease then takes the VIPs
 * off the network within tens of milliseconds, which is safer than going on with a state nobody
 * planned.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** Closes a switch over a union: the compiler proves that no case is missing. */
export function unreachable(value: never): never {
  throw new Error(`invariant broken: unexpected ${JSON.stringify(value)}`);
}
