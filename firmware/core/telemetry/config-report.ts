/**
 * What the process that keeps the configuration (yoke-agent) tells the election's process, and what
 * that one answers.
 */

import type { SyncStanding } from '../rollout/rollout-io.ts';
import type { AlertSnapshot, SnapshotState } from './snapshot.ts';

export interface ConfigReport {
  /** Number of the revision that stands. */
  readonly revision: number;
  /** SHA-256 in hex of what that revision says. */
  readonly hash: string;
  /** The same of what the other node runs; null while it is not known. */
  readonly peerHash: string | null;
  /** When both nodes last agreed on a revision, since the process started; null for never. */
  readonly lastSync: string | null;
  readonly standing: SyncStanding;
  /** The last change that was refused or rolled back, until one succeeds. */
  readonly errors: readonly string[];
  /** Of what was refused, for the status document. */
  readonly counters: Readonly<Record<string, number>>;
  readonly alerts: readonly AlertSnapshot[];
  /** For the event log, one line each; each is told once. */
  readonly events: readonly string[];
}

/** What runs on this node. */
export interface ConfigFacts {
  /** SHA-256 in hex of the cluster.yaml that is applied. */
  readonly hash: string;
  /** Counts accepted configurations since the process started, node.yaml's included. */
  readonly generation: number;
  readonly state: SnapshotState;
}
