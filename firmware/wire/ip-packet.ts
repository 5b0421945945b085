/**
 * The parts of IPv4 (RFC 791) and IPv6 (RFC 8200) headers that protocol 112 and address claims
 * need.
 *
 *     IPv4
 *      0        1     2              4    6               8     9          10         12       16
 *     +--------+-----+--------------+----+---------------+-----+----------+----------+--------+---
 *     | 4, IHL | TOS | total length | id | flags, offset | TTL | protocol | checksum | source | d.
 *     +--------+-----+--------------+----+---------------+-----+----------+----------+--------+---
 *
 *     IPv6
 *      0                              4                6             7           8        24
 *     +------------------------------+----------------+-------------+-----------+--------+------
 *     | 6, traffic class, flow label | payload length | next header | hop limit | source | dest.
 *     +------------------------------+----------------+-------------+-----------+--------+------
 *
 * Decoding honours the IHL and skips IPv4 options; encoding never writes any. IPv6 extension
 * headers are not followed: neither CARP nor a neighbour advertisement has one.
 */
import { byteView } from './byte-view.ts';
import { internetChecksum, onesComplementSum } from './internet-checksum.ts';
import { formatIpAddress, ipAddressBytes } from './ip-address.ts';

const V4_TOS = 1;
const V4_TOTAL_LENGTH = 2;
const V4_IDENTIFICATION = 4;
const V4_FLAGS = 6;
const V4_TTL = 8;
const V4_PROTOCOL = 9;
const V4_CHECKSUM = 10;
const V4_SOURCE = 12;
const V4_DESTINATION = 16;
const V6_PAYLOAD_LENGTH = 4;
const V6_NEXT_HEADER = 6;
const V6_HOP_LIMIT = 7;
const V6_SOURCE = 8;
const V6_DESTINATION = 24;

/** Length of an IPv4 header without options, bytes. */
export const IPV4_HEADER_BYTES = 20;
/** Length of the fixed IPv6 header, bytes. */
export const IPV6_HEADER_BYTES = 40;

/** The don't-fragment bit in `Ipv4Header.flags`. */
export const DONT_FRAGMENT = 0b010;
/** The more-fragments bit in `Ipv4Header.flags`. */
export const MORE_FRAGMENTS = 0b001;

export interface Ipv4Header {
  readonly family: 4;
  /** Type of service: DSCP and ECN, 0..255. */
  readonly trafficClass: number;
  /** 0..65535. */
  readonly identification: number;
  /** Three bits: reserved, DONT_FRAGMENT, MORE_FRAGMENTS. */
  readonly flags: number;
  /** In units of 8 bytes, 0..8191. */
  readonly fragmentOffset: number;
  /** Time to live, 0..255. */
  readonly hopLimit: number;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
}

export interface Ipv6Header {
  readonly family: 6;
  readonly trafficClass: number;
  /** 20 bits. */
  readonly flowLabel: number;
  readonly hopLimit: number;
  /** The next header field. */
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
}

export type IpHeader = Ipv4Header | Ipv6Header;

/**
 * A packet taken apart, or why it cannot be: `short` when it ends before the length it states,
 * `ip-header` when the header contradicts itself or its checksum. `payload` is a view into the
 * packet, without padding.
 */
export type IpPacketDecoding =
  | { readonly ok: true; readonly header: IpHeader; readonly payload: Uint8Array }
  | { readonly ok: false; readonly refusal: 'short' | 'ip-header' };

/**
 * Takes apart the packet an Ethernet frame of the given family carries; bytes behind it are
 * padding.
 */
export function decodeIpPacket(packet: Uint8Array, family: 4 | 6): IpPacketDecoding {
  return family === 4 ? decodeIpv4Packet(packet) : decodeIpv6Packet(packet);
}

function decodeIpv4Packet(packet: Uint8Array): IpPacketDecoding {
  if (packet.length < IPV4_HEADER_BYTES) {
    return { ok: false, refusal: 'short' };
  }
  const view = byteView(packet);
  const headerBytes = (view.getUint8(0) & 0x0f) * 4;
  const totalBytes = view.getUint16(V4_TOTAL_LENGTH);
  if (view.getUint8(0) >> 4 !== 4 || headerBytes < IPV4_HEADER_BYTES || totalBytes < headerBytes) {
    return { ok: false, refusal: 'ip-header' };
  }
  if (packet.length < totalBytes) {
    return { ok: false, refusal: 'short' };
  }
  if (internetChecksum(packet.subarray(0, headerBytes)) !== 0) {
    return { ok: false, refusal: 'ip-header' };
  }
  const header: Ipv4Header = {
    family: 4,
    trafficClass: view.getUint8(V4_TOS),
    identification: view.getUint16(V4_IDENTIFICATION),
    flags: view.getUint8(V4_FLAGS) >> 5,
    fragmentOffset: view.getUint16(V4_FLAGS) & 0x1fff,
    hopLimit: view.getUint8(V4_TTL),
    protocol: view.getUint8(V4_PROTOCOL),
    source: formatIpAddress(packet.subarray(V4_SOURCE, V4_DESTINATION)),
    destination: formatIpAddress(packet.subarray(V4_DESTINATION, IPV4_HEADER_BYTES)),
  };
  return { ok: true, header, payload: packet.subarray(headerBytes, totalBytes) };
}

