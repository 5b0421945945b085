// What a node consists of right now: interfaces, nftables tables, processes, descriptors, files in
// its runtime directory. Two inventories that should be equal and are not name the leak.
import { readdirSync, readFileSync } from 'node:fs';
import type { RackNode } from './node.ts';

export interface Inventory {
  readonly links: readonly string[];
  readonly tables: readonly string[];
  readonly addresses: readonly string[];
  readonly processes: readonly string[];
  readonly descriptors: number;
  readonly threads: number;
}

export async function takeInventory(node: RackNode): Promise<Inventory> {
  const links = await ipJson(node, 'link');
  const addresses = await ipJson(node, 'address');
  const nft = JSON.parse(await node.namespace.run('nft', ['-j', 'list', 'tables'])) as NftList;
  const pids = node.namespace.pids().map(String);
  return {
    links: links.map(({ ifname }) => steadyName(ifname)).sort(),
    tables: nft.nftables
      .flatMap(({ table }) => (table ? [`${table.family} ${table.name}`] : []))
      .sort(),
    addresses: addresses.flatMap(addressTexts).sort(),
    processes: pids.map((pid) => look(`/proc/${pid}/comm`)).sort(),
    descriptors: sum(pids.map((pid) => entries(`/proc/${pid}/fd`))),
    threads: sum(pids.map((pid) => entries(`/proc/${pid}/task`))),
  };
}

/** One line per difference; none when the two are equal. */
export function inventoryDifference(before: Inventory, after: Inventory): string[] {
  const keys = Object.keys(before) as (keyof Inventory)[];
  return keys
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => `${key}: ${JSON.stringify(before[key])} became ${JSON.stringify(after[key])}`);
}

interface LinkRow {
  readonly ifname: string;
  readonly addr_info?: readonly {
    readonly local: string;
    readonly prefixlen: number;
    scope: string;
  }[];
}

interface NftList {
  readonly nftables: readonly { readonly table?: { family: string; name: string } }[];
}

async function ipJson(node: RackNode, what: 'link' | 'address'): Promise<LinkRow[]> {
  return JSON.parse(await node.namespace.run('ip', ['-json', what, 'show'])) as LinkRow[];
}

// Link-local addresses come and go by themselves with the link.
function addressTexts(row: LinkRow): string[] {
  return (row.addr_info ?? [])
    .filter((info) => info.scope !== 'link')
    .map((info) => `${steadyName(row.ifname)} ${info.local}/${info.prefixlen}`);
}

function look(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return 'ended'; // between the listing and the look
  }
}

function entries(path: string): number {
  try {
    return readdirSync(path).length;
  } catch {
    return 0; // ended between the listing and the look
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A macvlan's name ends in the index of its parent, which is another one after it vanished. */
function steadyName(device: string): string {
  return device.replace(/^(vip\d+)\.\d+$/, '$1');
}
