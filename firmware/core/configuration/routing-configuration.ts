/**
 * Gateways, groups and routes as this node uses them: logical names are devices, texts are numbers,
 * defaults are filled in. What people write is in gateway-schema.ts.
 */
import {
  type Cidr,
  canonicalIpAddress,
  type IpFamily,
  ipFamily,
  parseCidr,
  prefixContains,
} from '../../wire/ip-address.ts';
import { invariant } from '../invariant.ts';
import type { Duration } from '../time.ts';
import type { Documents } from './document-check.ts';
import { parseDuration } from './duration-text.ts';
import type { GatewayDocument, GroupDocument, RouteDocument } from './gateway-schema.ts';
import { deviceOf } from './made-link.ts';

/** When a gateway is warned, and when it is down. */
export interface GatewayLimits<Value> {
  readonly warn: Value;
  readonly down: Value;
}

export interface GatewayConfiguration {
  readonly name: string;
  /** Logical interface. */
  readonly interface: string;
  readonly device: string;
  readonly address: string;
  readonly family: IpFamily;
  /** The node's own addresses of the family on the interface; probes leave from the first. */
  readonly sources: readonly string[];
  /** VIPs of the family on the interface. */
  readonly virtualSources: readonly string[];
  /** Undefined: not monitored, always up. */
  readonly monitor: string | undefined;
  readonly interval: Duration;
  /** An answer later than that is lost. */
  readonly timeout: Duration;
  /** Loss and latency are measured over so long. */
  readonly window: Duration;
  /** How long better must have lasted before it counts. */
  readonly hold: Duration;
  /** Percent of the window's requests. */
  readonly loss: GatewayLimits<number>;
  /** Mean time to an answer. */
  readonly latency: GatewayLimits<Duration>;
  /** 1-100. */
  readonly weight: number;
  /** 0-240; 0 for never. */
  readonly demotion: number;
}

export interface GatewayMember {
  readonly gateway: string;
  /** 1-9, the lowest is used first. */
  readonly tier: number;
  /** 1-100. */
  readonly weight: number;
}

/** When a member is left. */
export type GatewayTrigger = GroupDocument['trigger'];

export interface GatewayGroup {
  readonly name: string;
  readonly members: readonly GatewayMember[];
  readonly trigger: GatewayTrigger;
  readonly sticky: boolean;
}

export interface StaticRoute {
  readonly to: Cidr;
  readonly via: string;
  readonly device: string;
}

export interface RoutingConfiguration {
  /** In the order of their names, as their marks are counted. */
  readonly gateways: readonly GatewayConfiguration[];
  readonly groups: readonly GatewayGroup[];
  /** Names of gateways or groups, at most one per family. */
  readonly defaults: readonly string[];
  /** Next hops that node.yaml names, for families without a default of the cluster. */
  readonly nodeDefaults: readonly { readonly address: string; readonly device: string }[];
  readonly routes: readonly StaticRoute[];
}

/** Undefined when neither document says anything of gateways or routes. */
export function routingConfiguration(documents: Documents): RoutingConfiguration | undefined {
  const { cluster } = documents;
  const gateways = byName(cluster.gateways).map(([name, each]) =>
    gatewayConfiguration(name, each, documents),
  );
  const groups = byName(cluster.gatewayGroups).map(([name, each]) =>
    gatewayGroup(name, each, gateways),
  );
  const defaults = [cluster.defaultGateway ?? []].flat();
  const nodeDefaults = nodeGateways(documents, defaultFamilies(defaults, gateways, groups));
  const routes = cluster.routes.map((route) => staticRoute(route, documents));
  if (gateways.length + nodeDefaults.length + routes.length === 0) return undefined;
  return { gateways, groups, defaults, nodeDefaults, routes };
}

/** The logical interface on which a next hop without one can be reached; undefined for none. */
export function interfaceTowards(host: string, { node, cluster }: Documents): string | undefined {
  const networks = [
    ...Object.entries(node.interfaces).flatMap(([name, { address = [] }]) =>
      [address].flat().map((text) => [name, text] as const),
    ),
    ...cluster.vips.flatMap((vip) =>
      [vip.address, ...vip.aliases].map((text) => [vip.interface, text] as const),
    ),
  ];
  return networks.find(([, text]) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && prefixContains(cidr, host);
  })?.[0];
}

