/**
 * The lease: an nf_tables table that stands between every macvlan and the network.
 *
 *     set lease           device groups whose VIPs this node may use; elements expire by themselves
 *     map vips4, vips6    address of every VIP -> chain of its group
 *     chain <macvlan>-in  ingress: accept when the group of the macvlan is in the set, else drop
 *     chain <macvlan>-out egress: the same; a frame of ethertype 0x88b5 renews the element, but
 *                         only one that still stands, and ends at the loopback device
 *     chain <device>-guard  egress of a parent: what carries a VIP as IPv4, IPv6 or ARP source goes
 *                         on with the chain of its group
 *     chain group-<n>     drop when the group is not in the set
 *
 * The kernel finds the group of a macvlan by its link group, so one element serves all VIPs that
 * move together.
 *
 * Where the kernel can (Linux 6.9), the table belongs to our socket: no other process, `nft flush
 * ruleset` included, can change it, and it outlives us. On older kernels it is an ordinary table
 * and its owner watches for changes.
 */
import { constants } from 'node:os';
import { ethertypes } from '../wire/ethernet-frame.ts';
import { ipAddressBytes, ipFamily } from '../wire/ip-address.ts';
import type { NetlinkAttribute, NetlinkRequest } from '../wire/netlink-message.ts';
import * as nft from '../wire/nf-tables.ts';
import { KernelError } from './kernel-error.ts';
import type { NetlinkSocket } from './netlink-socket.ts';

const { EINVAL, ENOENT, EOPNOTSUPP, EPERM } = constants.errno;

export const LEASE_TABLE = 'yoke';

const LEASE = { name: 'lease', id: 1 } as const;
const VIPS = { 4: { name: 'vips4', id: 2 }, 6: { name: 'vips6', id: 3 } } as const;
/** More groups than VHIDs exist on all interfaces together. */
const MOST_GROUPS = 65_535;
/** Before every chain of an administrator, who may start at -450 (raw before defragmentation). */
const PRIORITY = -500;
const LOOPBACK_INDEX = 1;

/** A link the rules name; a device that went and came back has another index. */
export interface HookedLink {
  readonly name: string;
  readonly index: number;
}

export interface LeaseLayout {
  readonly leaseMilliseconds: number;
  readonly macvlans: readonly HookedLink[];
  readonly parents: readonly HookedLink[];
  readonly vips: readonly { readonly address: string; readonly group: number }[];
}

/** A lease that stands while the table is replaced. */
export interface StandingLease {
  readonly group: number;
  readonly milliseconds: number;
}

export class LeaseTable {
  readonly #socket: NetlinkSocket;
  #owned: boolean;
  #installed: LeaseLayout | undefined;

  /** `owned` false: an ordinary table, as kernels before 6.9 give it. */
  constructor(socket: NetlinkSocket, owned = true) {
    this.#socket = socket;
    this.#owned = owned;
  }

  /** True while nobody else can change the table. */
  get owned(): boolean {
    return this.#owned;
  }

  /** Throws when another process, which is alive, holds the table. */
  demand(): void {
    const owner = this.#owner();
    if (owner === undefined || owner === 0 || owner === this.#socket.port) return;
    const reason = 'another process holds it: is this node running already?';
    throw new KernelError({
      code: 'lease-refused',
      errno: EPERM,
      what: 'take the lease table',
      reason,
    });
  }

  /** The table may not be what was installed: the next `install` writes it anew. */
  doubt(): void {
    this.#installed = undefined;
  }

  /**
   * Makes the table equal to the layout. What did not change is not touched; when all of it must be
   * replaced, `standing` leases go on, in the same transaction.
   */
  install(layout: LeaseLayout, standing: readonly StandingLease[]): void {
    if (this.#installed !== undefined && this.#amend(this.#installed, layout)) return;
    this.#installed = undefined;
    this.#replace(layout, standing);
    this.#installed = layout;
  }

  /** Takes the lease of a group for its whole length. */
  claim(group: number): void {
    if (this.#installed === undefined) {
      throw new KernelError({ code: 'lease-refused', errno: 0, what: 'claim without lease table' });
    }
    const what = `claim the lease of group ${group}`;
    this.#socket.transact([nft.newElements(leaseElements([{ group }]))], {
      code: 'lease-refused',
      what,
    });
  }

