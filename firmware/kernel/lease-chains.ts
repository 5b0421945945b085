/**
 * The rules of the lease table: what passes a macvlan and its parent while a lease is held, while a
 * group lingers, and else. Documented at the top of lease-table.ts.
 */
import { ethertypes, macBytes } from '../wire/ethernet-frame.ts';
import type { NetlinkAttribute, NetlinkRequest } from '../wire/netlink-message.ts';
import * as nft from '../wire/nf-tables.ts';
import { hostOrder, LEASE_TABLE, leaseSets, type VipOfGroup } from './lease-sets.ts';

/** Before every chain of an administrator, who may start at -450 (raw before defragmentation). */
const PRIORITY = -500;
const LOOPBACK_INDEX = 1;
const LINGERING = 'lingering';
const ICMPV6 = 58;
/** Router and neighbour discovery and redirects (RFC 4861). */
const DISCOVERY = { first: 133, last: 137 } as const;
/** CARP and VRRP. */
const ADVERTISEMENT = 112;

/** A link the rules name; a device that went and came back has another index. */
export interface HookedLink {
  readonly name: string;
  readonly index: number;
}

export interface HookedMacvlan extends HookedLink {
  /** Of the device below; what leaves while the group lingers is sent from it. */
  readonly parentMac: string | undefined;
}

export interface LeaseLayout {
  readonly leaseMilliseconds: number;
  readonly macvlans: readonly HookedMacvlan[];
  readonly parents: readonly HookedLink[];
  readonly vips: readonly VipOfGroup[];
}

interface Chain {
  readonly name: string;
  readonly comment: string;
  readonly base?: nft.BaseChain;
  readonly rules: readonly (readonly NetlinkAttribute[])[];
}

export function created(planned: PlannedChain): NetlinkRequest[] {
  const { rules, ...record } = planned.chain();
  const rule = (expressions: readonly NetlinkAttribute[]) =>
    nft.newRule({ table: LEASE_TABLE, chain: record.name, expressions });
  return [nft.newChain({ ...record, table: LEASE_TABLE }), ...rules.map(rule)];
}

export function removed({ name }: PlannedChain): NetlinkRequest[] {
  return [nft.deleteRules(LEASE_TABLE, name), nft.deleteChain(LEASE_TABLE, name)];
}

/** A chain that is not written out before it is needed: with many VIPs that takes long. */
export interface PlannedChain {
  readonly name: string;
  readonly chain: () => Chain;
}

/** Chains of groups, by number. */
export function groupChains({ vips }: LeaseLayout): Map<string, PlannedChain> {
  const groups = new Set(vips.map(({ group }) => group));
  const planned = (group: number): PlannedChain => ({
    name: groupChainName(group),
    chain: () => groupChain(group),
  });
  return new Map([...groups].map((group) => [`${group}`, planned(group)]));
}

/** Chains of devices, by all that makes them differ. */
export function hookedChains(layout: LeaseLayout): Map<string, PlannedChain> {
  const { macvlans, parents, leaseMilliseconds } = layout;
  const chains = new Map<string, PlannedChain>();
  const add = (name: string, traits: string, chain: () => Chain) =>
    chains.set(`${name} ${traits}`, { name, chain });
  for (const macvlan of macvlans) {
    const { name, index, parentMac } = macvlan;
    add(`${name}-in`, `${index}`, () => ingressChain(name));
    add(`${name}-out`, `${index} ${parentMac}`, () => egressChain(macvlan, leaseMilliseconds));
  }
  for (const { name, index } of parents) {
    add(`${name}-guard`, `${index}`, () => guardChain(name));
  }
  return chains;
}

function base(device: string, hook: number, policy: number): nft.BaseChain {
  return { device, hook, policy, priority: PRIORITY };
}

const DROP = nft.decide(nft.verdicts.drop);
const ACCEPT = nft.decide(nft.verdicts.accept);

