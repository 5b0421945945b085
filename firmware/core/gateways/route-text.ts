/**
 * The routes and rules of a configuration as text, one `ip` command a line (ip-route(8),
 * ip-rule(8)).
 *
 *   rule add pref 100 lookup main suppress_prefixlength 0   local networks, static routes first
 *   rule add pref 110 fwmark 0x10000/0xff0000 lookup 1001   by mark: what shall leave by a gateway
 *   rule add pref 120 from 198.51.100.201 lookup 1001       what has an address of that WAN already
 *   route add default table 1001 ... via 198.51.100.1 dev wan   its table
 *   group failover wan1 tier 1: route add default ... nexthop   by a group: the members in use
 *
 * A line of a group stands for one member. Which of them are in use is not configuration but what
 * the monitors say: `routePlan` joins these to one route.
 */

import type { IpFamily } from '../../wire/ip-address.ts';
import { ipFamily } from '../../wire/ip-address.ts';
import type { PairConfiguration } from '../configuration/pair-configuration.ts';
import type {
  GatewayConfiguration,
  GatewayGroup,
  RoutingConfiguration,
} from '../configuration/routing-configuration.ts';
import { GATEWAY_MARK_MASK, gatewayMarks, gatewayTable } from './gateway-marks.ts';

/** RTPROT_*: who made a route. One of the numbers nobody has (rtnetlink.h, rt_protos). */
export const ROUTE_PROTOCOL = 121;
/** Better than what DHCP clients and router advertisements bring along. */
const METRIC = 20;

const PREFERENCE = { local: 100, mark: 110, source: 120 } as const;

/** Empty when nothing is to be routed. */
export function routeText(configuration: PairConfiguration): string {
  const { routing } = configuration;
  if (routing === undefined) return '';
  const marks = gatewayMarks(configuration);
  const lines = [
    ...sysctls(routing),
    ...[4, 6].flatMap((family) => ruleLines(routing, marks, family as IpFamily)),
    ...routing.routes.map(({ to, via, device }) =>
      routeLine(ipFamily(to.address), `${to.address}/${to.prefix}`, `via ${via} dev ${device}`),
    ),
    ...routing.gateways.map((gateway) =>
      routeLine(gateway.family, 'default', hop(gateway), tableOf(gateway.name, marks)),
    ),
    ...routing.groups.flatMap((group) => groupLines(routing, group, tableOf(group.name, marks))),
    ...defaultLines(routing),
  ];
  return `${lines.join('\n')}\n`;
}

function defaultLines(routing: RoutingConfiguration): string[] {
  const written = routing.defaults.flatMap((name) => {
    const gateway = routing.gateways.find((each) => each.name === name);
    if (gateway !== undefined) return [routeLine(gateway.family, 'default', hop(gateway))];
    const group = routing.groups.find((each) => each.name === name);
    return group === undefined ? [] : groupLines(routing, group, undefined);
  });
  const node = routing.nodeDefaults.map(({ address, device }) =>
    routeLine(ipFamily(address), 'default', `via ${address} dev ${device}`),
  );
  return [...written, ...node];
}

function groupLines(
  { gateways }: RoutingConfiguration,
  { name, members }: GatewayGroup,
  table: number | undefined,
): string[] {
  return members.flatMap(({ gateway, tier, weight }) => {
    const found = gateways.find((each) => each.name === gateway);
    if (found === undefined) return [];
    const via = `nexthop ${hop(found)} weight ${weight}`;
    return [
      `group ${name} ${gateway} tier ${tier}: ${routeLine(found.family, 'default', via, table)}`,
    ];
  });
}

function ruleLines(
  { gateways, groups }: RoutingConfiguration,
  marks: ReadonlyMap<string, number>,
  family: IpFamily,
): string[] {
  const ours = gateways.filter((each) => each.family === family);
  if (ours.length === 0) return [];
  const isOurs = ({ members }: GatewayGroup) =>
    ours.some(({ name }) => name === members[0]?.gateway);
  const named = [...ours, ...groups.filter(isOurs)].map(({ name }) => name);
  const claimed = new Set<string>();
  const rules = [
    `pref ${PREFERENCE.local} lookup main suppress_prefixlength 0`,
    ...named.map((name) => {
      const mark = `${hex(marks.get(name) ?? 0)}/${hex(GATEWAY_MARK_MASK)}`;
      return `pref ${PREFERENCE.mark} fwmark ${mark} lookup ${tableOf(name, marks)}`;
    }),
    // Of two gateways on one interface the first one gets what has its address.
    ...ours.flatMap(({ name, sources, virtualSources }) =>
      [...sources, ...virtualSources].flatMap((source) => {
        if (claimed.has(source)) return [];
        claimed.add(source);
        return [`pref ${PREFERENCE.source} from ${source} lookup ${tableOf(name, marks)}`];
      }),
    ),
  ];
  return rules.map((rule) => `${option(family)}rule add ${rule}`);
}

/** Settings of the kernel that routing by several ways needs. */
function sysctls({ gateways, groups }: RoutingConfiguration): string[] {
  if (gateways.length === 0) return [];
  // What a mark sends elsewhere would fail the strict check of the way back.
  const loose = [...new Set(gateways.map(({ device }) => device))].map(
    (device) => `sysctl net/ipv4/conf/${device}/rp_filter 2`,
  );
  const sharing = groups.find(({ members }) => {
    const tiers = members.map(({ tier }) => tier);
    return new Set(tiers).size < tiers.length;
  });
  if (sharing === undefined) return loose;
  // 3: by the fields that are named, of which 1 is the source; 1: by addresses and ports.
  const [policy, fields] = sharing.sticky ? [3, 1] : [1, undefined];
  const hashes = [4, 6].flatMap((family) => {
    const place = `sysctl net/ipv${family}/fib_multipath_hash`;
    const chosen = fields === undefined ? [] : [`${place}_fields ${fields}`];
    return [...chosen, `${place}_policy ${policy}`];
  });
  return [...loose, ...hashes];
}

function routeLine(family: IpFamily, to: string, via: string, table?: number): string {
  const place = table === undefined ? '' : ` table ${table}`;
  const made = `${place} proto ${ROUTE_PROTOCOL} metric ${METRIC}`;
  // Several next hops can only stand at the end.
  return `${option(family)}route add ${to}${made} ${via}`;
}

const hop = ({ address, device }: GatewayConfiguration): string => `via ${address} dev ${device}`;

const option = (family: IpFamily): string => (family === 6 ? '-6 ' : '');

const hex = (number: number): string => `0x${number.toString(16)}`;

function tableOf(name: string, marks: ReadonlyMap<string, number>): number {
  return gatewayTable(marks.get(name) ?? 0);
}
