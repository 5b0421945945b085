/**
 * The firewall as this node renders it: names followed, defaults filled in. Made from documents
 * that firewall-check.ts has found no fault with.
 */
import type { AddressSpans, Aliases, Written } from './aliases.ts';
import { LIMIT_PATTERN } from './firewall-schema.ts';
import { protocolNumber } from './protocol-number.ts';
import type { ClusterDocument, NodeDocument } from './schema.ts';
import type { Spans } from './spans.ts';

/** Some addresses; of one alias exactly when `alias` is given. */
export interface AddressMatch extends AddressSpans {
  readonly alias: string | undefined;
}

export interface PortMatch {
  readonly alias: string | undefined;
  readonly spans: Spans;
}

/** What a packet carries. Undefined stands for any. */
export interface TrafficMatch {
  /** 4, 6 or both; none when an alias in it is empty. */
  readonly families: readonly (4 | 6)[];
  /** IP protocol numbers. */
  readonly protocols: readonly number[] | undefined;
  readonly source: AddressMatch | undefined;
  readonly destination: AddressMatch | undefined;
  readonly sourcePorts: PortMatch | undefined;
  readonly ports: PortMatch | undefined;
}

/** Where a connection comes from or goes to. */
export interface Places {
  /** Logical interfaces; undefined for every one. */
  readonly interfaces: readonly string[] | undefined;
  /** Whether the gateway itself is among them. */
  readonly node: boolean;
}

export interface FirewallRule extends TrafficMatch {
  readonly name: string;
  readonly from: Places;
  readonly to: Places;
  readonly action: 'accept' | 'drop' | 'reject';
  readonly log: boolean;
  readonly limit: { readonly count: number; readonly unit: string } | undefined;
  /** A gateway or a group of them. */
  readonly gateway: string | undefined;
}

export interface FirewallConfiguration {
  readonly default: 'drop' | 'reject';
  readonly logDefault: boolean;
  /** Where from and to which TCP ports nobody can be locked out. */
  readonly lockout: { readonly interface: string; readonly ports: Spans } | undefined;
  readonly rules: readonly FirewallRule[];
}

export type FirewallDocument = NonNullable<ClusterDocument['firewall']>;
export type RuleDocument = FirewallDocument['rules'][number];

/** The fields by which a rule of the firewall or of NAT says what it matches. */
export type MatchDocument = Pick<RuleDocument, 'source' | 'destination' | 'protocol' | 'ports'> &
  Partial<Pick<RuleDocument, 'family' | 'sourcePorts'>>;

const [ICMP, ICMPV6] = [protocolNumber('icmp'), protocolNumber('icmpv6')];

export function firewallConfiguration(
  document: FirewallDocument,
  interfaces: NodeDocument['interfaces'],
  aliases: Aliases,
): FirewallConfiguration {
  return {
    default: document.default,
    logDefault: document.logDefault,
    lockout: lockout(document, interfaces, aliases),
    rules: document.rules.map((rule) => firewallRule(rule, aliases)),
  };
}

export function firewallRule(rule: RuleDocument, aliases: Aliases): FirewallRule {
  const { name, action, log, gateway } = rule;
  const [, count, unit] = LIMIT_PATTERN.exec(rule.limit ?? '') ?? [];
  return {
    ...trafficMatch(rule, aliases),
    name,
    from: places(rule.from),
    to: places(rule.to),
    action,
    log,
    limit: unit === undefined ? undefined : { count: Number(count), unit },
    gateway,
  };
}

export function trafficMatch(document: MatchDocument, aliases: Aliases): TrafficMatch {
  const protocols = protocolNumbers(document.protocol);
  const source = addressMatch(document.source, aliases);
  const destination = addressMatch(document.destination, aliases);
  const sourcePorts = portMatch(document.sourcePorts ?? 'any', aliases);
  const ports = portMatch(document.ports, aliases);
  const isHollow = [sourcePorts, ports].some((each) => each?.spans.length === 0);
  const families = ([4, 6] as const).filter(
    (family) =>
      !isHollow &&
      document.family !== (family === 4 ? 'ipv6' : 'ipv4') &&
      [source, destination].every((each) => each === undefined || of(each, family).length > 0) &&
      (protocols === undefined || protocols.some((each) => each !== foreign(family))),
  );
  return {
    families,
    protocols,
    source,
    destination,
    sourcePorts,
    ports,
  };
}

export function places(written: string | readonly string[]): Places {
  const names = [written].flat();
  const interfaces = names.filter((name) => name !== 'node' && name !== 'any');
  return {
    interfaces: names.includes('any') ? undefined : interfaces,
    node: names.includes('node'),
  };
}

export function addressMatch(written: Written, aliases: Aliases): AddressMatch | undefined {
  if (written === 'any') return undefined;
  return { alias: onlyAlias('addresses', written, aliases), ...aliases.addresses(written) };
}

export function portMatch(written: Written, aliases: Aliases): PortMatch | undefined {
  if (written === 'any') return undefined;
  return { alias: onlyAlias('ports', written, aliases), spans: aliases.ports(written) };
}

/** Undefined for any. */
export function protocolNumbers(written: MatchDocument['protocol']): readonly number[] | undefined {
  if (written === 'any') return undefined;
  return [...new Set([written].flat().map(protocolNumber))].sort((a, b) => a - b);
}

/** The spans of one family. */
export function of(addresses: AddressSpans, family: 4 | 6): Spans {
  return family === 4 ? addresses.v4 : addresses.v6;
}

/** Where nobody is locked out: as written, else `lan`, else the first inner interface. */
function lockout(
  { lockout }: FirewallDocument,
  interfaces: NodeDocument['interfaces'],
  aliases: Aliases,
): FirewallConfiguration['lockout'] {
  const inner = Object.entries(interfaces)
    .filter(([, { gateway, peer }]) => gateway === undefined && peer === undefined)
    .map(([name]) => name);
  const first = inner.includes('lan') ? 'lan' : inner[0];
  const name = lockout.interface ?? first;
  if (!lockout.enabled || name === undefined) return undefined;
  return { interface: name, ports: portMatch(lockout.ports, aliases)?.spans ?? [] };
}

function onlyAlias(
  kind: 'addresses' | 'ports',
  written: Written,
  aliases: Aliases,
): string | undefined {
  const [item, ...more] = [written].flat();
  const name = String(item);
  return more.length === 0 && aliases.has(kind, name) ? name : undefined;
}

/** The ICMP of the other family. */
function foreign(family: 4 | 6): number {
  return family === 4 ? ICMPV6 : ICMP;
}
