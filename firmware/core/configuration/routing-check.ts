/**
 * Gateways, groups and routes against each other and against the interfaces: names that exist,
 * families that agree, next hops that can be reached.
 */
import {
  canonicalIpAddress,
  formatIpAddress,
  ipAddressBytes,
  ipFamily,
  isIpv6LinkLocal,
  parseCidr,
} from '../../wire/ip-address.ts';
import type { Documents } from './document-check.ts';
import { parseDuration } from './duration-text.ts';
import type { GatewayDocument, GroupDocument, RouteDocument } from './gateway-schema.ts';
import { neighbourProblems } from './interface-check.ts';
import type { FieldPath, Problem } from './problem.ts';
import { interfaceTowards } from './routing-configuration.ts';
import { realAddresses, virtualAddresses } from './written-address.ts';

/** Marks have room for so many gateways, and for as many groups (gateway-marks.ts). */
const MOST_NAMES = 127;
/** A window of fewer requests tells nothing of loss. */
const FEWEST_REQUESTS = 4;

export function routingProblems(documents: Documents): Problem[] {
  const { gateways, gatewayGroups, routes } = documents.cluster;
  return [
    ...Object.entries(gateways).flatMap(([name, each]) => gatewayProblems(name, each, documents)),
    ...tooMany('gateways', Object.keys(gateways).length),
    ...tooMany('gatewayGroups', Object.keys(gatewayGroups).length),
    ...Object.entries(gatewayGroups).flatMap(([name, each]) =>
      groupProblems(name, each, documents),
    ),
    ...mixedStickiness(documents),
    ...defaultProblems(documents),
    ...routes.flatMap((route, index) => routeProblems(route, index, documents)),
    ...routesTwice(routes),
  ];
}

function gatewayProblems(name: string, gateway: GatewayDocument, documents: Documents): Problem[] {
  const at = ['gateways', name];
  const known = interfaceProblem([...at, 'interface'], gateway.interface, documents);
  if (known.length > 0) return known;
  const { loss, latency } = gateway;
  const micros = (text: string) => parseDuration(text) ?? 0;
  const problems = [
    ...reachable([...at, 'address'], gateway.address, gateway.interface, documents),
    ...monitorProblems(name, gateway, documents),
  ];
  if (loss.warn > loss.down) {
    const found = `${loss.warn}, more than down (${loss.down})`;
    problems.push(refusal([...at, 'loss', 'warn'], found, 'at most as much as down'));
  }
  if (micros(latency.warn) > micros(latency.down)) {
    const found = `${latency.warn}, more than down (${latency.down})`;
    problems.push(refusal([...at, 'latency', 'warn'], found, 'at most as much as down'));
  }
  if (micros(gateway.window) < FEWEST_REQUESTS * micros(gateway.interval)) {
    const found = `${gateway.window} with an interval of ${gateway.interval}`;
    problems.push(refusal([...at, 'window'], found, `at least ${FEWEST_REQUESTS} intervals`));
  }
  return problems;
}

/** A monitor is asked from this node's own address through this gateway alone. */
function monitorProblems(name: string, gateway: GatewayDocument, documents: Documents): Problem[] {
  const path = ['gateways', name, 'monitor'];
  if (gateway.monitor === 'none') return [];
  const address = canonicalIpAddress(gateway.address) ?? '';
  const monitor = canonicalIpAddress(gateway.monitor ?? address) ?? '';
  if (ipFamily(monitor) !== ipFamily(address)) {
    const expected = `an IPv${ipFamily(address)} address, as the gateway has one`;
    return [refusal(path, monitor, expected)];
  }
  const taken = [...realAddresses(documents), ...virtualAddresses(documents)];
  const holder = taken.find(({ cidr }) => cidr.address === monitor);
  if (holder !== undefined && gateway.monitor !== undefined) {
    const found = `${monitor}, which is the address of ${holder.bearer}`;
    return [refusal(path, found, 'the address of another machine')];
  }
  const own = realAddresses(documents).filter((each) => each.interface === gateway.interface);
  const hasSource = own.some(({ cidr }) => ipFamily(cidr.address) === ipFamily(address));
  if (hasSource || isIpv6LinkLocal(address)) return [];
  const found = `a monitor on "${gateway.interface}", which has no address of this node`;
  return [refusal(path, found, 'an address for the interface (node.yaml), or none')];
}

