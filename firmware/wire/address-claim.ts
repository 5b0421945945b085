/**
 * The frames by which a new MASTER claims its VIPs: gratuitous ARP and unsolicited neighbour
 * advertisement.
 *
 *     ARP (RFC 826), behind the Ethernet header, offsets from 14
 *      0        2      4   5   6        8            14          18           24          28
 *     +--------+------+---+---+--------+------------+-----------+------------+-----------+
 *     | 0x0001 | IPv4 | 6 | 4 | opcode | sender MAC | sender IP | target MAC | target IP |
 *     +--------+------+---+---+--------+------------+-----------+------------+-----------+
 *
 *     Neighbour advertisement (RFC 4861 4.4), behind the IPv6 header, offsets from 54
 *      0     1   2          4                 8        24  25  26                   32
 *     +-----+---+----------+-----------------+--------+---+---+--------------------+
 *     | 136 | 0 | checksum | R S O, reserved | target | 2 | 1 | link-layer address |
 *     +-----+---+----------+-----------------+--------+---+---+--------------------+
 *
 * All come from the virtual MAC, in the Ethernet header too, so that switches move the port and
 * hosts the cache entry by the same frame. An ARP request reaches hosts that ignore replies they
 * did not ask for and the reply those that ignore gratuitous requests; one of each is sent. Both
 * name the VIP as sender and target; the target MAC is zero in a request (RFC 5227 2.3) and the
 * claimed one in a reply (RFC 5944 4.6).
 */
import { byteView } from './byte-view.ts';
import {
  BROADCAST_MAC,
  decodeEthernetHeader,
  ETHERNET_HEADER_BYTES,
  encodeEthernetHeader,
  ethertypes,
  formatMac,
  MAC_BYTES,
  macBytes,
  multicastMac,
} from './ethernet-frame.ts';
import { internetChecksum } from './internet-checksum.ts';
import { formatIpAddress, ipAddressBytes } from './ip-address.ts';
import {
  decodeIpPacket,
  encodeIpHeader,
  IPV6_HEADER_BYTES,
  type Ipv6Header,
  pseudoHeaderSum,
} from './ip-packet.ts';

const ARP_SENDER_MAC = 8;
const ARP_SENDER_IP = 14;
const ARP_TARGET_MAC = 18;
const ARP_TARGET_IP = 24;
const ARP_BYTES = 28;
const ARP_OPCODE = 6;
/** Ethernet, IPv4, address lengths 6 and 4. */
const ARP_PREAMBLE = [0x00, 0x01, 0x08, 0x00, 6, 4] as const;
const arpOpcodes = { 'arp-request': 1, 'arp-reply': 2 } as const;

const NA_CHECKSUM = 2;
const NA_FLAGS = 4;
const NA_TARGET = 8;
const NA_OPTION = 24;
const NA_LINK_LAYER = 26;
const NA_BYTES = 32;
const NA_TYPE = 136;
const NA_ROUTER = 0x8000_0000;
const NA_OVERRIDE = 0x2000_0000;
/** Target link-layer address option, one unit of 8 bytes (RFC 4861 4.6.1). */
const TARGET_LINK_LAYER_OPTION = [2, 1] as const;
const ICMPV6 = 58;
/** RFC 4861 7.1.2: receivers drop neighbour discovery with any other hop limit. */
const HOP_LIMIT = 255;
const ALL_NODES = 'ff02::1';

/** Lengths of the encoded frames, bytes. */
export const ARP_CLAIM_BYTES = ETHERNET_HEADER_BYTES + ARP_BYTES;
export const NEIGHBOUR_CLAIM_BYTES = ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + NA_BYTES;

export type AddressClaim =
  | {
      readonly kind: 'arp-request' | 'arp-reply';
      /** The claimed address, IPv4. */
      readonly address: string;
      /** The virtual MAC. */
      readonly mac: string;
    }
  | {
      readonly kind: 'neighbour-advertisement';
      /** The claimed address, IPv6. */
      readonly address: string;
      readonly mac: string;
      /**
       * The R flag: hosts drop a default router that announces itself without it. True when
       * forwarding.
       */
      readonly router: boolean;
    };

/** Writes the frame of a claim to the start of `out` and returns that part of it. */
export function encodeAddressClaim(claim: AddressClaim, out?: Uint8Array): Uint8Array {
  return claim.kind === 'neighbour-advertisement'
    ? encodeNeighbourClaim(claim, out)
    : encodeArpClaim(claim, out);
}

/**
 * The claim in a frame, or `undefined` when the frame is not exactly what `encodeAddressClaim`
 * writes.
 */
export function decodeAddressClaim(frame: Uint8Array): AddressClaim | undefined {
  const ethernet = decodeEthernetHeader(frame);
  const body = frame.subarray(ETHERNET_HEADER_BYTES);
  const claim =
    ethernet?.ethertype === ethertypes.arp
      ? decodeArpClaim(body)
      : ethernet?.ethertype === ethertypes.ipv6
        ? decodeNeighbourClaim(body)
        : undefined;
  return claim?.mac === ethernet?.source ? claim : undefined;
}