function networkOrder(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function isOf(ethertype: number): NetlinkAttribute[] {
  return [nft.loadMeta(nft.metaKeys.protocol), nft.matchEqual(networkOrder(ethertype))];
}

/** One byte of the IP packet. */
function hasByte(offset: number, value: number): NetlinkAttribute[] {
  const load = nft.loadPayload(nft.payloadBases.network, offset, 1);
  return [load, nft.matchEqual(Uint8Array.of(value))];
}

const IS_IPV4 = isOf(ethertypes.ipv4);
const IS_IPV6 = isOf(ethertypes.ipv6);

/** Bytes 12 and 13 of the Ethernet header. */
const IS_RENEWAL = [
  nft.loadPayload(nft.payloadBases.link, 12, 2),
  nft.matchEqual(networkOrder(ethertypes.leaseRenewal)),
];

/** IP that is under way; nothing that says where an address is. */
const lingering: Chain = {
  name: LINGERING,
  comment: 'IP, but nothing that claims an address',
  rules: [
    // Protocol at 9 of IPv4, next header at 6 of IPv6; ICMPv6 begins at 40.
    [...IS_IPV4, ...hasByte(9, ADVERTISEMENT), DROP],
    [...IS_IPV6, ...hasByte(6, ADVERTISEMENT), DROP],
    [
      ...IS_IPV6,
      ...hasByte(6, ICMPV6),
      nft.loadPayload(nft.payloadBases.network, 40, 1),
      nft.matchRange(DISCOVERY.first, DISCOVERY.last),
      DROP,
    ],
    [...IS_IPV4, ACCEPT],
    [...IS_IPV6, ACCEPT],
    [DROP],
  ],
};

export const lingeringChain: PlannedChain = { name: LINGERING, chain: () => lingering };

const GO_LINGERING = nft.goTo(LINGERING);

function ingressChain(device: string): Chain {
  const group = nft.loadMeta(nft.metaKeys.inputGroup);
  return {
    name: `${device}-in`,
    comment: 'open while the lease is held',
    base: base(device, nft.hooks.ingress, nft.verdicts.drop),
    rules: [
      [group, nft.matchInSet(leaseSets.lease.name), ACCEPT],
      [group, nft.matchInSet(leaseSets.linger.name), GO_LINGERING],
    ],
  };
}

function egressChain({ name, parentMac }: HookedMacvlan, timeout: number): Chain {
  const { lease, linger } = leaseSets;
  const group = nft.loadMeta(nft.metaKeys.outputGroup);
  const held = [group, nft.matchInSet(lease.name)];
  // Forwarded, not dropped: only so does the sender learn from its system call that the rule ran.
  const renewal = [
    ...IS_RENEWAL,
    ...held,
    nft.updateSet(lease.name, lease.id, timeout),
    nft.loadConstant(hostOrder(LOOPBACK_INDEX)),
    nft.forward,
  ];
  const lingers = [group, nft.matchInSet(linger.name)];
  return {
    name: `${name}-out`,
    comment: 'open while the lease is held; renews it',
    base: base(name, nft.hooks.egress, nft.verdicts.drop),
    rules: [
      renewal,
      [...IS_RENEWAL, DROP],
      [...held, ACCEPT],
      // From the virtual MAC it would move the switches' port back to us.
      ...(parentMac === undefined ? [] : [[...lingers, ...sentFrom(parentMac), GO_LINGERING]]),
    ],
  };
}

/** Bytes 6 to 11 of the Ethernet header. */
function sentFrom(mac: string): NetlinkAttribute[] {
  return [nft.loadConstant(macBytes(mac)), nft.storePayload(nft.payloadBases.link, 6, 6)];
}

function guardChain(device: string): Chain {
  const source = (type: number, offset: number, family: 4 | 6): NetlinkAttribute[] => [
    ...isOf(type),
    nft.loadPayload(nft.payloadBases.network, offset, family === 4 ? 4 : 16),
    nft.goByMap(leaseSets.vips[family].name),
  ];
  return {
    name: `${device}-guard`,
    comment: 'no VIP as source without its lease',
    base: base(device, nft.hooks.egress, nft.verdicts.accept),
    rules: [
      [...IS_RENEWAL, DROP],
      source(ethertypes.ipv4, 12, 4),
      source(ethertypes.ipv6, 8, 6),
      source(ethertypes.arp, 14, 4),
    ],
  };
}

export function groupChainName(group: number): string {
  return `group-${group}`;
}

// A map from address to group would need one rule only, but `nft list` (1.0.6) aborts on it.
function groupChain(group: number): Chain {
  const constant = nft.loadConstant(hostOrder(group));
  return {
    name: groupChainName(group),
    comment: `only while group ${group} is held`,
    rules: [
      [constant, nft.matchInSet(leaseSets.lease.name), ACCEPT],
      [constant, nft.matchInSet(leaseSets.linger.name), GO_LINGERING],
      [DROP],
    ],
  };
}
