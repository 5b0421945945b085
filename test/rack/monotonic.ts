// The clock of everything the rack reports: CLOCK_MONOTONIC in microseconds, the same in every
// namespace and in the C probes.
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