function decodeIpv6Packet(packet: Uint8Array): IpPacketDecoding {
  if (packet.length < IPV6_HEADER_BYTES) {
    return { ok: false, refusal: 'short' };
  }
  const view = byteView(packet);
  if (view.getUint8(0) >> 4 !== 6) {
    return { ok: false, refusal: 'ip-header' };
  }
  const totalBytes = IPV6_HEADER_BYTES + view.getUint16(V6_PAYLOAD_LENGTH);
  if (packet.length < totalBytes) {
    return { ok: false, refusal: 'short' };
  }
  const header: Ipv6Header = {
    family: 6,
    trafficClass: (view.getUint16(0) >> 4) & 0xff,
    flowLabel: view.getUint32(0) & 0xfffff,
    hopLimit: view.getUint8(V6_HOP_LIMIT),
    protocol: view.getUint8(V6_NEXT_HEADER),
    source: formatIpAddress(packet.subarray(V6_SOURCE, V6_DESTINATION)),
    destination: formatIpAddress(packet.subarray(V6_DESTINATION, IPV6_HEADER_BYTES)),
  };
  return { ok: true, header, payload: packet.subarray(IPV6_HEADER_BYTES, totalBytes) };
}

/** Length of the header `encodeIpHeader` writes for a family, bytes. */
export function ipHeaderBytes(family: 4 | 6): number {
  return family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

/** Writes the header of a packet whose payload has `payloadBytes` bytes to the start of `out`. */
export function encodeIpHeader(header: IpHeader, payloadBytes: number, out: Uint8Array): void {
  if (header.family === 4) {
    encodeIpv4Header(header, payloadBytes, out);
  } else {
    encodeIpv6Header(header, payloadBytes, out);
  }
}

function encodeIpv4Header(header: Ipv4Header, payloadBytes: number, out: Uint8Array): void {
  const view = byteView(out);
  view.setUint8(0, 0x45);
  view.setUint8(V4_TOS, header.trafficClass);
  view.setUint16(V4_TOTAL_LENGTH, IPV4_HEADER_BYTES + payloadBytes);
  view.setUint16(V4_IDENTIFICATION, header.identification);
  view.setUint16(V4_FLAGS, (header.flags << 13) | header.fragmentOffset);
  view.setUint8(V4_TTL, header.hopLimit);
  view.setUint8(V4_PROTOCOL, header.protocol);
  view.setUint16(V4_CHECKSUM, 0);
  out.set(ipAddressBytes(header.source), V4_SOURCE);
  out.set(ipAddressBytes(header.destination), V4_DESTINATION);
  view.setUint16(V4_CHECKSUM, internetChecksum(out.subarray(0, IPV4_HEADER_BYTES)));
}

function encodeIpv6Header(header: Ipv6Header, payloadBytes: number, out: Uint8Array): void {
  const view = byteView(out);
  view.setUint16(0, 0x6000 | (header.trafficClass << 4) | (header.flowLabel >> 16));
  view.setUint16(2, header.flowLabel & 0xffff);
  view.setUint16(V6_PAYLOAD_LENGTH, payloadBytes);
  view.setUint8(V6_NEXT_HEADER, header.protocol);
  view.setUint8(V6_HOP_LIMIT, header.hopLimit);
  out.set(ipAddressBytes(header.source), V6_SOURCE);
  out.set(ipAddressBytes(header.destination), V6_DESTINATION);
}

/**
 * Sum of the pseudo header (RFC 768 for IPv4, RFC 8200 8.1 for IPv6) that ICMPv6 and VRRPv3 put
 * before their own bytes; the initial value for `internetChecksum`.
 */
export function pseudoHeaderSum(
  header: Pick<IpHeader, 'source' | 'destination' | 'protocol'>,
  payloadBytes: number,
): number {
  const addresses = onesComplementSum(
    ipAddressBytes(header.destination),
    onesComplementSum(ipAddressBytes(header.source)),
  );
  return addresses + header.protocol + payloadBytes;
}
