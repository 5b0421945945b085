/**
 * Random trouble for a pair: from a seed, a pair and what befalls it, each fault with its end.
 */
import type { PairPlan } from './pair-plan.ts';
import { Prng } from './prng.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { Simulation } from './simulation.ts';

const SECOND = 1_000_000;
/** Faults begin after the pair has come up and end before this. */
const FIRST = 5 * SECOND;
const LAST = 25 * SECOND;
const FAULTS_AT_MOST = 7;

export interface Fault {
  readonly at: number;
  readonly until: number;
  readonly name: string;
  begin(simulation: Simulation): void;
  end(simulation: Simulation): void;
}

export interface FaultPlan {
  readonly pair: Partial<PairPlan>;
  /** Microseconds. */
  readonly wakeLatency: number;
  readonly faults: readonly Fault[];
  /** All faults are over. */
  readonly end: number;
}

type FaultKind = (prng: Prng) => Omit<Fault, 'at' | 'until'>;

const NODES = ['primary', 'secondary'] as const;
const PLACES = ['wan', 'lan'] as const;

const onNode = (
  verb: string,
  begin: (node: SimulatedNode) => void,
  end: (node: SimulatedNode) => void,
): FaultKind => {
  return (prng) => {
    const name = prng.pick(NODES);
    return {
      name: `${verb} ${name}`,
      begin: (simulation) => begin(simulation.node(name)),
      end: (simulation) => end(simulation.node(name)),
    };
  };
};

const onPort = (
  verb: string,
  begin: (node: SimulatedNode, place: string) => void,
  end: (node: SimulatedNode, place: string) => void,
): FaultKind => {
  return (prng) => {
    const name = prng.pick(NODES);
    const place = prng.pick(PLACES);
    return {
      name: `${verb} ${name}.${place}`,
      begin: (simulation) => begin(simulation.node(name), place),
      end: (simulation) => end(simulation.node(name), place),
    };
  };
};

const onSegments = (
  verb: string,
  begin: (simulation: Simulation, place: string) => void,
  end: (simulation: Simulation, place: string) => void,
): FaultKind => {
  return (prng) => {
    const places = prng.chance(0.3) ? PLACES : [prng.pick(PLACES)];
    return {
      name: `${verb} ${places.join(' ')}`,
      begin: (simulation) => {
        for (const place of places) begin(simulation, place);
      },
      end: (simulation) => {
        for (const place of places) end(simulation, place);
      },
    };
  };
};

/** Restarts what a fault left stopped. */
const revive = (node: SimulatedNode): void => {
  node.proceed();
  node.powerOn();
  node.start();
};

const KINDS: readonly FaultKind[] = [
  onPort(
    'unplug',
    (node, place) => node.device(place).segment.unplug(node.device(place)),
    (node, place) => node.isPowered && node.device(place).segment.plug(node.device(place)),
  ),
  onPort(
    'vanish',
    (node, place) => node.setPresent(place, false),
    (node, place) => node.setPresent(place, true),
  ),
  onPort(
    'break the sending of',
    (node, place) => {
      node.device(place).sendFails = true;
    },
    (node, place) => {
      node.device(place).sendFails = false;
    },
  ),
  onNode('kill', (node) => node.kill(), revive),
  onNode('suspend', (node) => node.suspend(), revive),
  onNode('power off', (node) => node.powerOff(), revive),
  onNode('shut down', (node) => node.shutDown(), revive),
  onNode('damage', (node) => node.damage(), revive),
  onNode(
    'maintain',
    (node) => node.maintain(true),
    (node) => {
      revive(node);
      node.maintain(false);
    },
  ),
  onNode(
    'refuse the claims of',
    (node) => {
      node.machine.refusesClaims = true;
    },
    (node) => {
      node.machine.refusesClaims = false;
    },
  ),
  onSegments(
    'partition',
    (simulation, place) => simulation.segment(place).partition(['primary']),
    (simulation, place) => simulation.segment(place).partition([]),
  ),
  onSegments(
    'switch off',
    (simulation, place) => simulation.segment(place).power(false),
    (simulation, place) => simulation.segment(place).power(true),
  ),
  onSegments(
    'lose frames on',
    (simulation, place) => {
      // Three lost in a row would be a partition: that is a fault of its own.
      simulation.segment(place).loss = 0.02;
    },
    (simulation, place) => {
      simulation.segment(place).loss = 0;
    },
  ),
];

/** Most faults are short, around the times that decide; some are long. */
function duration(prng: Prng): number {
  const longest = prng.pick([0.02, 0.1, 0.5, 2, 4, 10]);
  return Math.round(prng.unit() * longest * SECOND) + 1_000;
}

function pairPlan(prng: Prng): Partial<PairPlan> {
  const fast = prng.chance(0.15);
  const failover = prng.chance(0.3) ? 'vip' : 'node';
  return {
    failover,
    base: fast ? 0 : 1,
    skew: fast ? { primary: 5, secondary: 10 } : { primary: 0, secondary: 100 },
    preempt: prng.chance(0.8),
    delaySeconds: prng.between(0, 3),
    dualStack: prng.chance(0.3),
    split: failover === 'vip' && prng.chance(0.5),
  };
}

/** Whatever faults that met left behind: everything is plugged in and runs. */
export function mend(simulation: Simulation): void {
  for (const node of simulation.nodes.values()) {
    revive(node);
    for (const place of PLACES) {
      const device = node.device(place);
      device.segment.plug(device);
      if (!device.present) node.setPresent(place, true);
    }
  }
}

export function faultPlan(seed: number): FaultPlan {
  const prng = new Prng(seed * 7_919 + 1);
  const pair = pairPlan(prng);
  const faults = Array.from({ length: prng.between(1, FAULTS_AT_MOST) }, (): Fault => {
    const at = prng.between(FIRST, LAST);
    return { at, until: at + duration(prng), ...prng.pick(KINDS)(prng) };
  }).sort((a, b) => a.at - b.at);
  const end = Math.max(...faults.map(({ until }) => until));
  return { pair, wakeLatency: prng.between(0, 2_000), faults, end };
}
