// The attacks on CARP that need no password, and the floods. Each begins when the pair is settled
// and never ends: its rack does.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CarpAttacker } from './carp-attacker.ts';
import { eventually } from './eventually.ts';
import { FLOOD_TARGETS, type FloodTarget, floodStation, GarbageFlood } from './garbage-flood.ts';
import type { Pair } from './pair.ts';
import { startUcarp } from './peers/ucarp-pair.ts';
import type { Rack } from './rack.ts';
import { VIPS } from './rack-plan.ts';
import type { YokeSpeaker } from './yoke-pair.ts';

/** Datagrams a second that the attack has really sent so far; 0 where that says nothing. */
export type AttackRate = () => Promise<number>;

export interface Attack {
  readonly name: string;
  /** What somebody must be told. Undefined: nothing in particular. */
  readonly alert: RegExp | undefined;
  begin(rack: Rack, pair: Pair<YokeSpeaker>): Promise<AttackRate>;
}

const FLOOD_RATE = 50_000;
/** One IPv4 and one IPv6 advertisement of the LAN's VHID. */
const FRAMES = 2;
const SPOOFED = /^spoofed-advert:lan$/;
const uncounted: AttackRate = async () => 0;

/** An attacker that has heard advertisements of the present master. */
async function attackerInPlace(rack: Rack): Promise<CarpAttacker> {
  const attacker = await CarpAttacker.start(rack);
  await hasHeard(attacker, 0);
  return attacker;
}

async function hasHeard(attacker: CarpAttacker, before: number): Promise<void> {
  await eventually('the attacker has heard advertisements', async () => {
    const { kept, captured } = await attacker.report();
    return kept >= FRAMES && captured >= before + FRAMES ? true : undefined;
  });
}

const REPLAY: Attack = {
  name: 'adverts of the dead master replayed',
  alert: SPOOFED,
  async begin(rack) {
    const attacker = await attackerInPlace(rack);
    attacker.hold();
    attacker.replay();
    return uncounted;
  },
};

/** What b said when it was MASTER, so that it is no copy of what a says now. */
const LOWERED_SKEW: Attack = {
  name: 'adverts of the peer with a lower skew',
  alert: SPOOFED,
  async begin(rack, pair) {
    const attacker = await CarpAttacker.start(rack);
    await pair.speakers.a.handover();
    await pair.settled('b');
    const { captured } = await attacker.report();
    await hasHeard(attacker, captured);
    attacker.hold();
    await pair.speakers.a.release();
    await pair.settled('a');
    attacker.forge({ base: 0, skew: 1 }, 'b');
    return uncounted;
  },
};

const RAISED_SKEW: Attack = {
  name: 'adverts of the master with skew 240',
  alert: SPOOFED,
  async begin(rack) {
    (await attackerInPlace(rack)).forge({ base: 1, skew: 240 }, 'a');
    return uncounted;
  },
};

const GOODBYE: Attack = {
  name: 'good-byes forged from the master',
  alert: SPOOFED,
  async begin(rack) {
    (await attackerInPlace(rack)).forge({ base: 255, skew: 255 }, 'a');
    return uncounted;
  },
};

const WRONG_PASSWORD: Attack = {
  name: 'a third node with a wrong password',
  alert: /^digest:lan$/,
  async begin(rack) {
    const source = '192.168.1.209';
    const station = await rack.addStation(`${source}/24`);
    const directory = join(rack.directory, station.name);
    mkdirSync(directory);
    // An address of its own: what it answers ARP for is not the question here.
    const group = { device: 'lan', source, vhid: VIPS.lan.vhid, address: '192.168.1.210' };
    const ucarp = startUcarp(station, { ...group, advskew: 0, password: 'guessed', directory });
    const isMaster = () => (ucarp.said.some((line) => line.includes('MASTER')) ? true : undefined);
    await eventually('the third node is master', isMaster);
    return uncounted;
  },
};

function flood(target: FloodTarget): Attack {
  const { segment, protocol } = target;
  return {
    name: `garbage at ${protocol} from the ${segment.toUpperCase()}`,
    alert: undefined,
    async begin(rack) {
      const station = await floodStation(rack, segment);
      const garbage = await GarbageFlood.start(station, target, FLOOD_RATE);
      return () => garbage.rate();
    },
  };
}

export const NO_ATTACK: Attack = { name: 'none', alert: undefined, begin: async () => uncounted };

export const ATTACKS: readonly Attack[] = [
  REPLAY,
  LOWERED_SKEW,
  RAISED_SKEW,
  GOODBYE,
  WRONG_PASSWORD,
  ...FLOOD_TARGETS.map(flood),
];
