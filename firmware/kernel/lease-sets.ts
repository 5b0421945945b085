/**
 * The sets of the lease table and what is in them: who holds a lease, who lingers, which group a
 * VIP belongs to. Documented at the top of lease-table.ts.
 */
import { ipAddressBytes, ipFamily } from '../wire/ip-address.ts';
import type { NetlinkRequest } from '../wire/netlink-message.ts';
import * as nft from '../wire/nf-tables.ts';

export const LEASE_TABLE = 'yoke';

export const leaseSets = {
  lease: { name: 'lease', id: 1 },
  linger: { name: 'linger', id: 4 },
  vips: { 4: { name: 'vips4', id: 2 }, 6: { name: 'vips6', id: 3 } },
} as const;

/** More groups than VHIDs exist on all interfaces together. */
const MOST_GROUPS = 65_535;
/** All elements of a message are one attribute, at most 64 KiB. */
const ELEMENTS_A_MESSAGE = 500;

/** A group that may do something for so long. */
export interface GroupSpan {
  readonly group: number;
  readonly milliseconds: number;
}

export interface VipOfGroup {
  readonly address: string;
  readonly group: number;
}

/** `timeout`: length of a lease, milliseconds. */
export function newSets(timeout: number): NetlinkRequest[] {
  const { lease, linger, vips } = leaseSets;
  const groups = { type: nft.keyTypes.deviceGroup, length: 4, hostOrder: true };
  const record = { table: LEASE_TABLE, size: MOST_GROUPS, key: groups };
  const map = (family: 4 | 6, type: number, length: number): NetlinkRequest =>
    nft.newSet({
      table: LEASE_TABLE,
      ...vips[family],
      flags: 0,
      key: { type, length, hostOrder: false },
      toChains: true,
    });
  return [
    nft.newSet({
      ...record,
      ...lease,
      flags: nft.setFlags.timeout | nft.setFlags.evaluated,
      timeout,
    }),
    nft.newSet({ ...record, ...linger, flags: nft.setFlags.timeout }),
    map(4, nft.keyTypes.ipv4Address, 4),
    map(6, nft.keyTypes.ipv6Address, 16),
  ];
}

/** A number as the kernel holds device groups and indexes. */
export function hostOrder(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Without `milliseconds`: for the whole length of a lease. */
export function leaseElements(
  leases: readonly { readonly group: number; readonly milliseconds?: number }[],
): nft.ElementList {
  const elements = leases.map(({ group, milliseconds }) => ({
    key: hostOrder(group),
    ...(milliseconds === undefined ? {} : { expiration: milliseconds }),
  }));
  return { table: LEASE_TABLE, set: leaseSets.lease.name, elements };
}

/** Without `milliseconds`: for naming them. */
export function lingerElements(
  lingers: readonly { readonly group: number; readonly milliseconds?: number }[],
): nft.ElementList {
  const elements = lingers.map(({ group, milliseconds }) => ({
    key: hostOrder(group),
    ...(milliseconds === undefined ? {} : { timeout: milliseconds }),
  }));
  return { table: LEASE_TABLE, set: leaseSets.linger.name, elements };
}

/** `chainOf`: name of the chain of a group. */
export function vipElements(
  vips: readonly VipOfGroup[],
  chainOf: (group: number) => string,
): nft.ElementList[] {
  return ([4, 6] as const).flatMap((family) => {
    const elements = vips
      .filter(({ address }) => ipFamily(address) === family)
      .map(({ address, group }) => ({ key: ipAddressBytes(address), chain: chainOf(group) }));
    const lists: nft.ElementList[] = [];
    for (let at = 0; at < elements.length; at += ELEMENTS_A_MESSAGE) {
      const part = elements.slice(at, at + ELEMENTS_A_MESSAGE);
      lists.push({ table: LEASE_TABLE, set: leaseSets.vips[family].name, elements: part });
    }
    return lists;
  });
}
