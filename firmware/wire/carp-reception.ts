/**
 * The receive pipeline: from a frame off the cable to an advertisement the election may believe, or
 * to the one reason why not. A pure function; the caller counts refusals and raises alerts from
 * their details.
 *
 * Order, each step trusting those before it:
 *   1. whole frame, protocol 112, sound IP header, unfragmented      short, not-carp, ip-header
 *   2. not from one of our own addresses (a layer-2 loop)            own-source
 *   3. CARP version 2, or a VRRP neighbour                           version, vrrp2, vrrp3, short
 *   4. checksum over the 36 bytes                                    checksum
 *   5. not a counter we sent ourselves (a loop with changed source)  own-counter
 *   6. TTL 255 when sent to a multicast group                        ttl
 *   7. a VHID of this interface                                      unknown-vhid
 *   8. sent to the CARP group, or to us by the unicast peer          destination, not-peer
 *   9. digest, either form                                           digest
 *
 * Ethernet addresses are not checked: a firewall between the peers may rewrite the destination,
 * ucarp sends from another virtual MAC, FreeBSD sends unicast from its NIC's.
 *
 * CARP and VRRPv2 share the first byte, the place of the checksum and the way to compute it. A
 * frame of a known VHID whose digest is right is CARP, whatever else it looks like. Of the others,
 * one that has VRRPv2's shape and checksum is a VRRP neighbour, unless it has CARP's own shape:
 * exactly 36 bytes with 7 in byte 3. That would be VRRPv2 with seven addresses and no
 * authentication data, which RFC 3768 does not allow.
 */
import {
  CARP_AUTHLEN,
  CARP_BYTES,
  CARP_VERSION,
  type CarpAdvertisement,
  carpVersion,
  decodeCarpAdvertisement,
} from './carp-advertisement.ts';
import { type CarpDigestForm, verifyCarpDigest } from './carp-digest.ts';
import {
  CARP_GROUPS,
  CARP_HOP_LIMIT,
  openProtocol112,
  type Protocol112Opening,
} from './carp-frame.ts';
import { isVirtualMac } from './ethernet-frame.ts';
import { type IpFamily, ipFamily, isMulticast } from './ip-address.ts';
import type { IpHeader } from './ip-packet.ts';
import { decodeVrrpAdvertisement, type VrrpAdvertisement } from './vrrp-advertisement.ts';

/** Every reason to refuse a frame; one counter each. */
export const carpRefusals = [
  'short',
  'not-carp',
  'ip-header',
  'own-source',
  'vrrp2',
  'vrrp3',
  'version',
  'checksum',
  'own-counter',
  'ttl',
  'unknown-vhid',
  'destination',
  'not-peer',
  'digest',
] as const;

/** One of `carpRefusals`. */
export type CarpRefusalReason = (typeof carpRefusals)[number];

/** An advertisement that passed. */
export interface ReceivedCarp {
  readonly vhid: number;
  /** The family it came by; each has its own master-down timer in the BSDs. */
  readonly family: IpFamily;
  readonly source: string;
  readonly sourceMac: string;
  /** As a MASTER sends it; who claims the place or leaves it sends from its own MAC. */
  readonly fromVirtualMac: boolean;
  /** Seconds, 0..255. */
  readonly advbase: number;
  /** 1/256 s, 0..255. */
  readonly advskew: number;
  /** OpenBSD's demotion, 0..255. */
  readonly demote: number;
  readonly counter: bigint;
  readonly digestForm: CarpDigestForm;
}

/** Who sent a refused frame. */
interface Sender {
  readonly source: string;
  readonly sourceMac: string;
}

export type CarpRefusal =
  | { readonly ok: false; readonly refusal: 'short' | 'not-carp' | 'ip-header' }
  | ({ readonly ok: false; readonly refusal: 'own-source' | 'version' | 'checksum' } & Sender)
  | ({
      readonly ok: false;
      readonly refusal:
        | 'own-counter'
        | 'ttl'
        | 'unknown-vhid'
        | 'destination'
        | 'not-peer'
        | 'digest';
      readonly vhid: number;
      readonly hopLimit: number;
      readonly destination: string;
    } & Sender)
  | ({
      readonly ok: false;
      readonly refusal: 'vrrp2' | 'vrrp3';
      readonly vrid: number;
      readonly priority: number;
    } & Sender);

export type CarpVerdict = { readonly ok: true; readonly advertisement: ReceivedCarp } | CarpRefusal;

/** What a node has configured for one VHID of the interface. */
export interface CarpGroup {
  readonly password: Uint8Array;
  /** All VIPs, canonical. */
  readonly addresses: readonly string[];
  /** Unicast peers, at most one per family; a family without one uses multicast. */
  readonly peers: readonly string[];
}

