/**
 * What goes into the machine of a failover group and what comes out of it.
 */
import type { Duration } from '../time.ts';
import type { Pace } from './interval.ts';
import type { Family, Member } from './membership.ts';
import type { PreemptionRule } from './preemption.ts';
import type { Event, State } from './states.ts';

export interface GroupRules {
  /** For people. */
  readonly name: string;
  /** The kernel's number for the group's lease. */
  readonly group: number;
  readonly lease: Duration;
  readonly preemption: PreemptionRule;
}

export interface HeardAdvertisement {
  /** Of the member it is for. */
  readonly id: string;
  readonly family: Family;
  readonly source: string;
  /** Where ours come from in this family, which decides ties; undefined while there is none. */
  readonly ownSource: string | undefined;
  readonly pace: Pace;
  /** The sender is MASTER already, rather than one that claims the place. */
  readonly serving: boolean;
}

export type GroupInput =
  | { readonly kind: 'wake' }
  | { readonly kind: 'settled' }
  | { readonly kind: 'advertisement'; readonly heard: HeardAdvertisement }
  | { readonly kind: 'interface'; readonly interface: string; readonly usable: boolean }
  | { readonly kind: 'demotion'; readonly total: number }
  | { readonly kind: 'step-aside'; readonly cause: string }
  /**
   * Whether the peer's beats decide: then advertisements and their timers do not; and whether it is
   * known by beats, dead as it may be.
   */
  | { readonly kind: 'bind'; readonly bound: boolean; readonly known: boolean }
  /** The peer has granted the VIPs, or is dead: they are ours. */
  | { readonly kind: 'take'; readonly cause: string; readonly because: 'granted' | 'silence' }
  /** The place may be ours in a moment. */
  | { readonly kind: 'prepare' }
  /** The peer takes over: let go, but keep forwarding what is under way. */
  | { readonly kind: 'hand-over'; readonly cause: string }
  /** The peer is MASTER too and stays it. */
  | { readonly kind: 'yield'; readonly cause: string }
  /** After a lapse: somebody may have taken over. */
  | { readonly kind: 'stand-down'; readonly cause: string }
  /** Tell everybody again where the VIPs are. */
  | { readonly kind: 'reassert' }
  /** The kernel found the lease lapsed when it was to be renewed. */
  | { readonly kind: 'lease-lost' }
  /** An advertisement could not be sent on the interface. */
  | { readonly kind: 'unsent'; readonly interface: string }
  /** The kernel has given the lease and raised the VIPs. */
  | { readonly kind: 'claimed' }
  | { readonly kind: 'claim-failed'; readonly text: string }
  /** The machine stood still before the claim: it was not made. */
  | { readonly kind: 'claim-late' }
  /** The kernel has been made equal to the plan: a MASTER raises what is new. */
  | { readonly kind: 'applied' }
  /** So has it, after damage: a MASTER raises everything again. */
  | { readonly kind: 'repaired' }
  | {
      readonly kind: 'members';
      readonly members: readonly Member[];
      /** Those that stay, but must be raised and advertised anew. */
      readonly changed: ReadonlySet<string>;
      /** Whether each interface that was looked at is usable. */
      readonly interfaces: ReadonlyMap<string, boolean>;
    }
  | { readonly kind: 'rules'; readonly rules: GroupRules }
  /** Continues groups that are MASTER. */
  | { readonly kind: 'inherit' }
  | { readonly kind: 'stop'; readonly cause: string };

export type GroupOutput =
  /** Take the lease and raise these; others of the group stay down. */
  | { readonly kind: 'claim'; readonly members: readonly Member[] }
  /** A claim of these may follow in a moment: make it cheap. */
  | { readonly kind: 'prepare'; readonly members: readonly Member[] }
  | { readonly kind: 'renew' }
  | { readonly kind: 'release' }
  /** Stop answering at once, keep forwarding for a while; answered by nothing. */
  | { readonly kind: 'linger' }
  | {
      readonly kind: 'advertise';
      readonly member: Member;
      readonly pace: Pace;
      /** The VHID is served here: only then may it come from the virtual MAC. */
      readonly serves: boolean;
    }
  | { readonly kind: 'announce'; readonly member: Member }
  | {
      readonly kind: 'transition';
      readonly from: State;
      readonly to: State;
      readonly event: Event;
      readonly cause: string;
    };
