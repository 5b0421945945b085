/**
 * rtnetlink (rtnetlink(7), linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h): the links,
 * addresses, local routes and neighbours that VIPs need. Requests are built, answers and events are
 * read; nothing is sent here.
 */
import { byteView } from './byte-view.ts';
import { formatMac, macBytes } from './ethernet-frame.ts';
import {
  type Cidr,
  formatIpAddress,
  type IpFamily,
  ipAddressBytes,
  ipFamily,
} from './ip-address.ts';
import {
  type AttributeMap,
  bytesAttribute,
  decodeAttributes,
  letters,
  type NetlinkAttribute,
  type NetlinkMessage,
  type NetlinkRequest,
  nested,
  netlinkFlags,
  readText,
  readU8,
  readU32,
  text,
  u8,
  u32,
} from './netlink-message.ts';

/** RTM_*. */
export const routeTypes = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  setLink: 19,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  deleteRoute: 25,
  newNeighbour: 28,
  getNeighbour: 30,
} as const;

/** Multicast groups for events (RTNLGRP_*). */
export const routeGroups = { link: 1, ipv4Address: 5, ipv6Address: 9 } as const;

/** Flags of a device (IFF_*, linux/if.h). */
const UP = 0x1;

/** IFLA_*. */
const link = {
  address: 1,
  name: 3,
  parent: 5,
  wireless: 11,
  info: 18,
  alias: 20,
  familyOptions: 26,
  group: 27,
  extensions: 29,
  carrier: 33,
  carrierChanges: 35,
} as const;
/** IFLA_INFO_*, IFLA_MACVLAN_*, IFLA_INET6_*. */
const info = { kind: 1, data: 2 } as const;
const MACVLAN_MODE = 1;
const MACVLAN_BRIDGE = 4;
/**
 * IFLA_MACVLAN_BC_CUTOFF (Linux 6.4; earlier ones pass over it). -1: broadcasts are delivered at
 * once instead of by a worker thread: the first ARP answer after a takeover comes twice as soon.
 */
const MACVLAN_BROADCAST_CUTOFF = 9;
const NEVER_QUEUE = 0xffff_ffff;
const ADDRESS_GENERATION = 8;
const GENERATE_NONE = 1;
/** RTEXT_FILTER_SKIP_STATS: counters are half of a link's answer, and we never look at them. */
const SKIP_STATISTICS = 8;

/** IFA_*. */
const address = { address: 1, local: 2, broadcast: 4, flags: 8 } as const;
/** IFA_F_*. */
const NO_DUPLICATE_DETECTION = 0x02;
const DUPLICATE = 0x08;
const TENTATIVE = 0x40;
const NO_PREFIX_ROUTE = 0x200;

const FAMILY_NUMBERS: Readonly<Record<IpFamily, number>> = { 4: 2, 6: 10 };

const LINK_HEADER_BYTES = 16;
const ADDRESS_HEADER_BYTES = 8;
const NEIGHBOUR_HEADER_BYTES = 12;

// ---- links

/** A link as the kernel describes it. */
export interface LinkRecord {
  readonly index: number;
  readonly name: string;
  readonly mac: string | undefined;
  readonly up: boolean;
  /** The driver's, whether the device is up or not; undefined when the kernel did not say. */
  readonly carrier: boolean | undefined;
  /** How often the carrier has changed since the device exists. */
  readonly carrierChanges: number | undefined;
  /** Index of the device below, as a macvlan or VLAN has one. */
  readonly parent: number | undefined;
  readonly group: number;
  /** `macvlan`, `vlan`, `bridge`; undefined for hardware and whatever has no kind. */
  readonly kind: string | undefined;
  readonly bridgeMode: boolean;
  /** IPv6 makes no link-local address by itself. */
  readonly generatesNoAddress: boolean;
  readonly alias: string | undefined;
}

export interface MacvlanRecord {
  readonly name: string;
  readonly parent: number;
  readonly mac: string;
  readonly group: number;
}