  /** Ends the lease of a group at once. */
  release(group: number): void {
    this.#socket.transact([nft.deleteElements(leaseElements([{ group }]))], {
      code: 'lease-refused',
      what: `release the lease of group ${group}`,
      tolerated: [ENOENT],
    });
  }

  /** Removes the table, if it is ours. */
  remove(): void {
    if (this.#installed === undefined) return;
    this.#installed = undefined;
    const what = 'remove the lease table';
    const asked = { code: 'lease-refused', what, tolerated: [ENOENT] } as const;
    this.#socket.transact([nft.deleteTable(LEASE_TABLE)], asked);
  }

  /** Changes only what differs. False when that cannot be done. */
  #amend(old: LeaseLayout, layout: LeaseLayout): boolean {
    if (old.leaseMilliseconds !== layout.leaseMilliseconds) return false;
    const requests = changes(old, layout);
    if (requests.length > 0) {
      try {
        this.#socket.transact(requests, { code: 'lease-refused', what: 'change the lease table' });
      } catch (error) {
        // The kernel removes chains together with their device, some versions do not.
        if (!(error instanceof KernelError)) throw error;
        return false;
      }
    }
    this.#installed = layout;
    return true;
  }

  #replace(layout: LeaseLayout, standing: readonly StandingLease[]): void {
    try {
      this.#write(layout, standing);
    } catch (error) {
      const refused = error instanceof KernelError ? error.errno : 0;
      if (!this.#owned || (refused !== EOPNOTSUPP && refused !== EINVAL)) throw error;
      this.#owned = false;
      this.#write(layout, standing);
    }
  }

  #write(layout: LeaseLayout, standing: readonly StandingLease[]): void {
    const former = this.#owner() === undefined ? [] : [nft.deleteTable(LEASE_TABLE)];
    const flags = this.#owned ? nft.tableFlags.owner | nft.tableFlags.persist : 0;
    const vips = vipElements(layout.vips);
    const requests = [
      ...former,
      nft.newTable(LEASE_TABLE, flags),
      ...newSets(layout.leaseMilliseconds),
      ...[...groupChains(layout).values(), ...hookedChains(layout).values()].flatMap(created),
      ...vips.map(nft.newElements),
      ...(standing.length === 0 ? [] : [nft.newElements(leaseElements(standing))]),
    ];
    this.#socket.transact(requests, { code: 'lease-refused', what: 'write the lease table' });
  }

  /** Port of the socket the table belongs to, 0 for none; undefined when there is no table. */
  #owner(): number | undefined {
    const asked = {
      code: 'lease-refused',
      what: 'read the lease table',
      tolerated: [ENOENT],
    } as const;
    return this.#socket.query(nft.getTable(LEASE_TABLE), nft.decodeTableOwner, asked);
  }
}

// ---- sets

function newSets(timeout: number): NetlinkRequest[] {
  const lease = nft.newSet({
    table: LEASE_TABLE,
    ...LEASE,
    flags: nft.setFlags.timeout | nft.setFlags.evaluated,
    key: { type: nft.keyTypes.deviceGroup, length: 4, hostOrder: true },
    timeout,
    size: MOST_GROUPS,
  });
  const map = (family: 4 | 6, type: number, length: number): NetlinkRequest =>
    nft.newSet({
      table: LEASE_TABLE,
      ...VIPS[family],
      flags: 0,
      key: { type, length, hostOrder: false },
      toChains: true,
    });
  return [lease, map(4, nft.keyTypes.ipv4Address, 4), map(6, nft.keyTypes.ipv6Address, 16)];
}

