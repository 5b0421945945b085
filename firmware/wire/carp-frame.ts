/**
 * A CARP advertisement as it is on the cable: Ethernet, IPv4 or IPv6, then the 36 bytes.
 *
 *            0          14                34 (IPv4), 54 (IPv6)        70 (IPv4), 90 (IPv6)
 *           +----------+-----------------+---------------------------+
 *           | Ethernet | IP, protocol 112| CARP advertisement        |
 *           +----------+-----------------+---------------------------+
 *
 * Sent to 224.0.0.18 or ff02::12 from the virtual MAC, or to one peer's address and MAC. Always
 * above the Ethernet minimum of 60 bytes, so never padded by us.
 */
import {
  CARP_AUTHLEN,
  CARP_BYTES,
  CARP_TYPE,
  type CarpAdvertisement,
  decodeCarpAdvertisement,
  encodeCarpAdvertisement,
} from './carp-advertisement.ts';
import {
  decodeEthernetHeader,
  ETHERNET_HEADER_BYTES,
  encodeEthernetHeader,
  ethertypes,
  multicastMac,
  virtualMac,
} from './ethernet-frame.ts';
import { type IpFamily, ipFamily } from './ip-address.ts';
import {
  DONT_FRAGMENT,
  decodeIpPacket,
  encodeIpHeader,
  type IpHeader,
  ipHeaderBytes,
  MORE_FRAGMENTS,
} from './ip-packet.ts';

/** IP protocol number, shared with VRRP (IANA assigned it to VRRP). */
export const CARP_PROTOCOL = 112;
/** The groups advertisements go to, shared with VRRP. */
export const CARP_GROUPS: Readonly<Record<IpFamily, string>> = { 4: '224.0.0.18', 6: 'ff02::12' };
const GROUP_MACS = { 4: multicastMac(CARP_GROUPS[4]), 6: multicastMac(CARP_GROUPS[6]) } as const;
/**
 * TTL or hop limit; a router would have lowered it, so 255 proves that the sender is on the link.
 */
export const CARP_HOP_LIMIT = 255;
/** DSCP 56 (CS7), as FreeBSD sends. */
const CARP_TRAFFIC_CLASS = 0xe0;

export interface CarpFrame {
  readonly destinationMac: string;
  readonly sourceMac: string;
  /** Protocol is CARP_PROTOCOL. */
  readonly ip: IpHeader;
  readonly advertisement: CarpAdvertisement;
}

/** What varies between the advertisements we send. */
export interface CarpAnnouncement {
  readonly vhid: number;
  readonly advbase: number;
  readonly advskew: number;
  /** 0 unless the peer is an OpenBSD. */
  readonly demote: number;
  readonly counter: bigint;
  readonly digest: Uint8Array;
  /** The sender's own address on the segment, never a VIP; decides the family. */
  readonly source: string;
  /** IPv4 identification, random, 0..65535; IPv6 has none. */
  readonly identification: number;
  /** Unicast: where to. Absent: the multicast group of the family. */
  readonly peer?: { readonly address: string; readonly mac: string };
}

/** The frame that announces: virtual MAC as source, TTL 255, DSCP 56, don't fragment. */
export function carpFrame(announcement: CarpAnnouncement): CarpFrame {
  const family = ipFamily(announcement.source);
  const addressing = {
    trafficClass: CARP_TRAFFIC_CLASS,
    hopLimit: CARP_HOP_LIMIT,
    protocol: CARP_PROTOCOL,
    source: announcement.source,
    destination: announcement.peer?.address ?? CARP_GROUPS[family],
  };
  const { vhid, advbase, advskew, demote, counter, digest, identification } = announcement;
  return {
    destinationMac: announcement.peer?.mac ?? GROUP_MACS[family],
    sourceMac: virtualMac(vhid),
    ip:
      family === 4
        ? { family, identification, flags: DONT_FRAGMENT, fragmentOffset: 0, ...addressing }
        : { family, flowLabel: 0, ...addressing },
    advertisement: {
      type: CARP_TYPE,
      authlen: CARP_AUTHLEN,
      vhid,
      advskew,
      demote,
      advbase,
      counter,
      digest,
    },
  };
}

