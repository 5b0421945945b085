/**
 * Both documents together: from what people wrote to what this node shall do, or every reason why
 * not. The schema has checked each field by itself; here they are checked against each other.
 *
 * Mistakes are refused before anything changes, because on a pair a mistake is replicated: two VIPs
 * with one VHID, equal skews or a wrong prefix length each cost somebody a night in the field.
 */
import { type Cidr, canonicalIpAddress, parseCidr } from '../../wire/ip-address.ts';
import { invariant } from '../invariant.ts';
import type { Duration } from '../time.ts';
import { addressProblems } from './address-check.ts';
import { aliasProblems } from './alias-check.ts';
import { Aliases } from './aliases.ts';
import { beatPace } from './beat-pace.ts';
import type { Documents } from './document-check.ts';
import { parseDuration } from './duration-text.ts';
import { firewallProblems } from './firewall-check.ts';
import { firewallConfiguration } from './firewall-configuration.ts';
import { type FlowKeys, flowConfiguration } from './flow-configuration.ts';
import { interfaceProblems } from './interface-check.ts';
import { deviceOf, madeLink } from './made-link.ts';
import { natProblems } from './nat-check.ts';
import { natConfiguration } from './nat-configuration.ts';

import { paceOf, paceProblems } from './pace-check.ts';
import type {
  InterfaceConfiguration,
  PairConfiguration,
  Role,
  VipConfiguration,
} from './pair-configuration.ts';
import { formatProblem, type Problem } from './problem.ts';
import { routingProblems } from './routing-check.ts';
import { routingConfiguration } from './routing-configuration.ts';
import type { ClusterDocument, InterfaceDocument, VipDocument } from './schema.ts';
import { vipProblems } from './vip-check.ts';
import { zoneProblems } from './zone-check.ts';

export type Resolution =
  | { readonly ok: true; readonly configuration: PairConfiguration }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface ResolutionSources extends Documents {
  /** CARP password of a VHID from the pair's secret; undefined when there is no secret. */
  readonly derivePassword: ((vhid: number) => Uint8Array) | undefined;
  /** 32 bytes from the pair's secret; undefined when there is no secret. */
  readonly beatKey: Uint8Array | undefined;
  /** Undefined, or left out, when there is no secret. */
  readonly flowKeys?: FlowKeys | undefined;
  /** Of the content of cluster.yaml, 16 hexadecimal digits. */
  readonly clusterHash: string;
}

export function resolveConfiguration(sources: ResolutionSources): Resolution {
  const found = [
    ...interfaceProblems(sources),
    ...vipProblems(sources),
    ...addressProblems(sources),
    ...routingProblems(sources),
    ...paceProblems(sources),
    ...passwordProblems(sources),
    ...filterProblems(sources),
  ];
  const distinct = new Map(found.map((each) => [`${each.document} ${formatProblem(each)}`, each]));
  const problems = [...distinct.values()];
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, configuration: pairConfiguration(sources) };
}

function filterProblems(sources: ResolutionSources): Problem[] {
  const aliases = new Aliases(sources.cluster.aliases);
  const unresolved = aliasProblems(sources.cluster.aliases, aliases);
  if (unresolved.length > 0) return unresolved;
  return [
    ...zoneProblems(sources),
    ...firewallProblems(sources, aliases),
    ...natProblems(sources, aliases),
  ];
}

function passwordProblems({ cluster, derivePassword }: ResolutionSources): Problem[] {
  if (derivePassword !== undefined) return [];
  return cluster.vips.flatMap(({ password }, index) => {
    if (password !== undefined) return [];
    const expected = 'a password, or the secret of the pair in node.yaml';
    return [{ document: 'cluster', path: ['vips', index, 'password'], found: 'nothing', expected }];
  });
}

function pairConfiguration(sources: ResolutionSources): PairConfiguration {
  const { node, cluster, beatKey, flowKeys, clusterHash } = sources;
  const hasPeer = Object.values(node.interfaces).some(({ peer }) => peer !== undefined);
  const pace = hasPeer ? beatPace(cluster) : undefined;
  return {
    node: node.node,
    role: node.role,
    board: node.board,
    cluster: cluster.cluster,
    interfaces: Object.entries(node.interfaces).map(interfaceConfiguration),
    failover: cluster.failover,
    preempt: preemption(cluster.preempt),
    linkDebounce: checked(cluster.monitor.linkDebounce),
    vips: cluster.vips.map((vip) => vipConfiguration(vip, sources)),
    beats: beatKey && pace,
    beatKey: pace && beatKey,
    flows: flowConfiguration(sources, flowKeys),
    ...filterConfiguration(sources),
    routing: routingConfiguration(sources),
    lacksSecret: pace !== undefined && beatKey === undefined,
    clusterHash,
  };
}

function filterConfiguration(
  sources: ResolutionSources,
): Pick<PairConfiguration, 'firewall' | 'nat'> {
  const { firewall, nat } = sources.cluster;
  const aliases = new Aliases(sources.cluster.aliases);
  return {
    firewall: firewall && firewallConfiguration(firewall, sources.node.interfaces, aliases),
    nat: nat && natConfiguration(sources, nat, aliases),
  };
}

function preemption({
  enabled,
  delay,
  flaps,
}: ClusterDocument['preempt']): PairConfiguration['preempt'] {
  const { changes, hold } = flaps;
  return { enabled, delay: checked(delay), flaps: { changes, hold: checked(hold) } };
}

function interfaceConfiguration([name, document]: [
  string,
  InterfaceDocument,
]): InterfaceConfiguration {
  const { address = [], gateway, peer } = document;
  return {
    name,
    device: deviceOf(name, document) ?? '',
    made: madeLink(document),
    addresses: [address].flat().flatMap(cidrs),
    gateway: gateway && canonicalIpAddress(gateway),
    peer: peer && canonicalIpAddress(peer),
  };
}

function vipConfiguration(vip: VipDocument, sources: ResolutionSources): VipConfiguration {
  const { node, cluster, derivePassword } = sources;
  const own = paceOf(cluster, vip, node.role);
  return {
    name: vip.name,
    interface: vip.interface,
    vhid: vip.vhid,
    addresses: [vip.address, ...vip.aliases].flatMap(cidrs),
    password:
      vip.password === undefined
        ? (derivePassword?.(vip.vhid) ?? new Uint8Array())
        : new TextEncoder().encode(vip.password),
    advbase: own.advbase,
    advskew: own.advskew,
    peerAdvskew: paceOf(cluster, vip, otherRole(node.role)).advskew,
    peer: unicastPeer(vip, node.role),
    ties: vip.ties,
  };
}

/** cluster.yaml is the same on both nodes: of a pair of addresses each takes the other's. */
function unicastPeer({ peer }: VipDocument, role: Role): string | undefined {
  const address = typeof peer === 'object' ? peer[otherRole(role)] : peer;
  return address && canonicalIpAddress(address);
}

const otherRole = (role: Role): Role => (role === 'primary' ? 'secondary' : 'primary');

/** The schema has made sure that there is one; the list only saves an assertion. */
function cidrs(text: string): readonly Cidr[] {
  const cidr = parseCidr(text);
  return cidr === undefined ? [] : [cidr];
}

function checked(text: string | number): Duration {
  const duration = parseDuration(text);
  invariant(duration !== undefined, `duration ${text} passed the schema`);
  return duration;
}
