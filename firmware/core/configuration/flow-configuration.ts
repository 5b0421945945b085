/** Whether and between which addresses flows are replicated, as both documents say it. */
import { type Cidr, canonicalIpAddress, ipFamily, parseCidr } from '../../wire/ip-address.ts';
import type { Documents } from './document-check.ts';
import { deviceOf } from './made-link.ts';
import type { FlowConfiguration } from './pair-configuration.ts';
import { protocolNumber } from './protocol-number.ts';

/** What the secret of the pair gives for flows. */
export type FlowKeys = Pick<FlowConfiguration, 'key' | 'nameSeed'>;

/** Undefined without a secret, without a sync interface with a peer, or when switched off. */
export function flowConfiguration(
  { node, cluster }: Documents,
  keys: FlowKeys | undefined,
): FlowConfiguration | undefined {
  const { enabled, exclude } = cluster.flows;
  if (!enabled || keys === undefined) return undefined;
  const [name = '', sync] =
    Object.entries(node.interfaces).find(([, { peer }]) => peer !== undefined) ?? [];
  const peer = canonicalIpAddress(sync?.peer ?? '');
  if (sync === undefined || peer === undefined) return undefined;
  const own = [sync.address ?? []].flat().flatMap(cidrs);
  const address = own.find((each) => ipFamily(each.address) === ipFamily(peer))?.address;
  if (address === undefined) return undefined;
  return {
    device: deviceOf(name, sync) ?? '',
    address,
    peer,
    ...keys,
    excludedNetworks: exclude.networks.flatMap(cidrs),
    excludedProtocols: exclude.protocols.map(protocolNumber),
  };
}

/** The schema has made sure that there is one; the list only saves an assertion. */
function cidrs(text: string): readonly Cidr[] {
  const cidr = parseCidr(text);
  return cidr === undefined ? [] : [cidr];
}
