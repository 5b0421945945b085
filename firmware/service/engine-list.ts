/**
 * Everything on this machine that is rendered from the configuration, in the order of application:
 * devices first, then what passes, then where it goes.
 */
import { linkText } from '../core/gateways/link-text.ts';
import { gatewayRulesetOf } from '../core/rendering/gateway-ruleset.ts';
import type { Engine } from '../kernel/engines/engine.ts';
import { LinkEngine } from '../kernel/engines/links.ts';
import { NftablesEngine } from '../kernel/engines/nftables.ts';
import type { GatewayService } from './gateway-service.ts';

export const engineList = (gateways: GatewayService): readonly Engine[] => [
  new LinkEngine(linkText),
  new NftablesEngine(gatewayRulesetOf),
  gateways.engine,
];