/** What the receiving interface knows at this moment. */
export interface CarpScene {
  /** The node's own addresses on the interface (not VIPs), canonical. */
  readonly ownAddresses: ReadonlySet<string>;
  /** The VHIDs of the interface; a ReadonlyMap will do. */
  readonly groups: { get(vhid: number): CarpGroup | undefined };
  /** Whether we sent this counter for this VHID a short while ago. */
  isRecentCounter(vhid: number, counter: bigint): boolean;
}

type Opened = Extract<Protocol112Opening, { ok: true }>;

/** Judges one frame. Never throws, whatever the frame; never keeps a reference to it. */
export function receiveCarp(frame: Uint8Array, scene: CarpScene): CarpVerdict {
  const opened = openProtocol112(frame);
  if (!opened.ok) {
    return opened;
  }
  const sender = { source: opened.ip.source, sourceMac: opened.sourceMac };
  if (scene.ownAddresses.has(opened.ip.source)) {
    return { ok: false, refusal: 'own-source', ...sender };
  }
  const verdict = judgePayload(opened, scene);
  const vrrp = verdict.ok ? undefined : vrrpNeighbour(opened);
  if (vrrp === undefined) {
    return verdict;
  }
  const refusal = vrrp.version === 2 ? 'vrrp2' : 'vrrp3';
  return { ok: false, refusal, vrid: vrrp.vrid, priority: vrrp.priority, ...sender };
}

/** The VRRP advertisement a refused payload turns out to be, if it does. */
function vrrpNeighbour({ payload, ip }: Opened): VrrpAdvertisement | undefined {
  const vrrp = decodeVrrpAdvertisement(payload, ip);
  if (vrrp === undefined || vrrp.version === 3 || payload.length < CARP_BYTES) {
    return vrrp;
  }
  const hasCarpShape = payload.length === CARP_BYTES && vrrp.count === CARP_AUTHLEN;
  return vrrp.checksumRight && !hasCarpShape ? vrrp : undefined;
}

function judgePayload(opened: Opened, scene: CarpScene): CarpVerdict {
  const { payload, ip, sourceMac } = opened;
  const sender = { source: ip.source, sourceMac };
  if (payload.length > 0 && carpVersion(payload) !== CARP_VERSION) {
    return { ok: false, refusal: 'version', ...sender };
  }
  if (payload.length < CARP_BYTES) {
    return { ok: false, refusal: 'short' };
  }
  const advertisement = decodeCarpAdvertisement(payload);
  if (advertisement === undefined) {
    return { ok: false, refusal: 'checksum', ...sender };
  }
  return judgeAdvertisement(advertisement, opened, scene);
}

function judgeAdvertisement(
  advertisement: CarpAdvertisement,
  { ip, sourceMac }: Opened,
  scene: CarpScene,
): CarpVerdict {
  const { vhid, counter, advbase, advskew, demote, digest } = advertisement;
  const { family, source, destination, hopLimit } = ip;
  const refuse = (refusal: JudgedRefusal): CarpRefusal => {
    return { ok: false, refusal, source, sourceMac, vhid, hopLimit, destination };
  };
  if (scene.isRecentCounter(vhid, counter)) {
    return refuse('own-counter');
  }
  if (isMulticast(destination) && hopLimit !== CARP_HOP_LIMIT) {
    return refuse('ttl');
  }
  const group = scene.groups.get(vhid);
  if (group === undefined) {
    return refuse('unknown-vhid');
  }
  const misdirected = misdirection(ip, group, scene.ownAddresses);
  if (misdirected !== undefined) {
    return refuse(misdirected);
  }
  const { password, addresses } = group;
  const digestForm = verifyCarpDigest({ password, vhid, addresses, counter, digest });
  if (digestForm === undefined) {
    return refuse('digest');
  }
  return {
    ok: true,
    advertisement: {
      vhid,
      family,
      source,
      sourceMac,
      fromVirtualMac: isVirtualMac(sourceMac),
      advbase,
      advskew,
      demote,
      counter,
      digestForm,
    },
  };
}

type JudgedRefusal = Extract<CarpRefusal, { vhid: number }>['refusal'];

/**
 * Multicast mode takes the CARP group only. Unicast mode takes the peer only: what it sends to us,
 * and what it sends to the group, because the other end may not have been switched to unicast yet.
 * Its TTL is not checked in the first case, as in FreeBSD: the peer may be a hop away.
 */
function misdirection(
  ip: IpHeader,
  group: CarpGroup,
  ownAddresses: ReadonlySet<string>,
): 'destination' | 'not-peer' | undefined {
  const toGroup = ip.destination === CARP_GROUPS[ip.family];
  const peer = group.peers.find((address) => ipFamily(address) === ip.family);
  if (peer === undefined) {
    return toGroup ? undefined : 'destination';
  }
  if (ip.source !== peer) {
    return 'not-peer';
  }
  return toGroup || ownAddresses.has(ip.destination) ? undefined : 'destination';
}
