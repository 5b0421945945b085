/**
 * Everything that can befall a pair: machines, processes, cables, switches. Each kind draws its
 * victim and its measures from chance, begins, and ends.
 */
import type { Attack } from './attacker.ts';
import type { Prng } from './prng.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { Trouble } from './simulated-segment.ts';
import type { Simulation } from './simulation.ts';

const MILLISECOND = 1_000;

export interface Fault {
  /** Microseconds from the start of the simulation. */
  readonly at: number;
  readonly until: number;
  readonly name: string;
  begin(simulation: Simulation): void;
  end(simulation: Simulation): void;
}

/** What there is to be broken. */
export interface FaultScene {
  readonly nodes: readonly string[];
  readonly places: readonly string[];
  /** Somebody is there who knows no secret. */
  readonly isAttacked: boolean;
}

export type FaultKind = (prng: Prng, scene: FaultScene) => Omit<Fault, 'at' | 'until'>;

type OnNode = (node: SimulatedNode) => void;
type OnPort = (node: SimulatedNode, place: string) => void;

const revive: OnNode = (node) => node.revive();

const onNode = (verb: string, begin: OnNode, end: OnNode): FaultKind => {
  return (prng, { nodes }) => {
    const name = prng.pick(nodes);
    return {
      name: `${verb} ${name}`,
      begin: (simulation) => begin(simulation.node(name)),
      end: (simulation) => end(simulation.node(name)),
    };
  };
};

const onPort = (verb: string, begin: OnPort, end: OnPort): FaultKind => {
  return (prng, { nodes, places }) => {
    const name = prng.pick(nodes);
    const place = prng.pick(places);
    return {
      name: `${verb} ${name}.${place}`,
      begin: (simulation) => begin(simulation.node(name), place),
      end: (simulation) => end(simulation.node(name), place),
    };
  };
};

/** Mostly one segment, sometimes several, or all. */
const somePlaces = (prng: Prng, places: readonly string[]): readonly string[] => {
  if (prng.chance(0.15)) return places;
  if (prng.chance(0.15)) return places.slice(0, 2);
  return [prng.pick(places)];
};

