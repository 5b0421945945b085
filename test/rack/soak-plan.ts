// What a soak does, decided by its seed alone: which node, which fault, for how long, and whether a
// fault hits the other node before the first is over. Replaying a seed replays the plan; the
// machine's timing is its own.
import type { NodeLetter, Segment } from './rack-plan.ts';

export const SOAK_FAULTS = [
  'power loss',
  'freeze',
  'crash',
  'hang',
  'clean stop',
  'reload',
  'pull lan',
  'pull wan',
  'pull sync',
  'lose lan',
  'lose wan',
  'lose sync',
  'delete VIP interface',
  'vanish lan',
  'vanish wan',
] as const;

export type SoakFault = (typeof SOAK_FAULTS)[number];

export interface SoakStep {
  readonly number: number;
  readonly node: NodeLetter;
  readonly fault: SoakFault;
  /** How long the fault stays, milliseconds. */
  readonly forMs: number;
  /** Begins while the step before, on the other node, is still broken. */
  readonly overlaps: boolean;
}

/** mulberry32: 32 bits of state are plenty for a plan of some hundred steps. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function soakPlan(seed: number, steps: number): SoakStep[] {
  const next = numbers(seed);
  const plan: SoakStep[] = [];
  for (let number = 1; number <= steps; number += 1) {
    const before = plan.at(-1);
    const overlaps = before !== undefined && !before.overlaps && next() < 0.3;
    const drawn: NodeLetter = next() < 0.5 ? 'a' : 'b';
    const node = overlaps ? (before.node === 'a' ? 'b' : 'a') : drawn;
    const fault = SOAK_FAULTS[Math.floor(next() * SOAK_FAULTS.length)] ?? 'crash';
    // Squared: mostly short, where races live, sometimes longer than any timer.
    plan.push({ number, node, fault, forMs: Math.round(20 + next() ** 2 * 4500), overlaps });
  }
  return plan;
}

/** The segment a fault's name ends with. */
export function segmentOf(fault: SoakFault): Segment {
  return fault.slice(fault.lastIndexOf(' ') + 1) as Segment;
}
