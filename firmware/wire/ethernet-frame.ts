/**
 * Ethernet II headers (IEEE 802.3 clause 3), the addresses in them, and CARP's virtual MAC.
 *
 *      0                 6                 12          14
 *     +-----------------+-----------------+-----------+---------
 *     | destination MAC | source MAC      | ethertype | payload
 *     +-----------------+-----------------+-----------+---------
 *
 * MAC addresses are canonical text (`00:00:5e:00:01:c8`, lower case) outside the encoders. Frames
 * reach us from the device they belong to, so an 802.1Q tag has been taken off by the kernel; a
 * frame that still has one is for somebody else.
 */
import { ipAddressBytes } from './ip-address.ts';

const DESTINATION = 0;
const SOURCE = 6;
const ETHERTYPE = 12;

/** Length of the header, bytes. */
export const ETHERNET_HEADER_BYTES = 14;
export const MAC_BYTES = 6;
export const BROADCAST_MAC = 'ff:ff:ff:ff:ff:ff';

/** Ethertypes we speak (IANA ieee-802-numbers). */
export const ethertypes = {
  ipv4: 0x0800,
  arp: 0x0806,
  ipv6: 0x86dd,
  /**
   * IEEE 802 local experimental 1: never leaves the machine; renews a lease in the kernel's egress
   * hook.
   */
  leaseRenewal: 0x88b5,
} as const;

const MAC_TEXT_LENGTH = 3 * MAC_BYTES - 1;
const HEX_DIGITS = '0123456789abcdef';
/** Each byte as text. */
const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export interface EthernetHeader {
  readonly destination: string;
  readonly source: string;
  readonly ethertype: number;
}

/**
 * Bytes of a textual MAC address (`:` between the bytes), or `undefined` when the text is not one.
 */
export function parseMac(text: string): Uint8Array | undefined {
  if (text.length !== MAC_TEXT_LENGTH) return undefined;
  const digits = text.toLowerCase();
  const bytes = new Uint8Array(MAC_BYTES);
  for (let index = 0; index < MAC_BYTES; index += 1) {
    const high = HEX_DIGITS.indexOf(digits.charAt(3 * index));
    const low = HEX_DIGITS.indexOf(digits.charAt(3 * index + 1));
    const isLast = index === MAC_BYTES - 1;
    if (high < 0 || low < 0 || (!isLast && digits.charAt(3 * index + 2) !== ':')) return undefined;
    bytes[index] = 16 * high + low;
  }
  return bytes;
}

/** Canonical text of six of `bytes`, from `start` on. */
export function formatMac(bytes: Uint8Array, start = 0): string {
  let text = hexByte(bytes[start]);
  for (let at = start + 1; at < start + MAC_BYTES; at += 1) text += `:${hexByte(bytes[at])}`;
  return text;
}

const hexByte = (byte = 0): string => HEX_BYTES[byte] ?? '';

/**
 * Bytes of a MAC address that has been parsed before. Anything else is a mistake of ours and
 * throws.
 */
export function macBytes(mac: string): Uint8Array {
  const bytes = parseMac(mac);
  if (bytes === undefined) {
    throw new RangeError(`not a MAC address: ${mac}`);
  }
  return bytes;
}

const VIRTUAL_MAC_PREFIX = '00:00:5e:00:01:';

/**
 * The virtual MAC of a VHID (1..255), for IPv4 and IPv6 alike: 00:00:5e:00:01:VHID (IANA's VRRP
 * block).
 */
export function virtualMac(vhid: number): string {
  if (!Number.isInteger(vhid) || vhid < 1 || vhid > 255) {
    throw new RangeError(`a VHID is 1..255, not ${vhid}`);
  }
  return `${VIRTUAL_MAC_PREFIX}${hexByte(vhid)}`;
}

/** True for the virtual MAC of any VHID: some send from that of another one. */
export function isVirtualMac(mac: string): boolean {
  return mac.startsWith(VIRTUAL_MAC_PREFIX);
}

/**
 * The MAC of a multicast group: RFC 1112 6.4 for IPv4 (low 23 bits), RFC 2464 7 for IPv6 (low 32
 * bits).
 */
export function multicastMac(group: string): string {
  const bytes = ipAddressBytes(group);
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(-4);
  return formatMac(
    bytes.length === 4
      ? Uint8Array.of(0x01, 0x00, 0x5e, b & 0x7f, c, d)
      : Uint8Array.of(0x33, 0x33, a, b, c, d),
  );
}

/** The header of a frame, or `undefined` when the frame is shorter than one. */
export function decodeEthernetHeader(frame: Uint8Array): EthernetHeader | undefined {
  if (frame.length < ETHERNET_HEADER_BYTES) {
    return undefined;
  }
  return {
    destination: formatMac(frame, DESTINATION),
    source: formatMac(frame, SOURCE),
    ethertype: ((frame[ETHERTYPE] ?? 0) << 8) | (frame[ETHERTYPE + 1] ?? 0),
  };
}

/** Writes the header to the first 14 bytes of `out`. */
export function encodeEthernetHeader(header: EthernetHeader, out: Uint8Array): void {
  out.set(macBytes(header.destination), DESTINATION);
  out.set(macBytes(header.source), SOURCE);
  out[ETHERTYPE] = header.ethertype >> 8;
  out[ETHERTYPE + 1] = header.ethertype;
}
