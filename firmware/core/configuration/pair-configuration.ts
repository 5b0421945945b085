/**
 * The configuration of a pair as this node sees it: checked, defaults filled in, roles resolved.
 *
 * What a person writes (node.yaml, cluster.yaml) is described by schema.ts;
 * resolve-configuration.ts turns it into these records. Nothing else reads what people wrote.
 */
import type { Cidr } from '../../wire/ip-address.ts';
import type { Duration } from '../time.ts';

import type { FirewallConfiguration } from './firewall-configuration.ts';
import type { NatConfiguration } from './nat-configuration.ts';

import type { RoutingConfiguration } from './routing-configuration.ts';

export type Role = 'primary' | 'secondary';

/** `node`: all VIPs of the node move together. `vip`: a classical election per VHID. */
export type FailoverMode = 'node' | 'vip';

/** A device that Yoke makes itself. */
export type MadeLink =
  /** IEEE 802.1Q VLAN `id`, 1-4094, of the device `parent`. */
  | { readonly kind: 'vlan'; readonly parent: string; readonly id: number }
  | {
      readonly kind: 'bond';
      readonly members: readonly string[];
      readonly mode: 'active-backup' | '802.3ad' | 'balance-xor';
    };

/** A logical interface of this node (wan, lan, sync, ...). */
export interface InterfaceConfiguration {
  readonly name: string;
  /** The Linux device, at most 15 characters. */
  readonly device: string;
  /** Undefined when the device is there by itself. */
  readonly made?: MadeLink | undefined;
  /** The node's own (real, non-virtual) addresses there. */
  readonly addresses: readonly Cidr[];
  readonly gateway: string | undefined;
  /** The other node's address on this interface; only on a sync interface. */
  readonly peer: string | undefined;
}

/** How the two nodes of a pair tell each other that they live. */
export interface BeatConfiguration {
  /** Between two beats on the sync cable, 3-100 ms. Default 10 ms. */
  readonly interval: Duration;
  /**
   * The shortest time from the last sign of life of a MASTER to a takeover; always longer than the
   * lease, see lease-length.ts.
   */
  readonly deadTime: Duration;
}

/** Between which addresses flows are replicated, and which of them. */
export interface FlowConfiguration {
  /** Linux device of the sync interface. */
  readonly device: string;
  /** This node's address on it, and the peer's, of one family. */
  readonly address: string;
  readonly peer: string;
  /** 32 bytes both nodes know, for the session of the flows. */
  readonly key: Uint8Array;
  /** 16 bytes from which both nodes make the same names for flows. */
  readonly nameSeed: Uint8Array;
  /** Flows from or to these are left out. */
  readonly excludedNetworks: readonly Cidr[];
  /** IP protocol numbers that are left out. */
  readonly excludedProtocols: readonly number[];
}

/** One VHID with all addresses stacked on it. */
export interface VipConfiguration {
  /** Unique in the cluster. */
  readonly name: string;
  /** Logical interface. */
  readonly interface: string;
  /** CARP group number, 1-255, unique per interface. */
  readonly vhid: number;
  /** The VIP first, then its aliases; IPv4 and IPv6 may be mixed. Never empty. */
  readonly addresses: readonly Cidr[];
  /** CARP password in bytes, at most 19. */
  readonly password: Uint8Array;
  /** Whole seconds between advertisements, 0-255; 0 only with a skew. */
  readonly advbase: number;
  /** 1/256 s, 0-239: this node's own, by its role. */
  readonly advskew: number;
  /** The skew the other role uses for this VIP. */
  readonly peerAdvskew: number;
  /** Unicast CARP: address of the one peer; undefined for multicast. */
  readonly peer: string | undefined;
  /** On equal skews a `bsd` peer always yields, so this node yields as well. Default `yoke`. */
  readonly ties: 'yoke' | 'bsd';
}

export interface PairConfiguration {
  /** Unique name of this node. */
  readonly node: string;
  readonly role: Role;
  readonly board: string | undefined;
  readonly cluster: string;
  readonly interfaces: readonly InterfaceConfiguration[];
  readonly failover: FailoverMode;
  readonly preempt: {
    readonly enabled: boolean;
    readonly delay: Duration;
    /** When to stay for a while because MASTER changed too often; undefined for the default. */
    readonly flaps?: { readonly changes: number; readonly hold: Duration };
  };
  /** How long a carrier must have been back before it counts. Default 1 s. */
  readonly linkDebounce: Duration;
  readonly vips: readonly VipConfiguration[];
  /** Undefined without a sync interface with a peer, without a secret, or when switched off. */
  readonly beats: BeatConfiguration | undefined;
  /** 32 bytes both nodes know, for the session of the beats; undefined without `beats`. */
  readonly beatKey: Uint8Array | undefined;
  /** Undefined without a sync interface with a peer, without a secret, or when switched off. */
  readonly flows?: FlowConfiguration | undefined;
  /** Undefined: everything may pass, and there are no rules of ours. */
  readonly firewall?: FirewallConfiguration | undefined;
  /** Undefined: nothing is translated. */
  readonly nat?: NatConfiguration | undefined;
  /** Ways out; undefined stands for none. */
  readonly routing?: RoutingConfiguration | undefined;
  /** Beats are wanted and a sync interface has a peer, but there is no secret to seal them with. */
  readonly lacksSecret: boolean;
  /** Hash of what is configured for the pair: 16 hexadecimal digits, equal on both nodes. */
  readonly clusterHash: string;
}
