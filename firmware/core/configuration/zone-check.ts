/**
 * Interfaces as the rules of the firewall and of NAT tell them apart: by the names of their devices
 * and of the macvlans of their VIPs, which are called by VHID.
 */
import type { Documents } from './document-check.ts';
import { deviceOf } from './made-link.ts';
import { type Problem, quote } from './problem.ts';

/** What ends a name in the language of nftables, or stands for any name there. */
const UNSPEAKABLE = /["\\*]/;

export function zoneProblems(documents: Documents): Problem[] {
  const { firewall, nat } = documents.cluster;
  if (firewall === undefined && nat === undefined) return [];
  return [...unspeakableDevices(documents), ...ambiguousVhids(documents)];
}

function unspeakableDevices({ node }: Documents): Problem[] {
  return Object.entries(node.interfaces).flatMap(([name, each]): Problem[] => {
    const device = deviceOf(name, each) ?? '';
    if (!UNSPEAKABLE.test(device)) return [];
    const path = ['interfaces', name, 'device'];
    const found = `${quote(device)}, which no rule of a firewall can name`;
    const expected = 'a device without ", \\ and * in its name';
    return [{ document: 'node', path, found, expected }];
  });
}

function ambiguousVhids({ cluster }: Documents): Problem[] {
  const first = new Map<number, (typeof cluster.vips)[number]>();
  return cluster.vips.flatMap((vip, index): Problem[] => {
    const other = first.get(vip.vhid) ?? vip;
    first.set(vip.vhid, other);
    if (other.interface === vip.interface) return [];
    const found = `VHID ${vip.vhid}, which VIP ${other.name} on ${other.interface} has, too`;
    const expected = 'one of its own, as the firewall tells interfaces by it';
    return [{ document: 'cluster', path: ['vips', index, 'vhid'], found, expected }];
  });
}