const onSegments = (
  verb: string,
  begin: (simulation: Simulation, place: string) => void,
  end: (simulation: Simulation, place: string) => void,
): FaultKind => {
  return (prng, scene) => {
    const places = somePlaces(prng, scene.places);
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

/** Frames are treated badly on some segments. */
const trouble = (verb: string, measure: (prng: Prng) => Partial<Trouble>): FaultKind => {
  return (prng, scene) => {
    const measures = measure(prng);
    const words = Object.entries(measures).map(([what, much]) => `${what}=${much}`);
    const kind = onSegments(
      `${verb} (${words.join(' ')})`,
      (simulation, place) => simulation.segment(place).addTrouble(measures),
      (simulation, place) => simulation.segment(place).calm(),
    );
    return kind(prng, scene);
  };
};

/** Does something to a node again and again while the fault lasts. */
const again = (
  verb: string,
  pauses: readonly number[],
  act: (node: SimulatedNode, prng: Prng) => void,
): FaultKind => {
  return (prng, { nodes }) => {
    const name = prng.pick(nodes);
    const pause = prng.pick(pauses) * MILLISECOND;
    const own = { isOn: false };
    const step = (simulation: Simulation): void => {
      if (!own.isOn) return;
      act(simulation.node(name), prng);
      simulation.schedule.in(prng.between(pause / 2, pause), () => step(simulation));
    };
    return {
      name: `${verb} ${name} every ${pause / MILLISECOND} ms`,
      begin: (simulation) => {
        own.isOn = true;
        step(simulation);
      },
      end: () => {
        own.isOn = false;
      },
    };
  };
};

const flap: FaultKind = (prng, { nodes, places }) => {
  const name = prng.pick(nodes);
  const place = prng.pick(places);
  const pause = prng.pick([30, 200, 1_500]) * MILLISECOND;
  const own = { isOn: false, isPlugged: true };
  const step = (simulation: Simulation): void => {
    if (!own.isOn) return;
    own.isPlugged = !own.isPlugged;
    setPlugged(simulation.node(name), place, own.isPlugged);
    simulation.schedule.in(prng.between(pause / 2, pause), () => step(simulation));
  };
  return {
    name: `flap ${name}.${place} every ${pause / MILLISECOND} ms`,
    begin: (simulation) => {
      own.isOn = true;
      step(simulation);
    },
    end: (simulation) => {
      own.isOn = false;
      setPlugged(simulation.node(name), place, true);
    },
  };
};

/** A cable without power at its box has no carrier, whatever is done to it. */
function setPlugged(node: SimulatedNode, place: string, plugged: boolean): void {
  const device = node.device(place);
  if (!plugged) device.segment.unplug(device);
  else if (node.isPowered) device.segment.plug(device);
}

/** One box is not heard by another one; both ways, or only one. */
const deafen = (verb: string, isBothWays: boolean): FaultKind => {
  return (prng, { nodes, places }) => {
    const one = prng.pick(nodes);
    const other = prng.pick(nodes.filter((name) => name !== one));
    const cut = somePlaces(prng, places);
    return {
      name: `${verb} ${one} ${other} on ${cut.join(' ')}`,
      begin: (simulation) => {
        for (const place of cut) {
          simulation.segment(place).deafen(one, other);
          if (isBothWays) simulation.segment(place).deafen(other, one);
        }
      },
      end: (simulation) => {
        for (const place of cut) simulation.segment(place).heal();
      },
    };
  };
};

const setting = (verb: string, on: OnNode, off: OnNode): FaultKind =>
  onNode(
    verb,
    (node) => {
      on(node);
      node.onChange();
    },
    (node) => {
      off(node);
      node.onChange();
    },
  );

/** All attackers, again and again, while the fault lasts; it needs some. */
export const attack: FaultKind = (prng) => {
  const kind = prng.pick<Attack>(['replay', 'raise', 'dismiss', 'flood']);
  const pause = prng.pick([1, 20, 300]) * MILLISECOND;
  const own = { isOn: false };
  const step = (simulation: Simulation): void => {
    if (!own.isOn) return;
    for (const attacker of simulation.attackers) attacker.attack(kind);
    simulation.schedule.in(prng.between(pause / 2, pause), () => step(simulation));
  };
  return {
    name: `attack (${kind}) every ${pause / MILLISECOND} ms`,
    begin: (simulation) => {
      own.isOn = true;
      step(simulation);
    },
    end: () => {
      own.isOn = false;
    },
  };
};

const shares = (prng: Prng): number => prng.pick([0.01, 0.01, 0.05, 0.3, 0.7]);

export const FAULT_KINDS: readonly FaultKind[] = [
  onPort(
    'unplug',
    (node, place) => setPlugged(node, place, false),
    (node, place) => setPlugged(node, place, true),
  ),
  onPort(
    'unplug',
    (node, place) => setPlugged(node, place, false),
    (node, place) => setPlugged(node, place, true),
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
      node.onChange();
    },
    (node, place) => {
      node.device(place).sendFails = false;
      node.onChange();
    },
  ),
  flap,
  onNode('kill', (node) => node.kill(), revive),
  onNode('suspend', (node) => node.suspend(), revive),
  onNode('power off', (node) => node.powerOff(), revive),
  onNode('shut down', (node) => node.shutDown(), revive),
  onNode('damage', (node) => node.damage(), revive),
  onNode('hand over', (node) => node.handOver(), revive),
  onNode(
    'maintain',
    (node) => node.maintain(true),
    (node) => {
      node.revive();
      node.maintain(false);
    },
  ),
  setting(
    'refuse the claims of',
    ({ machine }) => {
      machine.refusesClaims = true;
    },
    ({ machine }) => {
      machine.refusesClaims = false;
    },
  ),
  setting(
    'lose the link events of',
    ({ machine }) => {
      machine.losesLinkEvents = true;
    },
    ({ machine }) => {
      machine.losesLinkEvents = false;
      machine.linkVersion += 1;
    },
  ),
  setting(
    'slow the disk of',
    (node) => {
      node.diskDelay = 1_500 * MILLISECOND;
    },
    (node) => {
      node.diskDelay = 0;
    },
  ),
  again('stall', [20, 100, 700], (node, prng) => {
    node.stall(prng.between(1, prng.pick([5, 30, 80, 800])) * MILLISECOND);
  }),
  again('stall inside', [20, 100, 700], (node, prng) => {
    const span = prng.between(1, prng.pick([5, 30, 80, 800, 4_000])) * MILLISECOND;
    node.stallInside(span, prng.between(1, 12));
  }),
  onSegments(
    'partition',
    (simulation, place) => simulation.segment(place).partition(['primary']),
    (simulation, place) => simulation.segment(place).heal(),
  ),
  onSegments(
    'switch off',
    (simulation, place) => simulation.segment(place).power(false),
    (simulation, place) => simulation.segment(place).power(true),
  ),
  deafen('deafen', false),
  deafen('part', true),
  trouble('lose', (prng) => ({ loss: shares(prng) })),
  trouble('duplicate', (prng) => ({ duplication: shares(prng) })),
  trouble('shuffle', (prng) => ({ reorder: shares(prng) })),
  trouble('delay', (prng) => ({
    delay: prng.pick([0, 500, 3_000, 40_000]),
    jitter: prng.pick([500, 4_000, 60_000, 400_000]),
  })),
];
