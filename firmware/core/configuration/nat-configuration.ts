/**
 * Translation as this node renders it: VIPs and aliases followed to addresses. Made from documents
 * that nat-check.ts has found no fault with.
 */
import {
  type Cidr,
  canonicalIpAddress,
  type IpFamily,
  ipFamily,
  parseCidr,
} from '../../wire/ip-address.ts';
import type { Aliases } from './aliases.ts';
import type { Documents } from './document-check.ts';
import {
  type AddressMatch,
  addressMatch,
  type TrafficMatch,
  trafficMatch,
} from './firewall-configuration.ts';
import { protocolNumber } from './protocol-number.ts';
import { interfaceTowards } from './routing-configuration.ts';
import type { ClusterDocument } from './schema.ts';
import type { Spans } from './spans.ts';
import { realAddresses, virtualAddresses } from './written-address.ts';

export interface OutboundRule extends TrafficMatch {
  readonly name: string;
  readonly interface: string;
  /** What stands in for the sender; undefined: not translated. */
  readonly translate: string | undefined;
}

/** Networks inside that leave by an outer interface. */
export interface AutomaticTranslation {
  readonly interface: string;
  /** IPv4 address of its first VIP; undefined when it has none: the node's own. */
  readonly translate: string | undefined;
}

export interface Forward {
  readonly name: string;
  readonly interface: string;
  readonly family: IpFamily;
  /** Address of a VIP. */
  readonly address: string;
  /** IP protocol numbers. */
  readonly protocols: readonly number[];
  readonly ports: Spans;
  readonly target: string;
  readonly targetPort: number | undefined;
  readonly source: AddressMatch | undefined;
  readonly accept: boolean;
  readonly reflection: boolean;
}

export interface OneToOne {
  readonly name: string;
  readonly interface: string;
  readonly family: IpFamily;
  readonly external: string;
  readonly internal: string;
  readonly reflection: boolean;
}

export interface NatConfiguration {
  /** In their order. */
  readonly rules: readonly OutboundRule[];
  readonly automatic: readonly AutomaticTranslation[];
  /** IPv4 networks of all interfaces that are not outer ones, and those routed to there. */
  readonly inside: Spans;
  readonly forwards: readonly Forward[];
  readonly oneToOne: readonly OneToOne[];
}

export type NatDocument = NonNullable<ClusterDocument['nat']>;

const ALL_PORTS: Spans = [{ first: 1n, last: 65_535n }];

export function natConfiguration(
  documents: Documents,
  document: NatDocument,
  aliases: Aliases,
): NatConfiguration {
  const outer = outerInterfaces(documents, document);
  const { mode, rules } = document.outbound;
  return {
    rules: rules.map((rule) => outboundRule(documents, rule, aliases)),
    automatic: mode === 'manual' ? [] : outer.map((each) => automatic(documents, each)),
    inside: insideNetworks(documents, outer, aliases),
    forwards: document.forwards.map((each) => forward(documents, each, aliases)),
    oneToOne: document.oneToOne.map(oneToOne),
  };
}

/** Interfaces behind which the world is: as written, else those with a gateway. */
export function outerInterfaces(
  { node, cluster }: Documents,
  { outbound }: NatDocument,
): readonly string[] {
  const withGateway = Object.entries(node.interfaces)
    .filter(([, { gateway }]) => gateway !== undefined)
    .map(([name]) => name);
  const ways = Object.values(cluster.gateways).map((gateway) => gateway.interface);
  return outbound.interfaces ?? [...new Set([...withGateway, ...ways])];
}

/** Networks of cluster.yaml's routes, and the interface they are behind. */
export function routedNetworks(
  documents: Documents,
): readonly { readonly cidr: Cidr; readonly interface: string | undefined }[] {
  const { gateways, routes } = documents.cluster;
  return routes.flatMap(({ to, via, interface: on }) => {
    const cidr = parseCidr(to);
    const gateway = Object.hasOwn(gateways, via) ? gateways[via] : undefined;
    // The check of the routes says what is wrong with any other name.
    const hop = canonicalIpAddress(via);
    const behind = gateway?.interface ?? on ?? (hop && interfaceTowards(hop, documents));
    return cidr === undefined ? [] : [{ cidr, interface: behind }];
  });
}

/** Addresses of the VIP, or the address of a VIP, that is meant; of one interface if given. */
export function meantAddresses(
  { cluster }: Pick<Documents, 'cluster'>,
  written: string | undefined,
  on?: string,
): readonly string[] {
  const all = virtualAddresses({ cluster }).filter(
    (each) => on === undefined || each.interface === on,
  );
  const addresses = all.map(({ cidr }) => cidr.address);
  if (written === undefined) return addresses;
  const address = canonicalIpAddress(written);
  if (address !== undefined) return addresses.filter((each) => each === address);
  const bearers = [`VIP ${written}`, `alias of VIP ${written}`];
  return all.filter(({ bearer }) => bearers.includes(bearer)).map(({ cidr }) => cidr.address);
}

const ofFamily = (addresses: readonly string[], family: IpFamily): string | undefined =>
  addresses.find((each) => ipFamily(each) === family);

function outboundRule(
  documents: Documents,
  rule: NatDocument['outbound']['rules'][number],
  aliases: Aliases,
): OutboundRule {
  const { name, interface: on } = rule;
  const match = trafficMatch(rule, aliases);
  if (rule.translate === 'none') return { ...match, name, interface: on, translate: undefined };
  const addresses = meantAddresses(documents, rule.translate, on);
  const family = match.families.find((each) => ofFamily(addresses, each) !== undefined);
  const translate = ofFamily(addresses, family ?? 4);
  // None for a rule that matches nothing, as an alias in it is empty.
  const families = family === undefined ? [] : [family];
  return { ...match, families, name, interface: on, translate };
}

function automatic(documents: Documents, on: string): AutomaticTranslation {
  return { interface: on, translate: ofFamily(meantAddresses(documents, undefined, on), 4) };
}

function insideNetworks(documents: Documents, outer: readonly string[], aliases: Aliases): Spans {
  const inside = [
    ...realAddresses(documents),
    ...virtualAddresses(documents),
    ...routedNetworks(documents),
  ].filter((each) => !outer.includes(each.interface ?? '') && ipFamily(each.cidr.address) === 4);
  return aliases.addresses(inside.map(({ cidr }) => networkText(cidr))).v4;
}

const networkText = ({ address, prefix }: Cidr): string => `${address}/${prefix}`;

function forward(
  documents: Documents,
  document: NatDocument['forwards'][number],
  aliases: Aliases,
): Forward {
  const { name, interface: on, vip, targetPort, accept, reflection } = document;
  const target = canonicalIpAddress(document.target) ?? document.target;
  const family = ipFamily(target);
  return {
    name,
    interface: on,
    family,
    address: ofFamily(meantAddresses(documents, vip, on), family) ?? target,
    protocols: [...new Set([document.protocol].flat())].map(protocolNumber),
    ports: document.ports === 'any' ? ALL_PORTS : aliases.ports(document.ports),
    target,
    targetPort,
    source: addressMatch(document.source, aliases),
    accept,
    reflection,
  };
}

function oneToOne(document: NatDocument['oneToOne'][number]): OneToOne {
  const external = canonicalIpAddress(document.external) ?? document.external;
  const internal = canonicalIpAddress(document.internal) ?? document.internal;
  const { name, interface: on, reflection } = document;
  return { name, interface: on, family: ipFamily(external), external, internal, reflection };
}
