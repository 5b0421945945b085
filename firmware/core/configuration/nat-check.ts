/** Translations against the interfaces, VIPs and aliases they name, and against each other. */
import { canonicalIpAddress, ipFamily, prefixContains } from '../../wire/ip-address.ts';
import { writtenProblems } from './alias-check.ts';
import type { Aliases } from './aliases.ts';
import type { Documents } from './document-check.ts';
import { interfaceNames, matchProblems } from './firewall-check.ts';
import { of, trafficMatch } from './firewall-configuration.ts';
import {
  type Forward,
  meantAddresses,
  type NatDocument,
  natConfiguration,
  outerInterfaces,
  routedNetworks,
} from './nat-configuration.ts';
import { type FieldPath, type Problem, quote } from './problem.ts';
import { spansOverlap } from './spans.ts';
import { namesUsedTwice, unknownName } from './unknown-name.ts';
import { realAddresses, virtualAddresses } from './written-address.ts';

type ForwardDocument = NatDocument['forwards'][number];
type OneToOneDocument = NatDocument['oneToOne'][number];
type OutboundDocument = NatDocument['outbound']['rules'][number];

export function natProblems(documents: Documents, aliases: Aliases): Problem[] {
  const { nat } = documents.cluster;
  if (nat === undefined) return [];
  const { outbound, forwards, oneToOne } = nat;
  const problems = [
    ...namesUsedTwice(outbound.rules, ['nat', 'outbound', 'rules'], 'outbound rule'),
    ...namesUsedTwice(forwards, ['nat', 'forwards'], 'forward'),
    ...namesUsedTwice(oneToOne, ['nat', 'oneToOne'], 'translation'),
    ...outboundProblems(documents, nat, aliases),
    ...forwards.flatMap((each, index) => forwardProblems(documents, each, index, aliases)),
    ...oneToOne.flatMap((each, index) => oneToOneProblems(documents, each, index)),
    ...takenTwice(oneToOne),
  ];
  return problems.length > 0 ? problems : forwardedTwice(documents, nat, aliases);
}

function outboundProblems(documents: Documents, nat: NatDocument, aliases: Aliases): Problem[] {
  const { mode, interfaces = [], rules } = nat.outbound;
  const path = ['nat', 'outbound'];
  const problems = [
    ...interfaceNames(documents, interfaces, [...path, 'interfaces']),
    ...rules.flatMap((rule, index) => [
      ...interfaceNames(documents, rule.interface, [...path, 'rules', index, 'interface']),
      ...matchProblems(rule, [...path, 'rules', index], aliases),
      ...translationProblems(documents, rule, index, aliases),
    ]),
  ];
  if (mode === 'automatic' && rules.length > 0) {
    const found = 'rules, which mode automatic does not ask';
    const expected = 'mode hybrid or manual';
    problems.push({ document: 'cluster', path: [...path, 'rules'], found, expected });
  }
  if (mode !== 'manual' && outerInterfaces(documents, nat).length === 0) {
    const found = `mode ${mode}, while no interface has a gateway`;
    const expected = 'a gateway, interfaces beside mode, or mode manual';
    problems.push({ document: 'cluster', path: [...path, 'mode'], found, expected });
  }
  return problems;
}

function translationProblems(
  documents: Documents,
  rule: OutboundDocument,
  index: number,
  aliases: Aliases,
): Problem[] {
  const { translate, interface: on } = rule;
  if (translate === 'none') return [];
  const path = ['nat', 'outbound', 'rules', index, 'translate'];
  const problems = vipProblems(documents, translate, on, path);
  if (problems.length > 0) return problems;
  const families = meantAddresses(documents, translate, on).map(ipFamily);
  const match = trafficMatch(rule, aliases).families;
  if (match.length === 0 || match.some((family) => families.includes(family))) return [];
  const found = `${quote(translate)}, which has no IPv${match.join(' or IPv')} address`;
  return [{ document: 'cluster', path, found, expected: 'one of the family of the rule' }];
}

/** A VIP by name, or an address of one, on this interface. */
function vipProblems(
  documents: Documents,
  written: string,
  on: string,
  path: FieldPath,
): Problem[] {
  if (meantAddresses(documents, written, on).length > 0) return [];
  const document = 'cluster';
  const vips = documents.cluster.vips.filter((vip) => vip.interface === on);
  const names = vips.map(({ name }) => name);
  if (canonicalIpAddress(written) !== undefined) {
    const found = `${written}, which no VIP of interface ${on} has`;
    const expected = `an address of ${names.join(' or ') || 'a VIP there'}`;
    return [{ document, path, found, expected }];
  }
  if (meantAddresses(documents, written).length === 0) {
    return [unknownName({ document, path }, written, 'VIP', names)];
  }
  const found = `VIP ${written}, which is on another interface than ${on}`;
  return [{ document, path, found, expected: names.join(' or ') || 'a VIP there' }];
}

function forwardProblems(
  documents: Documents,
  forward: ForwardDocument,
  index: number,
  aliases: Aliases,
): Problem[] {
  const path = ['nat', 'forwards', index];
  const { interface: on, vip, target, ports, source } = forward;
  const unknown = [
    ...interfaceNames(documents, on, [...path, 'interface']),
    ...writtenProblems('ports', ports, [...path, 'ports'], aliases),
    ...writtenProblems('addresses', source, [...path, 'source'], aliases),
  ];
  if (unknown.length > 0) return unknown;
  const family = ipFamily(target);
  return [
    ...(vip === undefined ? [] : vipProblems(documents, vip, on, [...path, 'vip'])),
    ...familyOfVip(documents, forward, path),
    ...unreachable(documents, target, [...path, 'target']),
    ...targetPortProblems(forward, path, aliases),
    ...sourceFamily(source, family, path, aliases),
  ];
}

