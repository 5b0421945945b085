/**
 * Everything on this machine that is rendered from the configuration, in the order of application.
 */
import { gatewayRulesetOf } from '../core/rendering/gateway-ruleset.ts';
import type { Engine } from '../kernel/engines/engine.ts';
import { NftablesEngine } from '../kernel/engines/nftables.ts';

export const engineList = (): readonly Engine[] => [new NftablesEngine(gatewayRulesetOf)];