/** A number as the kernel holds device groups and indexes. */
function hostOrder(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function leaseElements(
  leases: readonly { readonly group: number; readonly milliseconds?: number }[],
): nft.ElementList {
  const elements = leases.map(({ group, milliseconds }) => ({
    key: hostOrder(group),
    ...(milliseconds === undefined ? {} : { expiration: milliseconds }),
  }));
  return { table: LEASE_TABLE, set: LEASE.name, elements };
}

/** All elements of a message are one attribute, at most 64 KiB. */
const ELEMENTS_A_MESSAGE = 500;

function vipElements(vips: LeaseLayout['vips']): nft.ElementList[] {
  return ([4, 6] as const).flatMap((family) => {
    const elements = vips
      .filter(({ address }) => ipFamily(address) === family)
      .map(({ address, group }) => ({
        key: ipAddressBytes(address),
        chain: groupChain(group).name,
      }));
    const lists: nft.ElementList[] = [];
    for (let at = 0; at < elements.length; at += ELEMENTS_A_MESSAGE) {
      const part = elements.slice(at, at + ELEMENTS_A_MESSAGE);
      lists.push({ table: LEASE_TABLE, set: VIPS[family].name, elements: part });
    }
    return lists;
  });
}

// ---- changes

/** In an order in which nothing is named before it exists or after it is gone. */
function changes(old: LeaseLayout, layout: LeaseLayout): NetlinkRequest[] {
  const hooked = difference(hookedChains(old), hookedChains(layout));
  const groups = difference(groupChains(old), groupChains(layout));
  const vips = difference(vipsByKey(old), vipsByKey(layout));
  return [
    ...hooked.gone.flatMap(removed),
    ...groups.come.flatMap(created),
    ...vipElements(vips.gone).map(nft.deleteElements),
    ...vipElements(vips.come).map(nft.newElements),
    ...groups.gone.flatMap(removed),
    ...hooked.come.flatMap(created),
  ];
}

function difference<Value>(
  old: ReadonlyMap<string, Value>,
  wanted: ReadonlyMap<string, Value>,
): { gone: Value[]; come: Value[] } {
  const without = (map: ReadonlyMap<string, Value>, other: ReadonlyMap<string, Value>) =>
    [...map].filter(([key]) => !other.has(key)).map(([, value]) => value);
  return { gone: without(old, wanted), come: without(wanted, old) };
}

function vipsByKey({ vips }: LeaseLayout): Map<string, LeaseLayout['vips'][number]> {
  return new Map(vips.map((vip) => [`${vip.address} ${vip.group}`, vip]));
}

// ---- chains

interface Chain {
  readonly name: string;
  readonly comment: string;
  readonly base?: nft.BaseChain;
  readonly rules: readonly (readonly NetlinkAttribute[])[];
}

function created({ rules, ...record }: Chain): NetlinkRequest[] {
  const rule = (expressions: readonly NetlinkAttribute[]) =>
    nft.newRule({ table: LEASE_TABLE, chain: record.name, expressions });
  return [nft.newChain({ ...record, table: LEASE_TABLE }), ...rules.map(rule)];
}

function removed({ name }: Chain): NetlinkRequest[] {
  return [nft.deleteRules(LEASE_TABLE, name), nft.deleteChain(LEASE_TABLE, name)];
}

function groupChains({ vips }: LeaseLayout): Map<string, Chain> {
  return new Map(vips.map(({ group }) => [`${group}`, groupChain(group)]));
}

/** Chains of devices, by name and by the index of the device they hang on. */
function hookedChains({ macvlans, parents, leaseMilliseconds }: LeaseLayout): Map<string, Chain> {
  const chains = new Map<string, Chain>();
  const add = (link: HookedLink, chain: Chain) => chains.set(`${chain.name} ${link.index}`, chain);
  for (const macvlan of macvlans) {
    add(macvlan, ingressChain(macvlan.name));
    add(macvlan, egressChain(macvlan.name, leaseMilliseconds));
  }
  for (const parent of parents) add(parent, guardChain(parent.name));
  return chains;
}

function base(device: string, hook: number, policy: number): nft.BaseChain {
  return { device, hook, policy, priority: PRIORITY };
}

const DROP = nft.decide(nft.verdicts.drop);
const ACCEPT = nft.decide(nft.verdicts.accept);

function ingressChain(device: string): Chain {
  return {
    name: `${device}-in`,
    comment: 'open while the lease is held',
    base: base(device, nft.hooks.ingress, nft.verdicts.drop),
    rules: [[nft.loadMeta(nft.metaKeys.inputGroup), nft.matchInSet(LEASE.name), ACCEPT]],
  };
}

function networkOrder(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** Bytes 12 and 13 of the Ethernet header. */
const IS_RENEWAL = [
  nft.loadPayload(nft.payloadBases.link, 12, 2),
  nft.matchEqual(networkOrder(ethertypes.leaseRenewal)),
];

function egressChain(device: string, timeout: number): Chain {
  const held = [nft.loadMeta(nft.metaKeys.outputGroup), nft.matchInSet(LEASE.name)];
  // Forwarded, not dropped: only so does the sender learn from its system call that the rule ran.
  const renewal = [
    ...IS_RENEWAL,
    ...held,
    nft.updateSet(LEASE.name, LEASE.id, timeout),
    nft.loadConstant(hostOrder(LOOPBACK_INDEX)),
    nft.forward,
  ];
  return {
    name: `${device}-out`,
    comment: 'open while the lease is held; renews it',
    base: base(device, nft.hooks.egress, nft.verdicts.drop),
    rules: [renewal, [...IS_RENEWAL, DROP], [...held, ACCEPT]],
  };
}

function guardChain(device: string): Chain {
  const source = (type: number, offset: number, family: 4 | 6): NetlinkAttribute[] => [
    nft.loadMeta(nft.metaKeys.protocol),
    nft.matchEqual(networkOrder(type)),
    nft.loadPayload(nft.payloadBases.network, offset, family === 4 ? 4 : 16),
    nft.goByMap(VIPS[family].name),
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

// A map from address to group would need one rule only, but `nft list` (1.0.6) aborts on it.
function groupChain(group: number): Chain {
  return {
    name: `group-${group}`,
    comment: `only while group ${group} is held`,
    rules: [[nft.loadConstant(hostOrder(group)), nft.matchNotInSet(LEASE.name), DROP]],
  };
}