/** Length of the encoded frame of a family, bytes: 70 or 90. */
export function carpFrameBytes(family: IpFamily): number {
  return ETHERNET_HEADER_BYTES + ipHeaderBytes(family) + CARP_BYTES;
}

/** Writes the frame, all checksums included, to the start of `out` and returns that part of it. */
export function encodeCarpFrame(
  frame: CarpFrame,
  out: Uint8Array = new Uint8Array(carpFrameBytes(frame.ip.family)),
): Uint8Array {
  const { ip } = frame;
  const ethertype = ip.family === 4 ? ethertypes.ipv4 : ethertypes.ipv6;
  encodeEthernetHeader(
    { destination: frame.destinationMac, source: frame.sourceMac, ethertype },
    out,
  );
  encodeIpHeader(ip, CARP_BYTES, out.subarray(ETHERNET_HEADER_BYTES));
  encodeCarpAdvertisement(
    frame.advertisement,
    out.subarray(ETHERNET_HEADER_BYTES + ipHeaderBytes(ip.family)),
  );
  return out.subarray(0, carpFrameBytes(ip.family));
}

/** A frame of protocol 112 opened down to its payload: CARP, VRRP or rubbish. */
export type Protocol112Opening =
  | {
      readonly ok: true;
      readonly destinationMac: string;
      readonly sourceMac: string;
      readonly ip: IpHeader;
      /** A view into the frame. */
      readonly payload: Uint8Array;
    }
  | { readonly ok: false; readonly refusal: 'short' | 'not-carp' | 'ip-header' };

/** Opens a frame; `not-carp` when it is of another protocol, `ip-header` for fragments too. */
export function openProtocol112(frame: Uint8Array): Protocol112Opening {
  const ethernet = decodeEthernetHeader(frame);
  if (ethernet === undefined) {
    return { ok: false, refusal: 'short' };
  }
  const family = familyOfEthertype(ethernet.ethertype);
  if (family === undefined) {
    return { ok: false, refusal: 'not-carp' };
  }
  const packet = decodeIpPacket(frame.subarray(ETHERNET_HEADER_BYTES), family);
  if (!packet.ok) {
    return packet;
  }
  if (packet.header.protocol !== CARP_PROTOCOL) {
    return { ok: false, refusal: 'not-carp' };
  }
  if (isFragment(packet.header)) {
    return { ok: false, refusal: 'ip-header' };
  }
  return {
    ok: true,
    destinationMac: ethernet.destination,
    sourceMac: ethernet.source,
    ip: packet.header,
    payload: packet.payload,
  };
}

/**
 * Reads a frame into the record that encodes to the same bytes; `undefined` unless it is a whole
 * CARP v2 frame with right checksums. What receivers ignore is not in the record and not written
 * again: IPv4 options, bytes behind the 36, Ethernet padding, and 0xffff as the other form of a
 * zero checksum.
 */
export function decodeCarpFrame(frame: Uint8Array): CarpFrame | undefined {
  const opened = openProtocol112(frame);
  if (!opened.ok) {
    return undefined;
  }
  const advertisement = decodeCarpAdvertisement(opened.payload);
  const { destinationMac, sourceMac, ip } = opened;
  return advertisement && { destinationMac, sourceMac, ip, advertisement };
}

function familyOfEthertype(ethertype: number): IpFamily | undefined {
  switch (ethertype) {
    case ethertypes.ipv4:
      return 4;
    case ethertypes.ipv6:
      return 6;
    default:
      return undefined;
  }
}

function isFragment(header: IpHeader): boolean {
  return (
    header.family === 4 && ((header.flags & MORE_FRAGMENTS) !== 0 || header.fragmentOffset !== 0)
  );
}