/** Code unit order: the same on both nodes, whatever their language. */
function byName<Value>(record: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
}

function gatewayConfiguration(
  name: string,
  document: GatewayDocument,
  documents: Documents,
): GatewayConfiguration {
  const { node, cluster } = documents;
  const address = canonical(document.address);
  const family = ipFamily(address);
  const own = node.interfaces[document.interface];
  const vips = cluster.vips.filter((vip) => vip.interface === document.interface);
  const monitor = document.monitor ?? document.address;
  return {
    name,
    interface: document.interface,
    device: deviceNamed(document.interface, documents),
    address,
    family,
    sources: addressesOf([own?.address ?? []].flat(), family),
    virtualSources: addressesOf(
      vips.flatMap((vip) => [vip.address, ...vip.aliases]),
      family,
    ),
    monitor: monitor === 'none' ? undefined : canonical(monitor),
    interval: time(document.interval),
    timeout: time(document.timeout),
    window: time(document.window),
    hold: time(document.hold),
    loss: document.loss,
    latency: { warn: time(document.latency.warn), down: time(document.latency.down) },
    weight: document.weight,
    demotion: document.demotion,
  };
}

function gatewayGroup(
  name: string,
  { members, trigger, sticky }: GroupDocument,
  gateways: readonly GatewayConfiguration[],
): GatewayGroup {
  const weightOf = (gateway: string) => gateways.find((each) => each.name === gateway)?.weight ?? 1;
  const resolved = members.map(({ gateway, tier, weight }) => ({
    gateway,
    tier,
    weight: weight ?? weightOf(gateway),
  }));
  return { name, members: resolved, trigger, sticky };
}

function defaultFamilies(
  defaults: readonly string[],
  gateways: readonly GatewayConfiguration[],
  groups: readonly GatewayGroup[],
): ReadonlySet<IpFamily> {
  const first = (name: string) => groups.find((each) => each.name === name)?.members[0]?.gateway;
  const families = defaults.flatMap(
    (name) => gateways.find((each) => each.name === (first(name) ?? name))?.family ?? [],
  );
  return new Set(families);
}

/** The first interface of each family that the cluster leaves open. */
function nodeGateways(
  documents: Documents,
  taken: ReadonlySet<IpFamily>,
): RoutingConfiguration['nodeDefaults'] {
  const seen = new Set(taken);
  return Object.entries(documents.node.interfaces).flatMap(([name, { gateway }]) => {
    const address = gateway && canonical(gateway);
    if (!address || seen.has(ipFamily(address))) return [];
    seen.add(ipFamily(address));
    return [{ address, device: deviceNamed(name, documents) }];
  });
}

function staticRoute({ to, via, interface: on }: RouteDocument, documents: Documents): StaticRoute {
  const gateway = Object.hasOwn(documents.cluster.gateways, via)
    ? documents.cluster.gateways[via]
    : undefined;
  const address = canonical(gateway?.address ?? via);
  const name = gateway?.interface ?? on ?? interfaceTowards(address, documents) ?? '';
  const cidr = parseCidr(to);
  invariant(cidr !== undefined, `network ${to} passed the schema`);
  return { to: cidr, via: address, device: deviceNamed(name, documents) };
}

function deviceNamed(name: string, { node }: Documents): string {
  const document = Object.hasOwn(node.interfaces, name) ? node.interfaces[name] : undefined;
  return (document && deviceOf(name, document)) ?? '';
}

function addressesOf(texts: readonly string[], family: IpFamily): string[] {
  return texts
    .flatMap((text) => parseCidr(text)?.address ?? [])
    .filter((address) => ipFamily(address) === family);
}

function canonical(text: string): string {
  const address = canonicalIpAddress(text);
  invariant(address !== undefined, `address ${text} passed the checks`);
  return address;
}

function time(text: string | number): Duration {
  const duration = parseDuration(text);
  invariant(duration !== undefined, `duration ${text} passed the schema`);
  return duration;
}
