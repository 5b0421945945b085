/**
 * Which of the two nodes should be MASTER. Both compute it from the same figures, so both come to
 * the same answer; while a figure is still on its way they may not, and then neither grants the
 * other anything (accord.ts).
 */
import type { Role } from '../configuration/pair-configuration.ts';

export interface Standing {
  /** Number of VIPs it can serve now. A node that can serve none is never MASTER. */
  readonly health: number;
  /** Sum of its demotions. */
  readonly demotion: number;
  /** Configured, advbase * 256 + advskew: the lower is preferred. */
  readonly preference: number;
  readonly role: Role;
  readonly node: string;
  readonly bootId: bigint;
}

/** What decided: only `preference` is a matter of taste, and a reason to wait. */
export type Ground = 'health' | 'demotion' | 'preference';

export interface Comparison {
  readonly better: boolean;
  readonly ground: Ground;
}

export function compareStandings(own: Standing, peer: Standing): Comparison {
  if (own.health !== peer.health) return { better: own.health > peer.health, ground: 'health' };
  if (own.demotion !== peer.demotion) {
    return { better: own.demotion < peer.demotion, ground: 'demotion' };
  }
  return { better: isPreferred(own, peer), ground: 'preference' };
}

/** A total order, so that two boxes with one and the same configuration do not both wait. */
function isPreferred(own: Standing, peer: Standing): boolean {
  if (own.preference !== peer.preference) return own.preference < peer.preference;
  if (own.role !== peer.role) return own.role === 'primary';
  if (own.node !== peer.node) return own.node < peer.node;
  return own.bootId < peer.bootId;
}
