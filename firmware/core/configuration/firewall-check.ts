/** Rules of the firewall against everything they name, and against each other. */
import { writtenProblems } from './alias-check.ts';
import type { Aliases } from './aliases.ts';
import type { Documents } from './document-check.ts';
import {
  type FirewallDocument,
  firewallRule,
  type MatchDocument,
  protocolNumbers,
  type RuleDocument,
  trafficMatch,
} from './firewall-configuration.ts';
import { type FieldPath, type Problem, quote } from './problem.ts';
import { protocolNumber } from './protocol-number.ts';
import { coveredRules } from './rule-cover.ts';
import { namesUsedTwice, unknownName } from './unknown-name.ts';

/** Words of rules, which no interface may be called. */
const RESERVED = ['any', 'node'];
const WITH_PORTS = (['tcp', 'udp', 'sctp', 'udplite'] as const).map(protocolNumber);

export function firewallProblems(documents: Documents, aliases: Aliases): Problem[] {
  const { firewall } = documents.cluster;
  if (firewall === undefined) return [];
  const path = ['firewall', 'rules'];
  const problems = [
    ...reservedNames(documents),
    ...namesUsedTwice(firewall.rules, path, 'rule'),
    ...lockoutProblems(documents, firewall, aliases),
    ...firewall.rules.flatMap((rule, index) => [
      ...placeProblems(documents, rule, [...path, index]),
      ...matchProblems(rule, [...path, index], aliases),
    ]),
  ];
  // What names cannot be followed says nothing about what it covers.
  return problems.length > 0 ? problems : hiddenRules(documents, firewall, aliases);
}

/** What a rule of the firewall or of NAT matches, by itself. */
export function matchProblems(
  document: MatchDocument,
  path: FieldPath,
  aliases: Aliases,
): Problem[] {
  const { source, destination, sourcePorts = 'any', ports } = document;
  const problems = [
    ...writtenProblems('addresses', source, [...path, 'source'], aliases),
    ...writtenProblems('addresses', destination, [...path, 'destination'], aliases),
    ...writtenProblems('ports', sourcePorts, [...path, 'sourcePorts'], aliases),
    ...writtenProblems('ports', ports, [...path, 'ports'], aliases),
    ...portProblems(document, path),
  ];
  return problems.length > 0 ? problems : familyProblems(document, path, aliases);
}

/** Interfaces in a field, one or a list of them. */
export function interfaceNames(
  { node }: Documents,
  written: string | readonly string[],
  path: FieldPath,
  words: readonly string[] = [],
): Problem[] {
  const known = Object.keys(node.interfaces);
  return [written].flat().flatMap((name, index) => {
    if (known.includes(name) || words.includes(name)) return [];
    const at = Array.isArray(written) ? [...path, index] : path;
    return [unknownName({ document: 'cluster', path: at }, name, 'interface', known)];
  });
}

function reservedNames({ node }: Documents): Problem[] {
  const taken = Object.keys(node.interfaces).filter((name) => RESERVED.includes(name));
  return taken.map((name) => ({
    document: 'node',
    path: ['interfaces', name],
    found: `${quote(name)}, a word of the rules of the firewall`,
    expected: 'another name',
  }));
}

function lockoutProblems(
  documents: Documents,
  { lockout }: FirewallDocument,
  aliases: Aliases,
): Problem[] {
  const path = ['firewall', 'lockout'];
  const { interface: on = [], ports } = lockout;
  return [
    ...interfaceNames(documents, on, [...path, 'interface']),
    ...writtenProblems('ports', ports, [...path, 'ports'], aliases),
  ];
}

function placeProblems(documents: Documents, rule: RuleDocument, path: FieldPath): Problem[] {
  const problems = (['from', 'to'] as const).flatMap((end) =>
    interfaceNames(documents, rule[end], [...path, end], RESERVED),
  );
  if (isOnlyNode(rule.from) && isOnlyNode(rule.to)) {
    const found = 'a rule from the gateway to itself, which is never asked';
    problems.push({ document: 'cluster', path, found, expected: 'an interface on one end' });
  }
  problems.push(...gatewayProblems(documents, rule, [...path, 'gateway']));
  return problems;
}

function gatewayProblems(
  { cluster }: Documents,
  { gateway, action, to, from }: RuleDocument,
  path: FieldPath,
): Problem[] {
  if (gateway === undefined) return [];
  const at = { document: 'cluster', path } as const;
  const known = [...Object.keys(cluster.gateways), ...Object.keys(cluster.gatewayGroups)];
  if (!known.includes(gateway)) return [unknownName(at, gateway, 'gateway or group', known)];
  if (action !== 'accept') {
    const found = `a gateway for what the rule does not let pass (${action})`;
    return [{ ...at, found, expected: 'action accept' }];
  }
  if (!isOnlyNode(to) && !isOnlyNode(from)) return [];
  const found = 'a gateway for what is not forwarded';
  return [{ ...at, found, expected: 'interfaces in from and to' }];
}

const isOnlyNode = (written: string | readonly string[]): boolean =>
  [written].flat().every((each) => each === 'node');

function portProblems(document: MatchDocument, path: FieldPath): Problem[] {
  const used = (['sourcePorts', 'ports'] as const).find((field) => {
    return (document[field] ?? 'any') !== 'any';
  });
  const numbers = protocolNumbers(document.protocol);
  const odd = numbers?.find((each) => !WITH_PORTS.includes(each));
  if (used === undefined || (numbers !== undefined && odd === undefined)) return [];
  const found = `ports of ${odd === undefined ? 'any protocol' : `protocol ${odd}`}`;
  const expected = 'protocol tcp, udp, [tcp, udp], sctp or udplite';
  return [{ document: 'cluster', path: [...path, used], found, expected }];
}

/** Addresses of both families in one packet are not to be had. */
function familyProblems(document: MatchDocument, path: FieldPath, aliases: Aliases): Problem[] {
  const { families, source, destination, ...rest } = trafficMatch(document, aliases);
  const isHollow =
    [source, destination].some((each) => each?.v4.length === 0 && each.v6.length === 0) ||
    [rest.sourcePorts, rest.ports].some((each) => each?.spans.length === 0);
  if (families.length > 0 || isHollow) return [];
  const found = 'family, protocol, source and destination that are never those of one packet';
  const expected = 'all of IPv4, or all of IPv6';
  return [{ document: 'cluster', path, found, expected }];
}

function hiddenRules(
  { node }: Documents,
  { rules }: FirewallDocument,
  aliases: Aliases,
): Problem[] {
  const resolved = rules.map((rule) => firewallRule(rule, aliases));
  return coveredRules(resolved, Object.keys(node.interfaces)).map(({ index, by }) => ({
    document: 'cluster',
    path: ['firewall', 'rules', index],
    found: `rule ${rules[index]?.name}, which never matches: ${rules[by]?.name} comes first`,
    expected: 'it before that one, or not at all',
  }));
}
