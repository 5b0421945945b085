/**
 * What goes into the node's machine and what comes out of it: the whole conversation between the
 * decisions (core) and the machine they are carried out on (service, kernel).
 */
import type { CarpRefusal, ReceivedCarp } from '../../wire/carp-reception.ts';
import type { Cidr } from '../../wire/ip-address.ts';
import type { PeerBeat } from '../../wire/peer-beat.ts';
import type { DatagramRefusal } from '../../wire/sealed-datagram.ts';
import type { DesiredAddresses } from '../addressing/desired-addresses.ts';
import type { PairConfiguration, VipConfiguration } from '../configuration/pair-configuration.ts';
import type { Pace } from '../election/interval.ts';
import type { Family } from '../election/membership.ts';
import type { Duration, Instant } from '../time.ts';
import type { DemotionReport } from './external-demotions.ts';

/** An interface as it was found. */
export interface SeenInterface {
  readonly present: boolean;
  readonly carrier: boolean;
  /** All addresses on the device, VIPs not included. */
  readonly addresses: readonly Cidr[];
  readonly mac: string | undefined;
}

export type NodeInput =
  /** First of a turn: what has the time brought? Renews leases. */
  | { readonly kind: 'wake' }
  /** Last of a turn: everything that had arrived has been handed in. */
  | { readonly kind: 'settled' }
  | { readonly kind: 'configure'; readonly configuration: PairConfiguration }
  | { readonly kind: 'interface'; readonly interface: string; readonly seen: SeenInterface }
  | {
      readonly kind: 'advertisement';
      readonly interface: string;
      readonly advertisement: ReceivedCarp;
    }
  | { readonly kind: 'refused'; readonly interface: string; readonly refusal: CarpRefusal }
  /** A beat of the peer, authentic and fresh. */
  | { readonly kind: 'beat'; readonly interface: string; readonly beat: PeerBeat }
  /** A datagram that is no beat of the peer. */
  | {
      readonly kind: 'beat-refused';
      readonly interface: string;
      readonly reason: DatagramRefusal;
      readonly source: string;
    }
  /** A session with the peer has begun: beats can be sealed. */
  | { readonly kind: 'session' }
  /** What `count-frames` asked for. */
  | { readonly kind: 'frames'; readonly interface: string; readonly frames: number }
  /** Outcome of a hand-over: the VIPs of the group are answered for no more. */
  | { readonly kind: 'let-go'; readonly group: number; readonly ok: boolean }
  /** Outcome of a renewal. */
  | { readonly kind: 'renewed'; readonly group: number; readonly held: boolean }
  /** The machine stood still before a renewal, or before a claim: it was not done. */
  | { readonly kind: 'renewal-late'; readonly group: number }
  | { readonly kind: 'claim-late'; readonly group: number }
  /** Outcome of a claim. */
  | { readonly kind: 'claimed'; readonly group: number }
  | { readonly kind: 'claim-failed'; readonly group: number; readonly text: string }
  /** The kernel could not take a lease back: it ends by itself soon. */
  | { readonly kind: 'release-failed'; readonly group: number; readonly text: string }
  /** Outcome of sending an advertisement. */
  | { readonly kind: 'sent'; readonly interface: string; readonly ok: boolean }
  /** What the kernel could not do of the last plan; empty when all is done. */
  | { readonly kind: 'problems'; readonly problems: readonly NodeProblem[] }
  /** Somebody else changed what we own in the kernel. */
  | { readonly kind: 'damaged'; readonly text: string }
  | { readonly kind: 'maintenance'; readonly entered: boolean }
  /** Whether the peer's flows are here, as far as it is worth waiting for them. */
  | { readonly kind: 'flows'; readonly ready: boolean }
  /** What another process of this node knows against it. */
  | { readonly kind: 'demotions'; readonly report: DemotionReport }
  /** Give the VIPs to the peer; answered by `handover-ended`. */
  | { readonly kind: 'handover' }
  | { readonly kind: 'stop' };

export interface NodeProblem {
  readonly code: string;
  readonly device: string;
  readonly text: string;
}

export type EventKind =
  | 'start'
  | 'stop'
  | 'transition'
  | 'demotion'
  | 'alert'
  | 'alert-cleared'
  | 'link'
  | 'lease'
  | 'config'
  | 'maintenance'
  /** Something that is watched from here: a gateway. */
  | 'target'
  /** The peer came or went. */
  | 'peer'
  /** Two masters met. */
  | 'overlap';

export interface NodeEvent {
  readonly kind: EventKind;
  readonly text: string;
  readonly data?: Readonly<Record<string, string | number | boolean>>;
}

export type NodeOutput =
  /** Make the kernel equal to this. */
  | { readonly kind: 'apply'; readonly plan: DesiredAddresses }
  /** Take the lease and raise these of its VIPs; the others of the group stay down. */
  | {
      readonly kind: 'claim';
      readonly group: number;
      /** Not after this: somebody else may have taken the place since it was decided. */
      readonly before: Instant;
      readonly vips: readonly { readonly device: string; readonly vhid: number }[];
    }
  /** A claim of these may follow in a moment. */
  | {
      readonly kind: 'prepare';
      readonly group: number;
      readonly vips: readonly { readonly device: string; readonly vhid: number }[];
    }
  /** Not after `before`: the peer would have to be told again first. Undefined: no peer. */
  | { readonly kind: 'renew'; readonly group: number; readonly before: Instant | undefined }
  | { readonly kind: 'release'; readonly group: number }
  /** Let the peer take over: stop answering, go on forwarding for so long. */
  | { readonly kind: 'linger'; readonly group: number; readonly span: Duration }
  /** Send a beat to the peer on this path. */
  | {
      readonly kind: 'beat';
      readonly interface: string;
      readonly device: string;
      readonly destination: string;
      readonly beat: PeerBeat;
    }
  /** How many frames has the device received since it exists? Answered by `frames`. */
  | { readonly kind: 'count-frames'; readonly interface: string; readonly device: string }
  /** Ask the peer for a new session on this path. */
  | {
      readonly kind: 'greet';
      readonly interface: string;
      readonly device: string;
      readonly destination: string;
    }
  | {
      readonly kind: 'advertise';
      readonly vip: VipConfiguration;
      readonly device: string;
      readonly family: Family;
      /** Own address on the segment to send from. */
      readonly source: string;
      /**
       * Ethernet source: undefined for the virtual MAC. Only a MASTER uses that one; a good-bye or
       * a challenge from it would make the switches send the VIP's traffic to a node that serves
       * nothing.
       */
      readonly sourceMac: string | undefined;
      readonly pace: Pace;
      readonly counter: bigint;
    }
  /** Gratuitous ARP and unsolicited NA for all addresses of the VIP. */
  | { readonly kind: 'announce'; readonly vip: VipConfiguration; readonly device: string }
  | { readonly kind: 'event'; readonly event: NodeEvent }
  /** Keep over restarts. */
  | { readonly kind: 'remember'; readonly maintenance: boolean }
  /** What became of each `handover`, one line for people. */
  | { readonly kind: 'handover-ended'; readonly ok: boolean; readonly text: string }
  /** After `stop`: all is released and said. */
  | { readonly kind: 'stopped' };