function encodeArpClaim(
  claim: Extract<AddressClaim, { kind: 'arp-request' | 'arp-reply' }>,
  out: Uint8Array = new Uint8Array(ARP_CLAIM_BYTES),
): Uint8Array {
  const { kind, mac } = claim;
  const address = ipAddressBytes(claim.address);
  encodeEthernetHeader({ destination: BROADCAST_MAC, source: mac, ethertype: ethertypes.arp }, out);
  const arp = out.subarray(ETHERNET_HEADER_BYTES, ARP_CLAIM_BYTES);
  arp.fill(0);
  arp.set(ARP_PREAMBLE);
  byteView(arp).setUint16(ARP_OPCODE, arpOpcodes[kind]);
  arp.set(macBytes(mac), ARP_SENDER_MAC);
  arp.set(address, ARP_SENDER_IP);
  if (kind === 'arp-reply') {
    arp.set(macBytes(mac), ARP_TARGET_MAC);
  }
  arp.set(address, ARP_TARGET_IP);
  return out.subarray(0, ARP_CLAIM_BYTES);
}

function decodeArpClaim(body: Uint8Array): AddressClaim | undefined {
  const arp = body.subarray(0, ARP_BYTES);
  if (arp.length < ARP_BYTES || !ARP_PREAMBLE.every((byte, index) => arp[index] === byte)) {
    return undefined;
  }
  const opcode = byteView(arp).getUint16(ARP_OPCODE);
  const address = formatIpAddress(arp.subarray(ARP_SENDER_IP, ARP_TARGET_MAC));
  if (address !== formatIpAddress(arp.subarray(ARP_TARGET_IP)) || (opcode !== 1 && opcode !== 2)) {
    return undefined;
  }
  const kind = opcode === arpOpcodes['arp-request'] ? 'arp-request' : 'arp-reply';
  return { kind, address, mac: formatMac(arp.subarray(ARP_SENDER_MAC)) };
}

function encodeNeighbourClaim(
  claim: Extract<AddressClaim, { kind: 'neighbour-advertisement' }>,
  out: Uint8Array = new Uint8Array(NEIGHBOUR_CLAIM_BYTES),
): Uint8Array {
  const destination = multicastMac(ALL_NODES);
  encodeEthernetHeader({ destination, source: claim.mac, ethertype: ethertypes.ipv6 }, out);
  const ip: Ipv6Header = {
    family: 6,
    trafficClass: 0,
    flowLabel: 0,
    hopLimit: HOP_LIMIT,
    protocol: ICMPV6,
    source: claim.address,
    destination: ALL_NODES,
  };
  encodeIpHeader(ip, NA_BYTES, out.subarray(ETHERNET_HEADER_BYTES));
  const message = out.subarray(ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES, NEIGHBOUR_CLAIM_BYTES);
  message.fill(0);
  message[0] = NA_TYPE;
  const view = byteView(message);
  view.setUint32(NA_FLAGS, NA_OVERRIDE + (claim.router ? NA_ROUTER : 0));
  message.set(ipAddressBytes(claim.address), NA_TARGET);
  message.set(TARGET_LINK_LAYER_OPTION, NA_OPTION);
  message.set(macBytes(claim.mac), NA_LINK_LAYER);
  view.setUint16(NA_CHECKSUM, internetChecksum(message, pseudoHeaderSum(ip, NA_BYTES)));
  return out.subarray(0, NEIGHBOUR_CLAIM_BYTES);
}

function decodeNeighbourClaim(body: Uint8Array): AddressClaim | undefined {
  const packet = decodeIpPacket(body, 6);
  if (!packet.ok || packet.header.protocol !== ICMPV6 || packet.header.hopLimit !== HOP_LIMIT) {
    return undefined;
  }
  const { header, payload } = packet;
  if (payload.length !== NA_BYTES || payload[0] !== NA_TYPE || payload[1] !== 0) {
    return undefined;
  }
  const view = byteView(payload);
  const address = formatIpAddress(payload.subarray(NA_TARGET, NA_OPTION));
  const router = view.getUint32(NA_FLAGS) === NA_OVERRIDE + NA_ROUTER;
  const sound =
    internetChecksum(payload, pseudoHeaderSum(header, NA_BYTES)) === 0 &&
    (router || view.getUint32(NA_FLAGS) === NA_OVERRIDE) &&
    TARGET_LINK_LAYER_OPTION.every((byte, index) => payload[NA_OPTION + index] === byte) &&
    header.source === address &&
    header.destination === ALL_NODES;
  const mac = formatMac(payload.subarray(NA_LINK_LAYER, NA_LINK_LAYER + MAC_BYTES));
  return sound ? { kind: 'neighbour-advertisement', address, mac, router } : undefined;
}
