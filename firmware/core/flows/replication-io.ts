/** What the replication of flows is told, and what it wants or has to tell. */
import type { FlowServing } from '../../wire/flow-frame.ts';
import type { Direction, StopCause } from './peer-session.ts';
import type { ReadingWish } from './reading-answers.ts';
import type { ComparisonOutcome } from './table-comparison.ts';

export type ReplicationInput =
  /** A deadline has lapsed. */
  | { readonly kind: 'time' }
  /** The election of this node has changed. */
  | { readonly kind: 'serving'; readonly serving: FlowServing }
  /** Events of the kernel were lost. */
  | { readonly kind: 'overrun' }
  /** An operator wants everything told anew. */
  | { readonly kind: 'resync' }
  /** Say when the peer has everything up to here. */
  | { readonly kind: 'barrier'; readonly id: number }
  /** The walk that was asked for has ended; `complete` when the kernel's whole table was shown. */
  | { readonly kind: 'walked'; readonly complete: boolean }
  /** The kernel does not have this copy after all. */
  | { readonly kind: 'lost'; readonly keyLow: number; readonly keyHigh: number }
  /** Compare both kernels' tables now, with lines about so many flows of each kind, 0..64. */
  | { readonly kind: 'compare'; readonly examples: number }
  /** A reading that was asked for; undefined when it failed. */
  | {
      readonly kind: 'read';
      readonly for: 'own' | 'peer';
      readonly id: number;
      readonly bytes: Uint8Array | undefined;
    };

export type ReplicationOutput =
  /** Read the kernel's table and show it to `visit`: all of it, or only what lapses when quiet. */
  | { readonly kind: 'walk'; readonly full: boolean }
  /** A life of the peer was met. */
  | { readonly kind: 'session'; readonly peerEpoch: number }
  /** The peer's whole table is here. */
  | { readonly kind: 'joined' }
  /** It did not come in time. */
  | { readonly kind: 'join-overdue' }
  /** The peer has this node's whole table. */
  | { readonly kind: 'copied' }
  /** The peer has everything that was told before the barrier. */
  | { readonly kind: 'barrier'; readonly id: number }
  /** The table is full, and flows are not replicated; or there is room again, and they will be. */
  | { readonly kind: 'crowded'; readonly full: boolean }
  | { readonly kind: 'stopped'; readonly direction: Direction; readonly cause: StopCause }
  | { readonly kind: 'resumed'; readonly direction: Direction }
  /** Of this node's copies, percent of the peer's established flows; once per round of digests. */
  | { readonly kind: 'divergence'; readonly percent: number; readonly high: boolean }
  /** Read the kernel's table, for this node or for the peer (wire/flow-reading.ts). */
  | { readonly kind: 'read'; readonly for: 'own' | 'peer'; readonly wish: ReadingWish }
  | { readonly kind: 'compared'; readonly outcome: ComparisonOutcome };