function linkHeader(index: number, flags = 0, change = 0): Uint8Array {
  const header = new Uint8Array(LINK_HEADER_BYTES);
  const view = byteView(header);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return header;
}

const NO_GENERATED_ADDRESS = nested(link.familyOptions, [
  nested(FAMILY_NUMBERS[6], [u8(ADDRESS_GENERATION, GENERATE_NONE)]),
]);

/** A macvlan in bridge mode, down. */
export function createMacvlan(macvlan: MacvlanRecord): NetlinkRequest {
  return {
    type: routeTypes.newLink,
    flags: netlinkFlags.create | netlinkFlags.exclusive,
    header: linkHeader(0),
    attributes: [
      text(link.name, macvlan.name),
      u32(link.parent, macvlan.parent),
      bytesAttribute(link.address, macBytes(macvlan.mac)),
      u32(link.group, macvlan.group),
      nested(link.info, [
        letters(info.kind, 'macvlan'),
        nested(info.data, [
          u32(MACVLAN_MODE, MACVLAN_BRIDGE),
          u32(MACVLAN_BROADCAST_CUTOFF, NEVER_QUEUE),
        ]),
      ]),
    ],
  };
}

/** Gives a link its group, its alias, and the setting that IPv6 makes no address by itself. */
export function markLink(
  index: number,
  { group, alias, ipv6 }: { group: number; alias: string; ipv6: boolean },
): NetlinkRequest {
  const marks: NetlinkAttribute[] = [u32(link.group, group), letters(link.alias, alias)];
  return setLink(linkHeader(index), ipv6 ? [...marks, NO_GENERATED_ADDRESS] : marks);
}

export function setGroup(index: number, group: number): NetlinkRequest {
  return setLink(linkHeader(index), [u32(link.group, group)]);
}

export function raiseLink(index: number): NetlinkRequest {
  return setLink(linkHeader(index, UP, UP));
}

export function lowerLink(index: number): NetlinkRequest {
  return setLink(linkHeader(index, 0, UP));
}

function setLink(header: Uint8Array, attributes: readonly NetlinkAttribute[] = []): NetlinkRequest {
  return { type: routeTypes.setLink, flags: 0, header, attributes };
}

export function deleteLink(index: number): NetlinkRequest {
  return { type: routeTypes.deleteLink, flags: 0, header: linkHeader(index), attributes: [] };
}

/** One link; ENODEV when there is none. */
export function getLink(index: number): NetlinkRequest {
  const attributes = [u32(link.extensions, SKIP_STATISTICS)];
  return { type: routeTypes.getLink, flags: 0, header: linkHeader(index), attributes };
}

/** All links. */
export const dumpLinks: NetlinkRequest = {
  type: routeTypes.getLink,
  flags: netlinkFlags.dump,
  header: linkHeader(0),
  attributes: [u32(link.extensions, SKIP_STATISTICS)],
};

/**
 * Undefined when the message is not about a link, is cut, or tells only what a bridge or a radio
 * thinks of the link.
 */
export function decodeLink(message: NetlinkMessage): LinkRecord | undefined {
  const { type, payload } = message;
  const isLink = type === routeTypes.newLink || type === routeTypes.deleteLink;
  if (!isLink || payload.length < LINK_HEADER_BYTES || payload[0] !== 0) return undefined;
  const view = byteView(payload);
  const attributes = decodeAttributes(payload, LINK_HEADER_BYTES);
  if (attributes.has(link.wireless)) return undefined;
  const mac = attributes.get(link.address);
  const details = nestedOf(attributes, link.info);
  const carrier = readU8(attributes, link.carrier);
  return {
    index: view.getInt32(4, true),
    name: readText(attributes, link.name) ?? '',
    mac: mac?.length === 6 ? formatMac(mac) : undefined,
    up: (view.getUint32(8, true) & UP) !== 0,
    carrier: carrier === undefined ? undefined : carrier !== 0,
    carrierChanges: readU32(attributes, link.carrierChanges),
    parent: readU32(attributes, link.parent),
    group: readU32(attributes, link.group) ?? 0,
    kind: readText(details, info.kind),
    bridgeMode: readU32(nestedOf(details, info.data), MACVLAN_MODE) === MACVLAN_BRIDGE,
    generatesNoAddress: addressGeneration(attributes) === GENERATE_NONE,
    alias: readText(attributes, link.alias),
  };
}

