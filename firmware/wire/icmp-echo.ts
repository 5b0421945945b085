/**
 * ICMP echo of both families (RFC 792, RFC 4443 4.1): type, code, checksum, identifier, sequence
 * number, and as data a token that only who has seen the request can return.
 */
import { byteView } from './byte-view.ts';
import { internetChecksum } from './internet-checksum.ts';
import type { IpFamily } from './ip-address.ts';

export interface EchoMessage {
  /** 16 bits: which asker. */
  readonly identifier: number;
  /** 16 bits: which request of it. */
  readonly sequence: number;
  readonly token: Uint8Array;
}

export const ECHO_TOKEN_BYTES = 8;

/** Types of both families. */
export const echoTypes = {
  4: { request: 8, reply: 0 },
  6: { request: 128, reply: 129 },
} as const;

const HEADER_BYTES = 8;
const LEAST_IPV4_HEADER = 20;

/** Of ICMPv6 the kernel fills in the checksum: it covers addresses that only it knows. */
export function encodeEchoRequest(
  family: IpFamily,
  { identifier, sequence, token }: EchoMessage,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + ECHO_TOKEN_BYTES);
  const view = byteView(bytes);
  bytes[0] = echoTypes[family].request;
  view.setUint16(4, identifier);
  view.setUint16(6, sequence);
  bytes.set(token.subarray(0, ECHO_TOKEN_BYTES), HEADER_BYTES);
  if (family === 4) view.setUint16(2, internetChecksum(bytes));
  return bytes;
}

/**
 * What a raw socket received: with the IPv4 header in front, without that of IPv6. Undefined for
 * what is no echo reply, or cut. Checksums are not looked at: the kernel checks those of ICMPv6,
 * and of ICMP the token tells.
 */
export function decodeEchoReply(family: IpFamily, packet: Uint8Array): EchoMessage | undefined {
  const start = family === 6 ? 0 : ((packet[0] ?? 0) & 0x0f) * 4;
  if (family === 4 && start < LEAST_IPV4_HEADER) return undefined;
  const bytes = packet.subarray(start);
  if (bytes.length < HEADER_BYTES + ECHO_TOKEN_BYTES) return undefined;
  if (bytes[0] !== echoTypes[family].reply || bytes[1] !== 0) return undefined;
  const view = byteView(bytes);
  return {
    identifier: view.getUint16(4),
    sequence: view.getUint16(6),
    token: bytes.slice(HEADER_BYTES, HEADER_BYTES + ECHO_TOKEN_BYTES),
  };
}