function familyOfVip(documents: Documents, forward: ForwardDocument, path: FieldPath): Problem[] {
  const { interface: on, vip, target } = forward;
  const addresses = meantAddresses(documents, vip, on);
  const family = ipFamily(target);
  if (addresses.some((each) => ipFamily(each) === family)) return [];
  if (vip !== undefined && addresses.length === 0) return [];
  const found = `${target}, while ${vip ?? `interface ${on}`} has no virtual IPv${family} address`;
  const expected = 'a target and a VIP of one family';
  return [{ document: 'cluster', path: [...path, 'target'], found, expected }];
}

function targetPortProblems(
  { targetPort, ports }: ForwardDocument,
  path: FieldPath,
  aliases: Aliases,
): Problem[] {
  const spans = ports === 'any' ? [] : aliases.ports(ports);
  const isSingle = ports !== 'any' && spans.every(({ first, last }) => first === last);
  if (targetPort === undefined || isSingle) return [];
  const found = `${targetPort} for a range of ports`;
  const expected = 'single ports, or no targetPort (each port leads to the same one)';
  return [{ document: 'cluster', path: [...path, 'targetPort'], found, expected }];
}

function sourceFamily(
  source: ForwardDocument['source'],
  family: 4 | 6,
  path: FieldPath,
  aliases: Aliases,
): Problem[] {
  if (source === 'any') return [];
  const spans = aliases.addresses(source);
  const isForeign = of(spans, family).length === 0 && of(spans, family === 4 ? 6 : 4).length > 0;
  if (!isForeign) return [];
  const found = `addresses of which none is IPv${family}, as the target is`;
  const expected = `IPv${family} addresses`;
  return [{ document: 'cluster', path: [...path, 'source'], found, expected }];
}

/** What is behind no interface would be sent out to the world. */
function unreachable(documents: Documents, address: string, path: FieldPath): Problem[] {
  const around = [
    ...realAddresses(documents),
    ...virtualAddresses(documents),
    ...routedNetworks(documents),
  ];
  if (around.some(({ cidr }) => prefixContains(cidr, address))) return [];
  const found = `${address}, which is in no network of an interface or route`;
  return [{ document: 'cluster', path, found, expected: 'the address of a machine inside' }];
}

function oneToOneProblems(
  documents: Documents,
  { interface: on, external, internal }: OneToOneDocument,
  index: number,
): Problem[] {
  const path = ['nat', 'oneToOne', index];
  const unknown = interfaceNames(documents, on, [...path, 'interface']);
  if (unknown.length > 0) return unknown;
  const problems = [
    ...vipProblems(documents, external, on, [...path, 'external']),
    ...unreachable(documents, internal, [...path, 'internal']),
  ];
  if (ipFamily(external) !== ipFamily(internal)) {
    const found = `${internal}, while ${external} is IPv${ipFamily(external)}`;
    const at = [...path, 'internal'];
    problems.push({ document: 'cluster', path: at, found, expected: 'addresses of one family' });
  }
  return problems;
}

/** An outer address leads to one machine; a machine has one outer address per interface. */
function takenTwice(list: readonly OneToOneDocument[]): Problem[] {
  const users = new Map<string, string>();
  return list.flatMap((each, index): Problem[] =>
    (['external', 'internal'] as const).flatMap((field) => {
      const address = canonicalIpAddress(each[field]) ?? each[field];
      const key = field === 'external' ? address : `${address} ${each.interface}`;
      const user = users.get(`${field} ${key}`);
      users.set(`${field} ${key}`, user ?? each.name);
      if (user === undefined) return [];
      const found = `${address}, which ${user} translates already`;
      const path = ['nat', 'oneToOne', index, field];
      return [{ document: 'cluster', path, found, expected: 'an address of its own' }];
    }),
  );
}

/** Of two forwards that take the same connections, the second would wait for ever. */
function forwardedTwice(documents: Documents, nat: NatDocument, aliases: Aliases): Problem[] {
  const { forwards } = natConfiguration(documents, nat, aliases);
  return forwards.flatMap((forward, index): Problem[] => {
    const earlier = forwards.slice(0, index).find((each) => takesFrom(each, forward));
    if (earlier === undefined) return [];
    const found = `ports of ${forward.address} that ${earlier.name} forwards already`;
    const path = ['nat', 'forwards', index, 'ports'];
    return [{ document: 'cluster', path, found, expected: 'other ports, or other sources' }];
  });
}

/** Sources that a later forward narrows down belong before it: only what overlaps is refused. */
function takesFrom(earlier: Forward, later: Forward): boolean {
  const { source: one } = earlier;
  const { source: other } = later;
  const share =
    one === undefined ||
    (other !== undefined && spansOverlap(of(one, later.family), of(other, later.family)));
  return (
    share &&
    earlier.address === later.address &&
    earlier.protocols.some((each) => later.protocols.includes(each)) &&
    spansOverlap(earlier.ports, later.ports)
  );
}
