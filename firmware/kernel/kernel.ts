/**
 * Everything the election may ask of the machine it runs on. Read this second, after
 * ARCHITECTURE.md.
 *
 * Two implementations: linux-kernel.ts, and the simulator's twin in test/simulator. All calls are
 * synchronous: the election thread blocks in `wait` and nowhere else.
 */
import type { Cidr } from '../wire/ip-address.ts';

/** One VHID as the kernel must hold it: a macvlan with the virtual MAC and its addresses. */
export interface PlannedVip {
  readonly vhid: number;
  /** Device of the parent interface. */
  readonly device: string;
  /** Failover group: the lease and the link group number (1 or greater) this VIP belongs to. */
  readonly group: number;
  readonly addresses: readonly PlannedAddress[];
}

export interface PlannedAddress extends Cidr {
  /**
   * True when the VIP brings its subnet along (no real address of the parent covers it), so the
   * kernel must install the connected route with it.
   */
  readonly ownsSubnet: boolean;
}

export interface PlannedInterface {
  readonly device: string;
  /** Real addresses that must exist; added when absent, never removed. */
  readonly addresses: readonly Cidr[];
  /** IP families in which advertisements are received here. */
  readonly families: readonly (4 | 6)[];
  /** IP families in which datagrams of the peer (UDP port 7112) are received here. */
  readonly beats: readonly (4 | 6)[];
}

/** The complete desired state. Applying it twice changes nothing the second time. */
export interface NetworkPlan {
  readonly interfaces: readonly PlannedInterface[];
  readonly vips: readonly PlannedVip[];
  /** Length of the lease in milliseconds; counted in the kernel's whole ticks, downward. */
  readonly leaseMilliseconds: number;
  /**
   * For how long after the election renewed a lease last the kernel may prolong it by itself during
   * long work, milliseconds. Then the dead time of this node is over one lease later at the latest.
   */
  readonly keepMilliseconds: number;
}

/** Something the plan asked for that the machine could not give. */
export interface PlanProblem {
  readonly code: 'no-device' | 'address-refused' | 'wrong-prefix' | 'unsupported' | 'vip-refused';
  readonly device: string;
  /** One line for people: what was asked, what was found. */
  readonly text: string;
}

export interface LinkState {
  readonly device: string;
  /** False when there is no such device. */
  readonly present: boolean;
  /** True when the device is up and has carrier. */
  readonly carrier: boolean;
  /** Real addresses now on the device (link-local ones included), canonical text with prefix. */
  readonly addresses: readonly Cidr[];
  /** Ethernet address as text, undefined when there is no device. */
  readonly mac: string | undefined;
}

export type KernelEvent =
  /** A frame of protocol 112 arrived; `bytes` are valid until the next wait. */
  | { readonly kind: 'frame'; readonly device: string; readonly bytes: Uint8Array }
  /**
   * A UDP datagram to port 7112 arrived on the device; `bytes` are valid until the next wait.
   * `source`: IP address of the sender.
   */
  | {
      readonly kind: 'datagram';
      readonly device: string;
      readonly source: string;
      readonly bytes: Uint8Array;
    }
  /** Carrier, presence or addresses of a planned device changed; also once after each apply. */
  | { readonly kind: 'link'; readonly link: LinkState }
  /** Somebody else changed what we own (lease table, a macvlan): apply the plan again. */
  | { readonly kind: 'damaged'; readonly text: string }
  /** The main thread posted a message. */
  | { readonly kind: 'message'; readonly message: unknown }
  /** Frames are left that arrived before this wait returned: the next one brings them. */
  | { readonly kind: 'more' };

export interface Kernel {
  /** CLOCK_MONOTONIC in whole microseconds. */
  now(): number;

  /**
   * When the last wait began to read: all that had arrived by then was returned, or announced as
   * `more`. What follows from silence must be judged as of this moment: the machine may have stood
   * still since, and more have arrived.
   */
  readonly readAt: number;

  /** Cryptographically strong random bytes. */
  random(length: number): Uint8Array;

  /**
   * Makes the machine equal to the plan: macvlans (down, silent), addresses, lease table, sockets.
   * Idempotent; touches nothing that is already right, so VIPs that did not change stay up; removes
   * what an earlier plan or an earlier life of the process left. Returns what could not be done.
   */
  apply(plan: NetworkPlan): readonly PlanProblem[];

  /**
   * Blocks until a frame, a link change or a message arrives or `deadline` (microseconds, as `now`)
   * is reached; without a deadline until something arrives. Reads carrier directly at each return,
   * because the kernel reports it up to 1.5 s late. Returns all that is waiting, oldest
   * first, or says that there is more.
   *
   * A socket that is flooded (a thousand datagrams at once, or more than 2000/s for long) is read
   * only every 2 ms from then on, until it was found empty: it must not cost the node its
   * processor. Such a socket does not count as `more`.
   */
  wait(deadline: number | undefined): readonly KernelEvent[];

  /**
   * Takes the lease of a group and raises the macvlans of these VIPs of it (all when absent) in one
   * go; others of the group that are up are lowered. Not after `before` (microseconds, as `now`).
   * Throws KernelError when the kernel refuses or it is too late; the group is then released.
   */
  claim(
    group: number,
    vips?: readonly Pick<PlannedVip, 'device' | 'vhid'>[],
    before?: number,
  ): void;

  /**
   * Raises the macvlans of these VIPs of a group without a lease, so that they stay silent and a
   * claim that follows costs next to nothing; lowered again when none follows within two seconds.
   * What cannot be raised is left for the claim to report.
   */
  prepare(group: number, vips: readonly Pick<PlannedVip, 'device' | 'vhid'>[]): void;

  /**
   * Prolongs the lease by its full length. False when it had lapsed, or `before` (microseconds, as
   * `now`) is past: nothing was prolonged.
   */
  renew(group: number, before?: number): boolean;

  /**
   * Gives the lease up, and with it every use of the VIPs, at once. The macvlans are lowered in the
   * following waits, because that takes the kernel longer. Safe to call when nothing is held.
   */
  release(group: number): void;

  /**
   * Stops answering for the VIPs of a group at once (ARP, ND, advertisements: as after `release`),
   * but goes on receiving and forwarding what others still send to their virtual MACs, for at most
   * `microseconds`; the macvlans are lowered after that. For a handover: the peer takes the lease
   * meanwhile. Without a held lease it is a release.
   */
  linger(group: number, microseconds: number): void;

  /**
   * Sends a UDP datagram from port 7112 of a planned device, and only from that device, to port
   * 7112 of `destination` (IP address). False when the kernel refused.
   */
  sendDatagram(device: string, destination: string, bytes: Uint8Array): boolean;

  /** Frames the device has received since it exists, from anybody; 0 when there is none. */
  receivedFrames(device: string): number;

  /** Sends a frame from a planned device. False when the kernel refused (link down, no buffers). */
  transmit(device: string, frame: Uint8Array): boolean;

  /** Sends a frame from the macvlan of a VIP; only a held lease lets it out. */
  transmitFromVip(device: string, vhid: number, frame: Uint8Array): boolean;

  /** True when the machine forwards packets of the family between interfaces. */
  forwards(family: 4 | 6): boolean;

  /**
   * The MAC address of a host on the segment, from the kernel's neighbour table. Undefined while
   * the kernel does not know it; the call then makes it ask, so that a later one can answer.
   */
  neighbour(device: string, address: string): string | undefined;

  /** Removes everything this process owns: macvlans, lease table, sockets. For a clean stop. */
  retire(): void;
}
