/**
 * The place is to change hands while beats queue up on all segments, and the one that is to take it
 * stands still while the grant is under way. It wakes with a grant that may be old, of a node that
 * may have taken the place back: what the validity of claims and the granter's promise are for.
 */
import type { Fault } from './fault-kinds.ts';
import type { Prng } from './prng.ts';
import { CONGESTION_RISE } from './simulated-segment.ts';
import type { Simulation } from './simulation.ts';

const MILLISECOND = 1_000;
/** How late beats are: a grant comes in time, too late, or much too late. */
const DELAYS = [5, 15, 25, 35, 50, 80, 110, 150];
/** A node that is not heard is dead by then, with most intervals of beats. */
const DEAD = 60 * MILLISECOND;
/** After the sleeper has woken. */
const AFTERMATH = 100 * MILLISECOND;

export function latePassage(prng: Prng, at: number): Fault {
  const delay = prng.pick(DELAYS) * MILLISECOND;
  const handedOverAt = at + Math.round(delay / CONGESTION_RISE) + 10 * MILLISECOND;
  // The claim is made one delay after the command, and granted within another.
  const asleepAt =
    handedOverAt + Math.round(delay * (1 + 2 * prng.unit())) + prng.between(0, 4_000);
  const span = Math.round((2 * delay + DEAD) * (0.3 + prng.unit()));
  return {
    at,
    until: asleepAt + span + AFTERMATH,
    name: `hand over while beats are ${delay / MILLISECOND} ms late, and stall the taker`,
    begin: (simulation) => begin(simulation, { delay, handedOverAt, asleepAt, span }),
    end: ({ segments }) => {
      for (const segment of segments.values()) segment.calm();
    },
  };
}

interface Passage {
  readonly delay: number;
  readonly handedOverAt: number;
  readonly asleepAt: number;
  readonly span: number;
}

function begin(simulation: Simulation, { delay, handedOverAt, asleepAt, span }: Passage): void {
  const { schedule, segments, nodes } = simulation;
  for (const segment of segments.values()) segment.congest(delay);
  schedule.at(handedOverAt, () => {
    const all = [...nodes.values()];
    const master = all.find(({ service }) => service?.node.state === 'MASTER');
    if (master === undefined) return;
    master.handOver();
    const taker = all.find((node) => node !== master);
    schedule.at(asleepAt, () => taker?.stall(span));
  });
}
