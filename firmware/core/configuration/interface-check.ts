/**
 * Interfaces of node.yaml against each other: devices are unique, gateways and peers can be
 * reached.
 */
import {
  canonicalIpAddress,
  ipFamily,
  isIpv6LinkLocal,
  prefixContains,
} from '../../wire/ip-address.ts';
import { reasonAgainst } from './address-check.ts';
import type { Documents } from './document-check.ts';
import { EXPECT_DEVICE } from './fields.ts';
import { linkProblems } from './link-check.ts';
import { deviceOf } from './made-link.ts';
import type { FieldPath, Problem } from './problem.ts';
import { realAddresses, virtualAddresses, type WrittenAddress } from './written-address.ts';

export function interfaceProblems(documents: Documents): Problem[] {
  const real = realAddresses(documents);
  const all = [...real, ...virtualAddresses(documents)];
  return [
    ...devicesUsedTwice(documents),
    ...linkProblems(documents),
    ...secondSyncInterfaces(documents),
    ...Object.entries(documents.node.interfaces).flatMap(([name, { gateway, peer }]) => [
      ...neighbourProblems(['interfaces', name, 'gateway'], gateway, {
        name,
        taken: all,
        near: all,
      }),
      ...neighbourProblems(['interfaces', name, 'peer'], peer, { name, taken: all, near: real }),
    ]),
  ];
}

function devicesUsedTwice({ node }: Documents): Problem[] {
  const users = new Map<string, string>();
  return Object.entries(node.interfaces).flatMap(([name, document]): Problem[] => {
    const device = deviceOf(name, document);
    const path = ['interfaces', name, 'device'];
    if (device === undefined) {
      return [{ document: 'node', path, found: 'nothing', expected: EXPECT_DEVICE }];
    }
    if (device === 'lo') {
      const expected = 'a device with a cable, as the loopback reaches no other node';
      return [{ document: 'node', path, found: '"lo"', expected }];
    }
    const user = users.get(device);
    users.set(device, user ?? name);
    if (user === undefined) return [];
    const found = `"${device}", which interface ${user} uses already`;
    return [{ document: 'node', path, found, expected: 'a device of its own' }];
  });
}

/** Beats and flows have one cable of their own; the other segments carry beats as they are. */
function secondSyncInterfaces({ node }: Documents): Problem[] {
  const withPeer = Object.entries(node.interfaces).filter(([, { peer }]) => peer !== undefined);
  const [first, ...more] = withPeer.map(([name]) => name);
  return more.map((name) => ({
    document: 'node',
    path: ['interfaces', name, 'peer'],
    found: `a second sync interface besides ${first}`,
    expected: 'a peer on one interface only',
  }));
}

interface Neighbourhood {
  /** Logical interface. */
  readonly name: string;
  /** Addresses that a neighbour cannot have because they are ours. */
  readonly taken: readonly WrittenAddress[];
  /** Addresses whose networks the neighbour may be in. */
  readonly near: readonly WrittenAddress[];
}

/** A gateway or peer must be somebody else, in a network that the interface is in. */
export function neighbourProblems(
  path: FieldPath,
  text: string | undefined,
  { name, taken, near }: Neighbourhood,
): Problem[] {
  const address = text && canonicalIpAddress(text);
  if (!address) return [];
  const document = path[0] === 'interfaces' ? 'node' : 'cluster';
  const holder = taken.find(({ cidr }) => cidr.address === address);
  if (holder !== undefined) {
    const found = `${address}, which is the address of ${holder.bearer}`;
    return [{ document, path, found, expected: 'the address of another machine' }];
  }
  if (ipFamily(address) === 6 && isIpv6LinkLocal(address)) return [];
  const networks = near.filter((each) => each.interface === name).map(({ cidr }) => cidr);
  const around = networks.find((cidr) => prefixContains(cidr, address));
  if (around !== undefined) {
    const reason = reasonAgainst({ address, prefix: around.prefix });
    if (reason === undefined) return [];
    const found = `${address}, ${reason}`;
    return [{ document, path, found, expected: 'the address of a single host' }];
  }
  const known = networks.map((cidr) => `${cidr.address}/${cidr.prefix}`).join(', ');
  const found = `${address}, which interface ${name} cannot reach`;
  const expected =
    known === '' ? 'an address for the interface first' : `an address in the network of ${known}`;
  return [{ document, path, found, expected }];
}
