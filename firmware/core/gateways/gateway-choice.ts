/** Which gateways of a group carry what leaves by it now. */
import type {
  GatewayGroup,
  GatewayMember,
  GatewayTrigger,
} from '../configuration/routing-configuration.ts';
import type { GatewayReport } from './gateway-states.ts';

type Known = Pick<GatewayReport, 'state' | 'lossLevel' | 'latencyLevel'>;

/**
 * The members in use, never none: all fit ones of the lowest tier that has one. When none is fit,
 * those that are at least not down; when all are down, those that were used last, because a
 * monitor that sees nothing anywhere may be what is broken.
 */
export function gatewayChoice(
  { members, trigger }: GatewayGroup,
  reports: ReadonlyMap<string, Known>,
  former: readonly GatewayMember[] | undefined,
): readonly GatewayMember[] {
  const fit = members.filter(({ gateway }) => isFit(reports.get(gateway), trigger));
  if (fit.length > 0) return lowestTier(fit);
  const alive = members.filter(({ gateway }) => isFit(reports.get(gateway), 'down'));
  if (alive.length > 0) return lowestTier(alive);
  const left = former?.flatMap(({ gateway }) => members.filter((each) => each.gateway === gateway));
  return left !== undefined && left.length > 0 ? left : lowestTier(members);
}

/** A gateway nothing is known of is used. */
function isFit(known: Known | undefined, trigger: GatewayTrigger): boolean {
  if (known === undefined) return true;
  const { state, lossLevel, latencyLevel } = known;
  if (state === 'down') return false;
  switch (trigger) {
    case 'down':
      return true;
    case 'loss':
      return lossLevel === 'up';
    case 'latency':
      return latencyLevel === 'up';
    case 'warn':
      return lossLevel === 'up' && latencyLevel === 'up';
  }
}

function lowestTier(members: readonly GatewayMember[]): readonly GatewayMember[] {
  const lowest = Math.min(...members.map(({ tier }) => tier));
  return members.filter(({ tier }) => tier === lowest);
}