function nestedOf(attributes: AttributeMap, type: number): AttributeMap {
  return decodeAttributes(attributes.get(type) ?? new Uint8Array(0));
}

function addressGeneration(attributes: AttributeMap): number | undefined {
  const options = nestedOf(nestedOf(attributes, link.familyOptions), FAMILY_NUMBERS[6]);
  return readU8(options, ADDRESS_GENERATION);
}

// ---- addresses

export interface AddressRecord extends Cidr {
  readonly index: number;
  /** The kernel installs no connected route for it. */
  readonly withoutRoute: boolean;
  /** IPv6: not checked for duplicates. */
  readonly unchecked: boolean;
  /** IPv6: still being checked, or found to be somebody else's: not to be used. */
  readonly unusable: boolean;
}

function addressHeader(family: IpFamily, prefix: number, index: number): Uint8Array {
  const header = new Uint8Array(ADDRESS_HEADER_BYTES);
  header[0] = FAMILY_NUMBERS[family];
  header[1] = prefix;
  byteView(header).setUint32(4, index, true);
  return header;
}

export interface NewAddress extends Cidr {
  readonly index: number;
  readonly withoutRoute: boolean;
  /** IPv6: usable at once; the address is known to be ours. No meaning in IPv4. */
  readonly unchecked: boolean;
}

/** Adds an address, or changes the flags of one that exists. */
export function addAddress(added: NewAddress): NetlinkRequest {
  const family = ipFamily(added.address);
  const bytes = ipAddressBytes(added.address);
  const flags =
    (added.withoutRoute ? NO_PREFIX_ROUTE : 0) |
    (added.unchecked && family === 6 ? NO_DUPLICATE_DETECTION : 0);
  return {
    type: routeTypes.newAddress,
    flags: netlinkFlags.create | netlinkFlags.replace,
    header: addressHeader(family, added.prefix, added.index),
    attributes: [
      bytesAttribute(address.local, bytes),
      bytesAttribute(address.address, bytes),
      ...(flags === 0 ? [] : [u32(address.flags, flags)]),
      ...broadcastOf(added, bytes),
    ],
  };
}

/** An IPv4 address that brings its subnet along has that subnet's broadcast address (RFC 919 7). */
function broadcastOf({ prefix, withoutRoute }: NewAddress, host: Uint8Array): NetlinkAttribute[] {
  if (host.length !== 4 || withoutRoute || prefix > 30) return [];
  const bytes = host.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefix - index * 8));
    return byte | (0xff >> bits);
  });
  return [bytesAttribute(address.broadcast, bytes)];
}

export function deleteAddress(index: number, { address: host, prefix }: Cidr): NetlinkRequest {
  const bytes = ipAddressBytes(host);
  return {
    type: routeTypes.deleteAddress,
    flags: 0,
    header: addressHeader(ipFamily(host), prefix, index),
    attributes: [bytesAttribute(address.local, bytes), bytesAttribute(address.address, bytes)],
  };
}

/** All addresses of both families. */
export const dumpAddresses: NetlinkRequest = {
  type: routeTypes.getAddress,
  flags: netlinkFlags.dump,
  header: new Uint8Array(ADDRESS_HEADER_BYTES),
  attributes: [],
};

/** Undefined when the message is not about an IP address, or cut. */
export function decodeAddress(message: NetlinkMessage): AddressRecord | undefined {
  const { type, payload } = message;
  const isAddress = type === routeTypes.newAddress || type === routeTypes.deleteAddress;
  if (!isAddress || payload.length < ADDRESS_HEADER_BYTES) return undefined;
  const attributes = decodeAttributes(payload, ADDRESS_HEADER_BYTES);
  // On a point-to-point link `address` is the other end; IPv6 gives `local` only there.
  const bytes = attributes.get(address.local) ?? attributes.get(address.address);
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16)) return undefined;
  const flags = readU32(attributes, address.flags) ?? payload[2] ?? 0;
  return {
    index: byteView(payload).getUint32(4, true),
    address: formatIpAddress(bytes),
    prefix: payload[1] ?? 0,
    withoutRoute: (flags & NO_PREFIX_ROUTE) !== 0,
    unchecked: (flags & NO_DUPLICATE_DETECTION) !== 0,
    unusable: (flags & (TENTATIVE | DUPLICATE)) !== 0,
  };
}

