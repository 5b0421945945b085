/**
 * VIPs against each other and against the interfaces that carry them.
 */
import { ipFamily, parseCidr } from '../../wire/ip-address.ts';
import type { Documents } from './document-check.ts';
import { neighbourProblems } from './interface-check.ts';
import type { Problem } from './problem.ts';
import type { VipDocument } from './schema.ts';
import { realAddresses, virtualAddresses } from './written-address.ts';

export function vipProblems(documents: Documents): Problem[] {
  return [
    ...namesUsedTwice(documents),
    ...vhidsUsedTwice(documents),
    ...documents.cluster.vips.flatMap((vip, index) => [
      ...carrierProblems(documents, vip, index),
      ...peerProblems(documents, vip, index),
    ]),
  ];
}

function namesUsedTwice({ cluster }: Documents): Problem[] {
  const seen = new Set<string>();
  return cluster.vips.flatMap(({ name }, index): Problem[] => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const found = `"${name}", which another VIP is called already`;
    return [refusal([index, 'name'], found, 'a name of its own')];
  });
}

/** Two VIPs with one VHID would share a virtual MAC and argue about the HMAC. */
function vhidsUsedTwice({ cluster }: Documents): Problem[] {
  const owners = new Map<string, string>();
  return cluster.vips.flatMap(({ name, vhid, interface: on }, index): Problem[] => {
    const key = `${on} ${vhid}`;
    const owner = owners.get(key);
    owners.set(key, owner ?? name);
    if (owner === undefined) return [];
    const found = `VHID ${vhid} on interface ${on} for both VIP ${owner} and VIP ${name}`;
    return [refusal([index, 'vhid'], found, 'a VHID of its own, or an alias of the other VIP')];
  });
}

function carrierProblems({ node }: Documents, vip: VipDocument, index: number): Problem[] {
  const { interface: on, address, aliases } = vip;
  const known = Object.keys(node.interfaces);
  const carrier = Object.hasOwn(node.interfaces, on) ? node.interfaces[on] : undefined;
  const at = [index, 'interface'];
  if (carrier === undefined) {
    const expected =
      known.length > 0 ? `one of ${known.join(', ')} (node.yaml)` : 'an interface of node.yaml';
    return [refusal(at, `"${on}"`, expected)];
  }
  if (on === 'sync' || carrier.peer !== undefined) {
    return [
      refusal(at, `"${on}", a sync interface`, 'an interface that both nodes share with clients'),
    ];
  }
  const needsIpv4 = [address, ...aliases].some(isIpv4);
  if (!needsIpv4 || [carrier.address ?? []].flat().some(isIpv4)) return [];
  const found = `"${on}", which has no IPv4 address of this node`;
  return [refusal(at, found, 'one, because advertisements are sent from it (node.yaml)')];
}

function peerProblems(documents: Documents, vip: VipDocument, index: number): Problem[] {
  const { peer, interface: on } = vip;
  if (peer === undefined) return [];
  const real = realAddresses(documents);
  const virtual = virtualAddresses(documents);
  const path = ['vips', index, 'peer'];
  if (typeof peer === 'string') {
    return neighbourProblems(path, peer, { name: on, taken: [...real, ...virtual], near: real });
  }
  const own = documents.node.role;
  const other = own === 'primary' ? 'secondary' : 'primary';
  return [
    ...neighbourProblems([...path, other], peer[other], {
      name: on,
      taken: [...real, ...virtual],
      near: real,
    }),
    ...neighbourProblems([...path, own], peer[own], { name: on, taken: virtual, near: real }),
  ];
}

const isIpv4 = (text: string): boolean => {
  const cidr = parseCidr(text);
  return cidr !== undefined && ipFamily(cidr.address) === 4;
};

function refusal(at: readonly (string | number)[], found: string, expected: string): Problem {
  return { document: 'cluster', path: ['vips', ...at], found, expected };
}