function groupProblems(name: string, group: GroupDocument, { cluster }: Documents): Problem[] {
  const at = ['gatewayGroups', name];
  const problems: Problem[] = [];
  if (Object.hasOwn(cluster.gateways, name)) {
    problems.push(refusal(at, 'the name of a gateway', 'a name that no gateway has'));
  }
  const seen = new Set<string>();
  const families = new Set<number>();
  for (const [index, { gateway }] of group.members.entries()) {
    const path = [...at, 'members', index, 'gateway'];
    problems.push(...unknownGateway(path, gateway, Object.keys(cluster.gateways)));
    if (seen.has(gateway)) {
      problems.push(refusal(path, `"${gateway}" for the second time`, 'each gateway once'));
    }
    seen.add(gateway);
    const family = familyOf(gateway, cluster);
    if (family !== undefined) families.add(family);
  }
  if (families.size > 1) {
    const expected = 'gateways of one family, and a group for each';
    problems.push(refusal([...at, 'members'], 'IPv4 and IPv6 gateways', expected));
  }
  return problems;
}

/** The kernel chooses among next hops by one rule for all (fib_multipath_hash_policy). */
function mixedStickiness({ cluster }: Documents): Problem[] {
  const sharing = Object.entries(cluster.gatewayGroups).filter(([, { members }]) => {
    const tiers = members.map(({ tier }) => tier);
    return new Set(tiers).size < tiers.length;
  });
  const [first] = sharing;
  return sharing.flatMap(([name, { sticky }]) => {
    if (first === undefined || sticky === first[1].sticky) return [];
    const found = `${sticky}, while group ${first[0]} has ${first[1].sticky}`;
    return [
      refusal(['gatewayGroups', name, 'sticky'], found, 'the same for all groups that share'),
    ];
  });
}

function defaultProblems({ cluster }: Documents): Problem[] {
  const { defaultGateway, gateways, gatewayGroups } = cluster;
  if (defaultGateway === undefined) return [];
  const families = new Set<number>();
  return [defaultGateway].flat().flatMap((name, index): Problem[] => {
    const path = Array.isArray(defaultGateway) ? ['defaultGateway', index] : ['defaultGateway'];
    const known = [...Object.keys(gateways), ...Object.keys(gatewayGroups)];
    const unknown = unknownGateway(path, name, known);
    if (unknown.length > 0) return unknown;
    const group = Object.hasOwn(gatewayGroups, name) ? gatewayGroups[name] : undefined;
    const family = familyOf(group?.members[0]?.gateway ?? name, cluster);
    if (family === undefined || !families.has(family)) {
      if (family !== undefined) families.add(family);
      return [];
    }
    const found = `"${name}", a second default for IPv${family}`;
    return [refusal(path, found, 'one for IPv4 and one for IPv6')];
  });
}

function routeProblems(route: RouteDocument, index: number, documents: Documents): Problem[] {
  const at = ['routes', index];
  const { to, via, interface: on } = route;
  const problems = networkProblems([...at, 'to'], to);
  const address = canonicalIpAddress(via);
  const { gateways } = documents.cluster;
  const gateway = Object.hasOwn(gateways, via) ? gateways[via] : undefined;
  if (address === undefined) {
    problems.push(...unknownGateway([...at, 'via'], via, Object.keys(gateways)));
    if (on !== undefined && gateway !== undefined && on !== gateway.interface) {
      const expected = `${gateway.interface}, on which the gateway is, or nothing`;
      problems.push(refusal([...at, 'interface'], `"${on}"`, expected));
    }
  } else problems.push(...hopProblems(at, address, on, documents));
  const hop = canonicalIpAddress(gateway?.address ?? via);
  const family = hop === undefined ? undefined : ipFamily(hop);
  const network = parseCidr(to);
  if (family !== undefined && network && ipFamily(network.address) !== family) {
    const expected = `a next hop of IPv${ipFamily(network.address)}, as the network is`;
    problems.push(refusal([...at, 'via'], `"${via}"`, expected));
  }
  return problems;
}