// ---- local routes

const ROUTE_HEADER_BYTES = 12;
const TABLE_LOCAL = 255;
const TYPE_LOCAL = 2;
const SCOPE_HOST = 254;
const SCOPE_ANY = 0;
/** RTA_*. */
const route = { destination: 1, device: 4 } as const;

/**
 * Removes the route by which the kernel takes packets to an address for itself. It keeps that route
 * for an address on a device that is down, and makes it again when the device goes up.
 */
export function deleteLocalRoute(index: number, host: string): NetlinkRequest {
  const family = ipFamily(host);
  const bytes = ipAddressBytes(host);
  const header = new Uint8Array(ROUTE_HEADER_BYTES);
  header[0] = FAMILY_NUMBERS[family];
  header[1] = bytes.length * 8;
  header[4] = TABLE_LOCAL;
  header[6] = family === 4 ? SCOPE_HOST : SCOPE_ANY;
  header[7] = TYPE_LOCAL;
  return {
    type: routeTypes.deleteRoute,
    flags: 0,
    header,
    attributes: [bytesAttribute(route.destination, bytes), u32(route.device, index)],
  };
}

// ---- neighbours

/** NDA_*, NUD_*, NTF_*. */
const neighbour = { destination: 1, mac: 2 } as const;
const REACHABLE = 0x02;
const DELAY = 0x08;
const PROBE = 0x10;
const NO_ARP = 0x40;
const PERMANENT = 0x80;
const STALE = 0x04;
const USE = 0x01;

export interface NeighbourRecord {
  readonly mac: string | undefined;
  /** The kernel believes in it, or is just asking. */
  readonly confirmed: boolean;
}

function neighbourHeader(family: IpFamily, index: number, flags: number): Uint8Array {
  const header = new Uint8Array(NEIGHBOUR_HEADER_BYTES);
  header[0] = FAMILY_NUMBERS[family];
  byteView(header).setInt32(4, index, true);
  header[10] = flags;
  return header;
}

/** One entry of the neighbour table. The kernel answers ENOENT when it has none. */
export function getNeighbour(index: number, host: string): NetlinkRequest {
  return {
    type: routeTypes.getNeighbour,
    flags: 0,
    header: neighbourHeader(ipFamily(host), index, 0),
    attributes: [bytesAttribute(neighbour.destination, ipAddressBytes(host))],
  };
}

/** Makes the kernel ask for a neighbour as if it had a packet for it (NTF_USE). */
export function askForNeighbour(index: number, host: string): NetlinkRequest {
  return {
    type: routeTypes.newNeighbour,
    flags: netlinkFlags.create,
    header: neighbourHeader(ipFamily(host), index, USE),
    attributes: [bytesAttribute(neighbour.destination, ipAddressBytes(host))],
  };
}

/** Undefined when the message is not about a neighbour, or cut. */
export function decodeNeighbour(message: NetlinkMessage): NeighbourRecord | undefined {
  const { type, payload } = message;
  if (type !== routeTypes.newNeighbour || payload.length < NEIGHBOUR_HEADER_BYTES) return undefined;
  const state = byteView(payload).getUint16(8, true);
  const mac = decodeAttributes(payload, NEIGHBOUR_HEADER_BYTES).get(neighbour.mac);
  const confirmed = (state & (REACHABLE | DELAY | PROBE | NO_ARP | PERMANENT)) !== 0;
  const known = mac?.length === 6 && (confirmed || (state & STALE) !== 0);
  return { mac: known ? formatMac(mac) : undefined, confirmed };
}
