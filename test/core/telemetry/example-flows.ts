/** The section `flows` of a pair that agrees, for tests of whoever shows it. */
import type { FlowsSnapshot } from '../../../firmware/core/telemetry/flows-snapshot.ts';

export function exampleFlows(changes: Partial<FlowsSnapshot> = {}): FlowsSnapshot {
  return {
    local: 1203,
    peer: 1201,
    own: 1203,
    copies: 0,
    divergence: 0.12,
    lagMs: 4.2,
    synced: true,
    progress: 1,
    errors: 0,
    memoryBytes: 1_524_736,
    counters: { events: 4711 },
    ...changes,
  };
}
