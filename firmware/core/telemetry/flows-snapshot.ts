/** The section `flows` of the status document: how the connections of the two nodes agree. */
import type { AlertSnapshot } from './snapshot.ts';

export interface FlowsSnapshot {
  /** Flows here, the peer's copies included. */
  readonly local: number;
  /** Flows at the peer, as it says itself; null until it did. */
  readonly peer: number | null;
  /** Of those here: which this node tells the peer about, and which it keeps for it. */
  readonly own: number;
  readonly copies: number;
  /** Percent of the established flows of one node that the other does not have as they are. */
  readonly divergence: number;
  /** Milliseconds until a change is in the peer's kernel and we know of it; null without a peer. */
  readonly lagMs: number | null;
  /** Whether the whole table of the peer has been copied here. */
  readonly synced: boolean;
  /** How much of it, 0 to 1. */
  readonly progress: number;
  /** Flows the kernel refused, frames that were not the peer's, events that were lost. */
  readonly errors: number;
  /** Bytes of the tables of the replication itself. */
  readonly memoryBytes: number;
  /** Monotonic counts by name. */
  readonly counters: Readonly<Record<string, number>>;
}

/** What the process that replicates flows tells the election's. */
export interface FlowsReport {
  readonly flows: FlowsSnapshot;
  readonly alerts: readonly AlertSnapshot[];
  /** The node need not wait for flows any longer before it may become MASTER. */
  readonly ready: boolean;
}
