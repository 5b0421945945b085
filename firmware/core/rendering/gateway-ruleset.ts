/**
 * The nftables table of the gateway: one text for `nft -f`, which replaces the table as a whole in
 * one transaction. The same configuration always gives the same text.
 *
 * Other tables stay as they are; those of the leases stand before every packet of a VIP.
 */
import type { PairConfiguration } from '../configuration/pair-configuration.ts';
import { filterChains } from './filter-chains.ts';
import { markChains } from './mark-chains.ts';
import { namedSets } from './named-sets.ts';
import { natChains } from './nat-chains.ts';

const TABLE = 'inet yoke_gateway';

/** Empty when the configuration has no rules, translations or gateways. */
export function gatewayRulesetOf(configuration: PairConfiguration): string {
  const chains = [
    ...markChains(configuration),
    ...filterChains(configuration),
    ...natChains(configuration),
  ];
  if (chains.length === 0) return '';
  const lines = [
    // A table that is not there cannot be deleted.
    `add table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    ...namedSets(configuration),
    ...chains,
    '}',
  ];
  return `${lines.join('\n')}\n`;
}
