/** What a packet carries, as nftables matches it. */
import {
  type AddressMatch,
  of,
  type PortMatch,
  type TrafficMatch,
} from '../configuration/firewall-configuration.ts';
import { anyOf, familyWord, networksText, portsText, protocolText, words } from './ruleset-text.ts';

/** One text per rule that is needed: addresses of both families are never in one. */
export function trafficTexts(match: TrafficMatch): readonly string[] {
  const payload = payloadText(match);
  const { families, source, destination } = match;
  if (source === undefined && destination === undefined) {
    const [family] = families;
    if (family === undefined || families.length > 1) return families.length > 1 ? [payload] : [];
    return [words(`meta nfproto ipv${family}`, payload)];
  }
  return families.map((family) => {
    const word = familyWord(family);
    return words(
      source && `${word} saddr ${addressText(source, family)}`,
      destination && `${word} daddr ${addressText(destination, family)}`,
      payload,
    );
  });
}

export function addressText(match: AddressMatch, family: 4 | 6): string {
  return match.alias === undefined
    ? networksText(of(match, family), family)
    : `@${addressSet(match.alias, family)}`;
}

export const addressSet = (alias: string, family: 4 | 6): string => `ip${family}_${alias}`;
export const portSet = (alias: string): string => `ports_${alias}`;

function payloadText({ protocols, sourcePorts, ports }: TrafficMatch): string {
  if (protocols === undefined) return '';
  const names = protocols.map(protocolText);
  if (sourcePorts === undefined && ports === undefined) return `meta l4proto ${anyOf(names)}`;
  const [only, ...more] = names;
  const header = more.length === 0 ? only : 'th';
  return words(
    more.length === 0 ? '' : `meta l4proto ${anyOf(names)}`,
    sourcePorts && `${header} sport ${portText(sourcePorts)}`,
    ports && `${header} dport ${portText(ports)}`,
  );
}

function portText({ alias, spans }: PortMatch): string {
  return alias === undefined ? portsText(spans) : `@${portSet(alias)}`;
}
