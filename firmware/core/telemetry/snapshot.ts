/**
 * The status document: what one node knows about itself at one moment.
 *
 * The CLI, the console, the web page and MQTT are views of it. Names are stable: fields may be
 * added within a schema version, never renamed or removed. Times that people read are wall clock,
 * ISO 8601 in UTC; what is not known or does not apply is null, so that every field is always
 * there.
 */
import type { FailoverMode, Role } from '../configuration/pair-configuration.ts';
import type { SyncStanding } from '../rollout/rollout-io.ts';
import type { FlowsSnapshot } from './flows-snapshot.ts';

export const SNAPSHOT_SCHEMA = 1;

/** A node that lapsed and is reading what it missed shows BACKUP: it serves nothing. */
export type SnapshotState = 'INIT' | 'BACKUP' | 'MASTER';

export interface Snapshot {
  readonly schema: typeof SNAPSHOT_SCHEMA;
  /** When this was true. */
  readonly time: string;
  /** Version of the firmware. */
  readonly version: string;
  readonly node: string;
  readonly cluster: string;
  readonly role: Role;
  readonly board: string | null;
  readonly failover: FailoverMode;
  /** Of the node; with `failover: vip` MASTER when it is MASTER for any VIP. */
  readonly state: SnapshotState;
  /** When it entered that state. */
  readonly since: string;
  /** Why it entered that state, one line. */
  readonly reason: string;
  readonly maintenance: boolean;
  readonly vips: readonly VipSnapshot[];
  readonly links: readonly LinkSnapshot[];
  readonly demotions: readonly DemotionSnapshot[];
  readonly peer: PeerSnapshot;
  /** Null when flows are not replicated, or the process that does it says nothing. */
  readonly flows: FlowsSnapshot | null;
  readonly config: ConfigSnapshot;
  readonly alerts: readonly AlertSnapshot[];
  /** Monotonic counts by name, such as `advertisements.sent` or `refused.bad-ttl`. */
  readonly counters: Readonly<Record<string, number>>;
  readonly pid: number;
  /** Whole seconds since the process started. */
  readonly uptime: number;
  readonly realtime: RealtimeSnapshot;
}

export interface VipSnapshot {
  readonly name: string;
  /** Logical interface. */
  readonly interface: string;
  readonly vhid: number;
  /** With prefix length. */
  readonly address: string;
  readonly aliases: readonly string[];
  readonly state: SnapshotState;
  /** Seconds. */
  readonly advbase: number;
  /** Effective, demotions included, as advertised: 0-240, in 1/256 s. */
  readonly advskew: number;
}

export interface LinkSnapshot {
  /** Logical interface. */
  readonly name: string;
  readonly device: string;
  /** Whether the device exists. */
  readonly present: boolean;
  readonly carrier: boolean;
  /** Real addresses on the device, with prefix length. */
  readonly addresses: readonly string[];
}

export interface DemotionSnapshot {
  /** `link:lan`, `maintenance`, ... */
  readonly reason: string;
  /** Added to advskew; the sum is capped at 240. */
  readonly weight: number;
  readonly since: string;
  /** When it ends by itself; null when only its owner ends it. */
  readonly expires: string | null;
  readonly owner: string;
}

/** What the beats say of the peer. `unknown`: none came since this node started. */
export type PeerVerdict = 'unknown' | 'alive' | 'suspect' | 'dead';

export interface PeerSnapshot {
  /**
   * Whether the peer lives: by its beats when it ever sent any, else whether an advertisement of
   * any VIP was heard within its master-down time; null when this node is MASTER and heard none: a
   * BACKUP is silent in CARP.
   */
  readonly reachable: boolean | null;
  readonly verdict: PeerVerdict;
  /** Its name; null until it said so, as all that follows. */
  readonly node: string | null;
  readonly role: Role | null;
  readonly state: SnapshotState | null;
  /** Number of VIPs it could serve. */
  readonly health: number | null;
  /** Sum of its demotions. */
  readonly demotion: number | null;
  /** Milliseconds since its last sign of life. */
  readonly lastBeatMs: number | null;
  /** Whether its configuration of the pair is the same as here. */
  readonly sameConfiguration: boolean | null;
  /** The segments shared with it; empty without a sync interface. */
  readonly paths: readonly PathSnapshot[];
  /** The last advertisement of another node, per VIP for which there was one. */
  readonly heard: readonly HeardSnapshot[];
}

export interface PathSnapshot {
  /** Logical interface. */
  readonly interface: string;
  /** Address of the peer there; null while it is not known. */
  readonly address: string | null;
  /** Whether its beats arrive there; null while none is expected. */
  readonly up: boolean | null;
  /** Milliseconds since the last one there. */
  readonly lastBeatMs: number | null;
}

export interface HeardSnapshot {
  /** Name of the VIP. */
  readonly vip: string;
  /** Address it came from. */
  readonly source: string;
  readonly advbase: number;
  readonly advskew: number;
  /** Milliseconds before `time`. */
  readonly agoMs: number;
}

export interface ConfigSnapshot {
  /**
   * Number in the history of what is applied; null while the history does not have it, or the
   * process that keeps the history says nothing.
   */
  readonly revision: number | null;
  /** SHA-256 in hex of the content of cluster.yaml that is applied. */
  readonly hash: string;
  /** The same of what the other node runs; null while it is not connected. */
  readonly peerHash: string | null;
  /** When both nodes last agreed on a revision; null when they did not since the start. */
  readonly lastSync: string | null;
  /** How the nodes' configurations are to each other; null as for `revision`. */
  readonly sync: SyncStanding | null;
  /** Why the newest reload or change was refused or undone, one line each. */
  readonly errors: readonly string[];
}

export interface AlertSnapshot {
  /** `kind:subject`, such as `digest:lan`. Stable. */
  readonly code: string;
  readonly since: string;
  readonly text: string;
}

export interface RealtimeSnapshot {
  /** SCHED_FIFO priority of the election thread; null when the machine refused it. */
  readonly priority: number | null;
  /** The latest that the election thread woke after a deadline since the process started. */
  readonly latenessMaxMs: number;
}
