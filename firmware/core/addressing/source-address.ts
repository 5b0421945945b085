/**
 * Which of a node's own addresses the advertisements of a VIP come from.
 */
import { type Cidr, ipFamily, isIpv6LinkLocal, prefixContains } from '../../wire/ip-address.ts';

export interface SourceChoice {
  /** On the interface, as found. */
  readonly own: readonly Cidr[];
  /** Those of them that the node is configured with are preferred. */
  readonly configured: ReadonlySet<string>;
  readonly family: 4 | 6;
  /** Unicast peer of the VIP, in whatever family; undefined for multicast. */
  readonly peer: string | undefined;
}

/**
 * To multicast: the configured address, link-local for IPv6, as the destination has link scope (RFC
 * 6724 rule 2). To a unicast peer: the address in the peer's network, because the peer knows us by
 * it; link-local only when the peer is.
 */
export function sourceAddress({ own, configured, family, peer }: SourceChoice): string | undefined {
  const ofFamily = own.filter(({ address }) => ipFamily(address) === family);
  const preferred = [
    ...ofFamily.filter(({ address }) => configured.has(address)),
    ...ofFamily.filter(({ address }) => !configured.has(address)),
  ];
  const global = preferred.filter(({ address }) => !isIpv6LinkLocal(address));
  const linkLocal = preferred.find(({ address }) => isIpv6LinkLocal(address));
  if (peer === undefined || ipFamily(peer) !== family) {
    return (family === 6 ? (linkLocal ?? global[0]) : global[0])?.address;
  }
  if (isIpv6LinkLocal(peer)) return linkLocal?.address;
  return (global.find((each) => prefixContains(each, peer)) ?? global[0])?.address;
}
