/**
 * Marks that say by which gateway a packet leaves (core/gateways/gateway-marks.ts). A connection
 * keeps its way: the one it came in by, or the one the routes chose for its first packet. Until it
 * has one, the rules that name a gateway mark its packets, and the table of the mark decides.
 *
 * Rules are asked twice: here, before the packet is routed, for the way; and by the filter,
 * afterwards, whether it may pass. So a rule without a gateway that would match first counts, too.
 */
import type { FirewallRule } from '../configuration/firewall-configuration.ts';
import type { PairConfiguration } from '../configuration/pair-configuration.ts';
import { GATEWAY_MARK_MASK, gatewayMarks } from '../gateways/gateway-marks.ts';
import { anyOf, block, comment, words } from './ruleset-text.ts';
import { trafficTexts } from './traffic-text.ts';
import { zoneDevices, zoneSet } from './zone.ts';

const hex = (mark: number): string => `0x${(mark >>> 0).toString(16).padStart(8, '0')}`;

const MASK = hex(GATEWAY_MARK_MASK);
const REST = hex(~GATEWAY_MARK_MASK);
const HAS_WAY = `ct mark & ${MASK} != 0x00000000`;
const AS_CONNECTION = `${HAS_WAY} meta mark set ct mark & ${MASK} return`;

export function markChains(configuration: PairConfiguration): string[] {
  const { routing, interfaces } = configuration;
  if (routing === undefined || routing.gateways.length === 0) return [];
  const marks = gatewayMarks(configuration);
  const chains = interfaces.flatMap(({ name }) => wayChain(configuration, marks, name));
  const named = interfaces.filter(({ name }) => wayRules(configuration, name).length > 0);
  const ways = named.flatMap(({ name }) =>
    zoneDevices(configuration, name).map((device) => `"${device}" : jump ${wayName(name)}`),
  );
  const kept = keptWays(configuration, marks);
  return [
    ...chains,
    ...block('chain way_in', [
      'type filter hook prerouting priority mangle; policy accept;',
      AS_CONNECTION,
      ...kept.map(({ zone, set }) => `ct state new iifname @${zone} ${set} return`),
      ...(ways.length > 0 ? [`ct direction original iifname vmap { ${ways.join(', ')} }`] : []),
    ]),
    ...block('chain way_answered', [
      'type route hook output priority mangle; policy accept;',
      AS_CONNECTION,
    ]),
    ...block('chain way_taken', [
      'type filter hook postrouting priority mangle; policy accept;',
      'fib saddr type local return',
      `${HAS_WAY} return`,
      ...kept.map(({ zone, set }) => `ct state new oifname @${zone} ${set}`),
    ]),
  ];
}

const wayName = (from: string): string => `way_${from}`;

/** What makes a connection keep the only gateway of its family that an interface has. */
function keptWays(
  { routing }: PairConfiguration,
  marks: ReadonlyMap<string, number>,
): { readonly zone: string; readonly set: string }[] {
  const gateways = routing?.gateways ?? [];
  const alone = gateways.filter(
    (each) =>
      gateways.filter((one) => one.interface === each.interface && one.family === each.family)
        .length === 1,
  );
  return alone.map(({ name, interface: on, family }) => ({
    zone: zoneSet(on),
    set: `meta nfproto ipv${family} ct mark set ct mark & ${REST} | ${hex(marks.get(name) ?? 0)}`,
  }));
}

function wayChain(
  configuration: PairConfiguration,
  marks: ReadonlyMap<string, number>,
  from: string,
): string[] {
  const rules = wayRules(configuration, from);
  if (rules.length === 0) return [];
  const lines = rules.flatMap((rule) => {
    const mark = rule.gateway === undefined ? undefined : marks.get(rule.gateway);
    const set = mark === undefined ? 'return' : `meta mark set ${hex(mark)} return`;
    const bounds = mark === undefined ? routedTo(configuration, rule) : [''];
    return bounds.flatMap((bound) =>
      trafficTexts(rule).map((traffic) => words(bound, traffic, set, comment(rule.name))),
    );
  });
  return block(`chain ${wayName(from)}`, lines);
}

/** From an interface, up to the last that names a gateway; limits cannot be told beforehand. */
function wayRules({ firewall }: PairConfiguration, from: string): readonly FirewallRule[] {
  const rules = (firewall?.rules ?? []).filter(
    (rule) =>
      (rule.from.interfaces?.includes(from) ?? true) &&
      (rule.gateway !== undefined || rule.limit === undefined),
  );
  return rules.slice(0, rules.findLastIndex(({ gateway }) => gateway !== undefined) + 1);
}

/** Where the routes would send it, as it is not sent yet. */
function routedTo(configuration: PairConfiguration, { to }: FirewallRule): string[] {
  const own = to.node ? ['fib daddr type local'] : [];
  if (to.interfaces === undefined) return [''];
  const devices = to.interfaces.flatMap((name) => zoneDevices(configuration, name));
  if (devices.length === 0) return own;
  const names = [...new Set(devices)].map((device) => `"${device}"`);
  return [...own, `fib daddr oifname ${anyOf(names)}`];
}
