/**
 * A site with two outer interfaces, a LAN, a DMZ and a sync cable; tests write the areas of
 * cluster.yaml they are about, as YAML.
 */
import { parse } from 'yaml';
import { checkDocument } from '../../../firmware/core/configuration/document-check.ts';
import type { PairConfiguration } from '../../../firmware/core/configuration/pair-configuration.ts';
import { formatProblem } from '../../../firmware/core/configuration/problem.ts';
import {
  type Resolution,
  resolveConfiguration,
} from '../../../firmware/core/configuration/resolve-configuration.ts';

export const NODE = `
node: office-a
role: primary
interfaces:
  wan1: { device: eth0, address: 198.51.100.201/24, gateway: 198.51.100.1 }
  wan2: { device: eth1, address: [203.0.113.201/24, "2001:db8:9::201/64"], gateway: 203.0.113.1 }
  lan: { device: eth2, address: [192.168.1.2/24, "2001:db8:1::2/64"] }
  dmz: { device: eth3, address: 192.168.3.2/24 }
  sync: { device: eth4, address: 172.16.1.1/30, peer: 172.16.1.2 }
`;

const CLUSTER = `
cluster: branch
vips:
  - { name: wan1, interface: wan1, vhid: 200, address: 198.51.100.200/24,
      aliases: [198.51.100.203/24] }
  - { name: wan2, interface: wan2, vhid: 210, address: 203.0.113.200/24,
      aliases: [203.0.113.203/24, "2001:db8:9::200/64"] }
  - { name: lan, interface: lan, vhid: 1, address: 192.168.1.1/24, aliases: ["2001:db8:1::1/64"] }
  - { name: dmz, interface: dmz, vhid: 3, address: 192.168.3.1/24 }
`;

/** Both documents as plain data; every problem of either is thrown as one text. */
export function resolution(areas: unknown, nodeText = NODE): Resolution {
  const node = checkDocument('node', parse(nodeText));
  const cluster = checkDocument('cluster', { ...parse(CLUSTER), ...(areas as object) });
  if (!node.ok) return node;
  if (!cluster.ok) return cluster;
  return resolveConfiguration({
    node: node.value,
    cluster: cluster.value,
    derivePassword: () => new Uint8Array(8),
    beatKey: undefined,
    clusterHash: '0'.repeat(16),
  });
}

export function configurationOf(areas: string, nodeText = NODE): PairConfiguration {
  const resolved = resolution(parse(areas), nodeText);
  if (resolved.ok) return resolved.configuration;
  throw new Error(resolved.problems.map(formatProblem).join('\n'));
}

/** Every problem as a line; none when the areas are right. */
export function problemsOf(areas: string, nodeText = NODE): string[] {
  const resolved = resolution(parse(areas), nodeText);
  return resolved.ok ? [] : resolved.problems.map(formatProblem);
}
