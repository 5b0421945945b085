/**
 * What no rule can forbid: what the pair needs to stay a pair, what IPv6 needs to work at all, and
 * a way in for who administers it.
 *
 * Advertisements and beats are not tracked as connections, so that a full table of connections
 * cannot keep them out.
 */

import { ipFamily } from '../../wire/ip-address.ts';
import type { FirewallConfiguration } from '../configuration/firewall-configuration.ts';
import type {
  InterfaceConfiguration,
  PairConfiguration,
} from '../configuration/pair-configuration.ts';
import { formatNetwork, networkOf } from '../configuration/written-network.ts';
import { anyOf, block, comment, familyWord, portsText } from './ruleset-text.ts';
import { zoneSet } from './zone.ts';

/** CARP (and VRRP), IP protocol 112. */
const CARP = 'meta l4proto 112';
const BEATS = 7112;
const FLOWS = 7113;
/** Roll-outs of configurations go over TCP, to the port of the beats. */
const ROLLOUT = BEATS;

/** Errors, neighbour and router discovery, and who listens to what (RFC 4890 4.4.1). */
const ICMPV6_TYPES = [
  'destination-unreachable',
  'packet-too-big',
  'time-exceeded',
  'parameter-problem',
  'mld-listener-query',
  'mld-listener-report',
  'mld-listener-done',
  'nd-router-solicit',
  'nd-router-advert',
  'nd-neighbor-solicit',
  'nd-neighbor-advert',
  'mld2-listener-report',
];
const ICMPV6 = `icmpv6 type ${anyOf(ICMPV6_TYPES)} accept`;
const IGMP = 'ip protocol igmp accept';
const BEATS_AND_FLOWS = `udp dport { ${BEATS}, ${FLOWS} }`;
const LINK_LOCAL = 'fe80::/10';

export function essentialChains({ interfaces }: PairConfiguration): string[] {
  return [
    ...block('chain untracked_in', [
      'type filter hook prerouting priority raw; policy accept;',
      `${CARP} notrack`,
      ...interfaces.flatMap((each) => [
        ...fromPeer(each).map((from) => `${from} ${BEATS_AND_FLOWS} notrack`),
        ...fromNeighbours(each).map(
          (from) => `${from} udp dport ${BEATS} fib daddr type { local, multicast } notrack`,
        ),
      ]),
    ]),
    ...block('chain untracked_out', [
      'type filter hook output priority raw; policy accept;',
      `${CARP} notrack`,
      ...interfaces.map(({ device, peer }) => {
        const what = peer === undefined ? `udp dport ${BEATS}` : BEATS_AND_FLOWS;
        return `oifname "${device}" udp sport { ${BEATS}, ${FLOWS} } ${what} notrack`;
      }),
    ]),
    ...block('chain essential', [
      `${CARP} accept`,
      ICMPV6,
      IGMP,
      ...interfaces.flatMap((each) => [
        ...fromPeer(each).flatMap((from) => [
          `${from} ${BEATS_AND_FLOWS} accept`,
          `${from} tcp dport ${ROLLOUT} accept`,
          `${from} ${ipFamily(each.peer ?? '') === 4 ? 'icmp' : 'icmpv6'} type echo-request accept`,
        ]),
        // Beats are sealed, so those of others count for nothing.
        ...fromNeighbours(each).map(
          (from) => `${from} meta l4proto { tcp, udp } th dport ${BEATS} accept`,
        ),
      ]),
    ]),
  ];
}

/** Of what the gateway itself sends; only where rules could forbid it. */
export function essentialOutput(): string[] {
  return [
    'oifname "lo" accept',
    'ct state { established, related } accept',
    `${CARP} accept`,
    ICMPV6,
    IGMP,
    `${BEATS_AND_FLOWS} accept`,
    `tcp dport ${ROLLOUT} accept`,
  ];
}

export function lockoutRule({ lockout }: FirewallConfiguration): string[] {
  if (lockout === undefined || lockout.ports.length === 0) return [];
  const ports = portsText(lockout.ports);
  return [`iifname @${zoneSet(lockout.interface)} tcp dport ${ports} accept ${comment('lockout')}`];
}

/** The other node, on the sync interface. */
function fromPeer({ device, peer }: InterfaceConfiguration): string[] {
  if (peer === undefined) return [];
  return [`iifname "${device}" ${familyWord(ipFamily(peer))} saddr ${peer}`];
}

/** Who is on another segment that the nodes share; one text per family. */
function fromNeighbours({ device, peer, addresses }: InterfaceConfiguration): string[] {
  if (peer !== undefined) return [];
  const networks = addresses.map(({ address, prefix }) => networkOf(address, prefix));
  const of = (wanted: 4 | 6) =>
    networks.filter(({ family }) => family === wanted).map((each) => formatNetwork(each));
  const sources = [
    ['ip', [...new Set(of(4))]],
    ['ip6', [...new Set([LINK_LOCAL, ...of(6)])]],
  ] as const;
  return sources
    .filter(([, list]) => list.length > 0)
    .map(([word, list]) => `iifname "${device}" ${word} saddr ${anyOf(list)}`);
}