function hopProblems(
  at: FieldPath,
  address: string,
  on: string | undefined,
  documents: Documents,
): Problem[] {
  const path = [...at, 'via'];
  if (on !== undefined) {
    const unknown = interfaceProblem([...at, 'interface'], on, documents);
    return unknown.length > 0 ? unknown : reachable(path, address, on, documents);
  }
  const towards = interfaceTowards(address, documents);
  if (towards !== undefined) return reachable(path, address, towards, documents);
  const found = `${address}, which is in no network of an interface`;
  return [refusal(path, found, 'the address of a neighbour, or an interface besides')];
}

/** The kernel refuses a network with bits behind its prefix length. */
function networkProblems(path: FieldPath, text: string): Problem[] {
  const cidr = parseCidr(text);
  if (cidr === undefined) return [];
  if (cidr.prefix === 0) {
    return [refusal(path, `"${text}"`, 'a network; what is left goes to defaultGateway')];
  }
  const masked = formatIpAddress(
    ipAddressBytes(cidr.address).map((byte, index) => {
      const bits = Math.min(8, Math.max(0, cidr.prefix - index * 8));
      return byte & (0xff00 >> bits) & 0xff;
    }),
  );
  if (masked === cidr.address) return [];
  return [refusal(path, `"${text}", an address within`, `the network ${masked}/${cidr.prefix}`)];
}

function routesTwice(routes: readonly RouteDocument[]): Problem[] {
  const seen = new Map<string, number>();
  return routes.flatMap(({ to }, index): Problem[] => {
    const cidr = parseCidr(to);
    const key = `${cidr?.address}/${cidr?.prefix}`;
    const first = seen.get(key);
    seen.set(key, first ?? index);
    if (first === undefined) return [];
    const found = `"${to}", which routes[${first}] leads to already`;
    return [refusal(['routes', index, 'to'], found, 'each network once')];
  });
}

function reachable(path: FieldPath, host: string, name: string, documents: Documents): Problem[] {
  const all = [...realAddresses(documents), ...virtualAddresses(documents)];
  return neighbourProblems(path, host, { name, taken: all, near: all });
}

function interfaceProblem(path: FieldPath, name: string, { node }: Documents): Problem[] {
  const known = Object.entries(node.interfaces);
  const found = known.find(([each]) => each === name);
  if (found === undefined) {
    const names = known.map(([each]) => each).join(', ');
    return [refusal(path, `"${name}"`, `one of ${names} (node.yaml)`)];
  }
  if (found[1].peer === undefined) return [];
  return [
    refusal(path, `"${name}", a sync interface`, 'an interface with a way to other networks'),
  ];
}

function unknownGateway(path: FieldPath, name: string, known: readonly string[]): Problem[] {
  if (known.includes(name)) return [];
  const expected = known.length === 0 ? 'a gateway first' : `one of ${known.join(', ')}`;
  return [refusal(path, `"${name}"`, expected)];
}

function tooMany(area: string, count: number): Problem[] {
  if (count <= MOST_NAMES) return [];
  return [refusal([area], `${count} of them`, `at most ${MOST_NAMES}`)];
}

function familyOf(gateway: string, { gateways }: Documents['cluster']): number | undefined {
  const document = Object.hasOwn(gateways, gateway) ? gateways[gateway] : undefined;
  const address = document && canonicalIpAddress(document.address);
  return address === undefined ? undefined : ipFamily(address);
}

function refusal(path: FieldPath, found: string, expected: string): Problem {
  return { document: 'cluster', path, found, expected };
}
