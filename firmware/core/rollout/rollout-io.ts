/**
 * What goes into a roll-out and what comes out of it.
 */
import type { ConfigRevision, RevisionName } from '../../wire/config-revision.ts';
import type { SyncMessage } from '../../wire/sync-message.ts';
import type { Role } from '../configuration/pair-configuration.ts';
import type { Duration } from '../time.ts';

/** Who leads a change: this node, or the other one. */
export type Part = 'leader' | 'follower';

/**
 * How far a change has come. `preparing`: nothing is applied anywhere. `applying`: the target may
 * be applied. `trial`: it is, and waits for people. `undoing`: what was before is being restored.
 */
export type Phase = 'preparing' | 'applying' | 'trial' | 'undoing';

/** A change that is under way; written down before each of its steps. */
export interface Change {
  readonly part: Part;
  readonly phase: Phase;
  readonly target: RevisionName;
  readonly previous: RevisionName;
  /** Whether the other node takes part. */
  readonly together: boolean;
  /** The target stands here already; the other node catches up. */
  readonly catchUp: boolean;
  /** The target runs here already: cluster.yaml was edited by hand. */
  readonly live: boolean;
  /** Made without the other node that leads. */
  readonly emergency: boolean;
  /** People have to confirm within so many ms; 0 without that. */
  readonly trial: number;
  /** Why it is undone. */
  readonly reason: string;
}

/** What of a roll-out survives a power cut. */
export interface RolloutJournal {
  /** The revision this node stands by: what it runs, unless a change is under way. */
  readonly head: RevisionName;
  /** Whether a revision was ever agreed on with the other node. */
  readonly synced: boolean;
  /** Whether the head was made here in an emergency, on the secondary. */
  readonly emergency: boolean;
  readonly change: Change | null;
  /** The last change that was refused or undone, until one succeeds. */
  readonly failure: { readonly number: number; readonly text: string } | null;
}

export type RolloutInput =
  /** First of all. */
  | { readonly kind: 'start' }
  /** A revision that is in the history already. `alone`: the other node takes no part. */
  | {
      readonly kind: 'propose';
      readonly target: ConfigRevision;
      readonly trial: Duration;
      readonly alone: boolean;
      readonly live: boolean;
    }
  | { readonly kind: 'confirm' }
  | { readonly kind: 'validated' | 'applied'; readonly token: number; readonly problem?: string }
  | { readonly kind: 'connected' | 'disconnected' }
  | { readonly kind: 'message'; readonly message: SyncMessage }
  /** What of this node the other one is to know. */
  | { readonly kind: 'facts'; readonly applied: string; readonly master: boolean }
  | { readonly kind: 'timeout' };

export type RolloutOutput =
  /** Must be on the disk before the next output is carried out. */
  | { readonly kind: 'journal'; readonly journal: RolloutJournal }
  /** The same for a revision the other node made. */
  | { readonly kind: 'keep'; readonly revision: ConfigRevision }
  /** It came to nothing; the history need not have it. */
  | { readonly kind: 'drop'; readonly id: string }
  /** Would this node take it? Answered by `validated`. */
  | { readonly kind: 'validate'; readonly token: number; readonly id: string }
  /** Run it, and look after this node's health if that is wanted. Answered by `applied`. */
  | {
      readonly kind: 'apply';
      readonly token: number;
      readonly id: string;
      readonly checked: boolean;
    }
  /** `prepare` with the revision of that id. */
  | { readonly kind: 'offer'; readonly id: string; readonly trial: number }
  /** `state`: with the head's revision. */
  | { readonly kind: 'tell' }
  | { readonly kind: 'send'; readonly message: SyncMessage }
  /** A change of which this node was the leader has come to its end, or waits to be confirmed. */
  | { readonly kind: 'outcome'; readonly id: string; readonly ok: boolean; readonly text: string }
  /** One line for the event log. */
  | { readonly kind: 'event'; readonly text: string };

/** How the two configurations are to each other. */
export type SyncStanding =
  /** There is no other node, or it takes no part. */
  | 'alone'
  | 'synced'
  /** The other node is not to be reached. */
  | 'offline'
  /** It has another revision and will get this one. */
  | 'pending'
  /** Neither follows from the other: people must decide. */
  | 'diverged';

export interface RolloutOptions {
  readonly node: string;
  readonly role: Role;
  readonly journal: RolloutJournal;
  /** Whether the node has another one to keep in step with. */
  readonly hasPeer: boolean;
  /** Whether the head is that revision or follows from it. */
  readonly knows: (id: string) => boolean;
  /** Of a revision in the history. */
  readonly textOf: (id: string) => string | undefined;
}
