/**
 * Datagrams of the pair (UDP port 7112) as the frames they travel in on a simulated segment, so
 * that what befalls frames befalls them.
 */
import { ETHERNET_HEADER_BYTES, encodeEthernetHeader } from '../../firmware/wire/ethernet-frame.ts';
import { internetChecksum } from '../../firmware/wire/internet-checksum.ts';
import { formatIpAddress, ipFamily } from '../../firmware/wire/ip-address.ts';
import {
  encodeIpHeader,
  type IpHeader,
  ipHeaderBytes,
  pseudoHeaderSum,
} from '../../firmware/wire/ip-packet.ts';

export const BEAT_PORT = 7112;

export const UDP = 17;
const UDP_HEADER_BYTES = 8;
/** Behind the Ethernet, IPv4 and UDP headers. */
export const BEAT_PAYLOAD = ETHERNET_HEADER_BYTES + ipHeaderBytes(4) + UDP_HEADER_BYTES;
const HOP_LIMIT = 64;
const V4_PROTOCOL = ETHERNET_HEADER_BYTES + 9;
const V6_NEXT_HEADER = ETHERNET_HEADER_BYTES + 6;
const V4_SOURCE = ETHERNET_HEADER_BYTES + 12;
const V6_SOURCE = ETHERNET_HEADER_BYTES + 8;

export interface FrameEnds {
  readonly sourceMac: string;
  readonly destinationMac: string;
  readonly source: string;
  readonly destination: string;
}

export interface ReceivedDatagram {
  readonly source: string;
  readonly destination: string;
  readonly family: 4 | 6;
  /** A view into the frame. */
  readonly bytes: Uint8Array;
}

export function encodeDatagram(ends: FrameEnds, payload: Uint8Array): Uint8Array {
  const header = headers(ends, payload.length);
  const frame = new Uint8Array(header.length + payload.length);
  frame.set(header);
  frame.set(payload, header.length);
  // IPv4 may leave the checksum out (RFC 768), IPv6 may not (RFC 8200 8.1).
  if (ipFamily(ends.source) === 6) writeChecksum(frame, ends);
  return frame;
}

function headers(ends: FrameEnds, payloadBytes: number): Uint8Array {
  const family = ipFamily(ends.source);
  const udpAt = ETHERNET_HEADER_BYTES + ipHeaderBytes(family);
  const bytes = new Uint8Array(udpAt + UDP_HEADER_BYTES);
  const ethertype = family === 4 ? 0x0800 : 0x86dd;
  encodeEthernetHeader(
    { destination: ends.destinationMac, source: ends.sourceMac, ethertype },
    bytes,
  );
  const udpBytes = UDP_HEADER_BYTES + payloadBytes;
  encodeIpHeader(ipHeader(ends), udpBytes, bytes.subarray(ETHERNET_HEADER_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint16(udpAt, BEAT_PORT);
  view.setUint16(udpAt + 2, BEAT_PORT);
  view.setUint16(udpAt + 4, udpBytes);
  return bytes;
}

function ipHeader({ source, destination }: FrameEnds): IpHeader {
  const addressing = { trafficClass: 0, hopLimit: HOP_LIMIT, protocol: UDP, source, destination };
  if (ipFamily(source) === 6) return { family: 6, flowLabel: 0, ...addressing };
  return { family: 4, identification: 0, flags: 0, fragmentOffset: 0, ...addressing };
}

function writeChecksum(frame: Uint8Array, { source, destination }: FrameEnds): void {
  const udp = frame.subarray(ETHERNET_HEADER_BYTES + ipHeaderBytes(6));
  const sum = pseudoHeaderSum({ source, destination, protocol: UDP }, udp.length);
  const checksum = internetChecksum(udp, sum) || 0xffff;
  new DataView(udp.buffer, udp.byteOffset).setUint16(6, checksum);
}

/** Text of the addresses seen so far, by their four bytes. */
const texts = new Map<number, string>();

function v4Text(frame: Uint8Array, at: number): string {
  const number =
    (frame[at]! << 24) | (frame[at + 1]! << 16) | (frame[at + 2]! << 8) | frame[at + 3]!;
  const known = texts.get(number);
  if (known !== undefined) return known;
  const text = formatIpAddress(frame.subarray(at, at + 4));
  texts.set(number, text);
  return text;
}

export const isIpv4 = (frame: Uint8Array): boolean => frame[12] === 0x08 && frame[13] === 0x00;

/** The IP protocol a frame carries; undefined for ARP and other frames. */
export function frameProtocol(frame: Uint8Array): number | undefined {
  if (isIpv4(frame)) return frame[V4_PROTOCOL];
  if (frame[12] === 0x86 && frame[13] === 0xdd) return frame[V6_NEXT_HEADER];
  return undefined;
}

/** The datagram in a frame; undefined unless it is UDP to the port of the pair. */
export function openDatagram(frame: Uint8Array): ReceivedDatagram | undefined {
  if (frameProtocol(frame) !== UDP) return undefined;
  const isV4 = frame[12] === 0x08;
  const udpAt = ETHERNET_HEADER_BYTES + ipHeaderBytes(isV4 ? 4 : 6);
  const port = (frame[udpAt + 2] ?? 0) * 256 + (frame[udpAt + 3] ?? 0);
  if (port !== BEAT_PORT) return undefined;
  const bytes = frame.subarray(udpAt + UDP_HEADER_BYTES);
  if (isV4) {
    return {
      source: v4Text(frame, V4_SOURCE),
      destination: v4Text(frame, V4_SOURCE + 4),
      family: 4,
      bytes,
    };
  }
  const source = formatIpAddress(frame.subarray(V6_SOURCE, V6_SOURCE + 16));
  const destination = formatIpAddress(frame.subarray(V6_SOURCE + 16, V6_SOURCE + 32));
  return { source, destination, family: 6, bytes };
}
