/** The sets of the table: devices of interfaces, and every alias that a rule names by itself. */
import {
  type AddressMatch,
  of,
  type PortMatch,
  type TrafficMatch,
} from '../configuration/firewall-configuration.ts';
import type { PairConfiguration } from '../configuration/pair-configuration.ts';
import { formatNetwork } from '../configuration/written-network.ts';
import { formatPorts } from '../configuration/written-ports.ts';
import { block } from './ruleset-text.ts';
import { addressSet, portSet } from './traffic-text.ts';
import { zoneDevices, zoneSet } from './zone.ts';

export function namedSets(configuration: PairConfiguration): string[] {
  const { interfaces, firewall, nat } = configuration;
  const matches: readonly Partial<TrafficMatch>[] = [
    ...(firewall?.rules ?? []),
    ...(nat?.rules ?? []),
    ...(nat?.forwards.map(({ source }) => ({ source })) ?? []),
  ];
  const addresses = distinct(matches.flatMap((each) => [each.source, each.destination]));
  const ports = distinct(matches.flatMap((each) => [each.sourcePorts, each.ports]));
  const inside = nat && nat.automatic.length > 0 ? nat.inside : [];
  const texts = inside.map((span) => formatNetwork({ family: 4, span }));
  return [
    ...interfaces.flatMap(({ name }) => {
      const devices = zoneDevices(configuration, name).map((device) => `"${device}"`);
      return intervals(zoneSet(name), 'ifname', devices);
    }),
    ...(inside.length > 0 ? intervals(INSIDE_SET, 'ipv4_addr', texts) : []),
    ...addresses.flatMap(([alias, match]) => addressSets(alias, match)),
    ...ports.flatMap(([alias, { spans }]) =>
      spans.length > 0 ? intervals(portSet(alias), 'inet_service', spans.map(formatPorts)) : [],
    ),
  ];
}

/** The networks that mode automatic translates. */
export const INSIDE_SET = 'inside';

function addressSets(alias: string, match: AddressMatch): string[] {
  return ([4, 6] as const).flatMap((family) => {
    const texts = of(match, family).map((span) => formatNetwork({ family, span }));
    if (texts.length === 0) return [];
    return intervals(addressSet(alias, family), `ipv${family}_addr`, texts);
  });
}

function intervals(name: string, type: string, elements: readonly string[]): string[] {
  const lines = [`type ${type}`, 'flags interval', `elements = { ${elements.join(', ')} }`];
  return block(`set ${name}`, lines);
}

/** By the alias they are of, in the order of its name; what is of no alias is left out. */
function distinct<Match extends AddressMatch | PortMatch>(
  matches: readonly (Match | undefined)[],
): [string, Match][] {
  const byAlias = new Map<string, Match>();
  for (const match of matches) {
    if (match?.alias !== undefined) byAlias.set(match.alias, match);
  }
  return [...byAlias].sort(([one], [other]) => (one < other ? -1 : 1));
}
