/**
 * Translation of addresses. The rules are the same on both nodes: what one has translated, the
 * other one goes on with. On a BACKUP nothing meets them, as nothing is sent to it that is for a
 * VIP, and what a node itself sends is never translated.
 */
import { type Cidr, ipFamily, prefixContains } from '../../wire/ip-address.ts';
import { of } from '../configuration/firewall-configuration.ts';
import type { Forward, NatConfiguration } from '../configuration/nat-configuration.ts';
import type { PairConfiguration } from '../configuration/pair-configuration.ts';
import { formatPorts } from '../configuration/written-ports.ts';
import { INSIDE_SET } from './named-sets.ts';
import {
  anyOf,
  block,
  comment,
  familyWord,
  portsText,
  protocolText,
  words,
} from './ruleset-text.ts';
import { addressText, trafficTexts } from './traffic-text.ts';
import { zoneSet } from './zone.ts';

export function natChains(configuration: PairConfiguration): string[] {
  const { nat } = configuration;
  if (nat === undefined) return [];
  return [
    ...block('chain destination_nat', [
      'type nat hook prerouting priority dstnat; policy accept;',
      ...nat.forwards.flatMap(forwardRules),
      ...nat.oneToOne.map((each) => {
        const word = familyWord(each.family);
        const by = each.reflection ? '' : `iifname @${zoneSet(each.interface)}`;
        const to = `${word} daddr ${each.external} dnat ${word} to ${each.internal}`;
        return words(by, to, comment(each.name));
      }),
    ]),
    ...block('chain source_nat', [
      'type nat hook postrouting priority srcnat; policy accept;',
      'fib saddr type local return',
      ...reflectionRules(configuration, nat),
      ...nat.oneToOne.map(({ name, interface: on, family, internal, external }) => {
        const word = familyWord(family);
        const to = `${word} saddr ${internal} snat ${word} to ${external}`;
        return words(`oifname @${zoneSet(on)}`, to, comment(name));
      }),
      ...outboundRules(nat),
    ]),
  ];
}

/** What has been forwarded and may pass without a rule; empty when there is none. */
export function forwardedChain({ nat }: PairConfiguration): string[] {
  const lines = (nat?.forwards ?? [])
    .filter(({ accept }) => accept)
    .flatMap(({ name, family, address, protocols, ports }) =>
      // One rule per span: nftables cannot list a set of original ports.
      ports.map((span) =>
        words(
          `meta l4proto ${anyOf(protocols.map(protocolText))}`,
          `ct original ${familyWord(family)} daddr ${address}`,
          `ct original proto-dst ${formatPorts(span)} accept`,
          comment(name),
        ),
      ),
    );
  return lines.length === 0 ? [] : block('chain forwarded', lines);
}

function forwardRules(forward: Forward): string[] {
  const { name, family, address, protocols, ports, source, targetPort } = forward;
  const isHollow = source !== undefined && of(source, family).length === 0;
  if (ports.length === 0 || isHollow) return [];
  const word = familyWord(family);
  const header =
    protocols.length > 1
      ? `meta l4proto ${anyOf(protocols.map(protocolText))} th`
      : protocols.map(protocolText).join();
  return [
    words(
      forward.reflection ? '' : `iifname @${zoneSet(forward.interface)}`,
      source && `${word} saddr ${addressText(source, family)}`,
      `${word} daddr ${address} ${header} dport ${portsText(ports)}`,
      `dnat ${word} to ${targetText(forward.target, targetPort)}`,
      comment(name),
    ),
  ];
}

function targetText(target: string, port: number | undefined): string {
  if (port === undefined) return target;
  return ipFamily(target) === 6 ? `[${target}]:${port}` : `${target}:${port}`;
}

/**
 * A machine that is reached by another of its own network over an outer address would answer it
 * directly, from an address that one does not know: the gateway stands in for the sender.
 */
function reflectionRules(configuration: PairConfiguration, nat: NatConfiguration): string[] {
  const targets = [
    ...nat.forwards.filter(({ reflection }) => reflection).map(({ target }) => target),
    ...nat.oneToOne.filter(({ reflection }) => reflection).map(({ internal }) => internal),
  ];
  return configuration.interfaces.flatMap(({ name, addresses }) => {
    const networks = [...addresses, ...vipAddresses(configuration, name)];
    const near = targets.filter((target) => networks.some((each) => prefixContains(each, target)));
    const zone = zoneSet(name);
    return ([4, 6] as const)
      .filter((family) => near.some((target) => ipFamily(target) === family))
      .map((family) => {
        const way = `iifname @${zone} oifname @${zone} ct status dnat meta nfproto ipv${family}`;
        const vips = vipAddresses(configuration, name).map(({ address }) => address);
        const vip = vips.find((address) => ipFamily(address) === family);
        return words(way, translation(family, vip));
      });
  });
}

function vipAddresses({ vips }: PairConfiguration, name: string): readonly Cidr[] {
  return vips.filter((vip) => vip.interface === name).flatMap((vip) => vip.addresses);
}

function outboundRules({ rules, automatic, inside }: NatConfiguration): string[] {
  const written = rules.flatMap((rule) =>
    trafficTexts(rule).map((traffic) =>
      words(
        `oifname @${zoneSet(rule.interface)}`,
        traffic,
        rule.translate === undefined
          ? 'return'
          : translation(ipFamily(rule.translate), rule.translate),
        comment(rule.name),
      ),
    ),
  );
  if (inside.length === 0) return written;
  const own = automatic.map(({ interface: on, translate }) =>
    words(`oifname @${zoneSet(on)} ip saddr @${INSIDE_SET}`, translation(4, translate)),
  );
  return [...written, ...own];
}

/** To a VIP, or to the address of the node where there is none. */
function translation(family: 4 | 6, address: string | undefined): string {
  return address === undefined ? 'masquerade' : `snat ${familyWord(family)} to ${address}`;
}
