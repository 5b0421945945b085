/**
 * A pair of nodes on its segments, in simulated time, with a judge watching.
 *
 * Everything that happens comes from one schedule and one seed, so a run can be repeated exactly.
 */
import type {
  FailoverMode,
  PairConfiguration,
  Role,
} from '../../firmware/core/configuration/pair-configuration.ts';
import { Attacker } from './attacker.ts';
import { Chronicle } from './chronicle.ts';
import { type ForeignPlan, ForeignSpeaker } from './foreign-speaker.ts';
import {
  type BoxName,
  nodeConfiguration,
  type PairPlan,
  PLAIN_PAIR,
  pairVips,
  type VipPlan,
} from './pair-plan.ts';
import { Prng } from './prng.ts';
import { Schedule } from './schedule.ts';
import { type Server, ServiceWatch, type Stretch } from './service-watch.ts';
import { SimulatedNode } from './simulated-node.ts';
import { SimulatedSegment } from './simulated-segment.ts';

export interface SimulationPlan {
  readonly pair?: Partial<PairPlan>;
  readonly seed?: number;
  /** Microseconds; see SimulatedNode. */
  readonly wakeLatency?: number;
  /** What the two nodes are joined by: a third node of the same VIPs, one with another key. */
  readonly others?: readonly BoxName[];
  /** Segments on which somebody without a secret listens, and speaks. */
  readonly attacked?: readonly string[];
  /** Parts per million, by box. */
  readonly drift?: Readonly<Partial<Record<BoxName, number>>>;
}

const PAIR: readonly BoxName[] = ['primary', 'secondary'];
/** Not the one of the pair. */
const STRANGE_KEY = 2;

const roleOf = (box: BoxName): Role => (box === 'primary' ? 'primary' : 'secondary');

export class Simulation {
  readonly schedule = new Schedule();
  readonly chronicle = new Chronicle(this.schedule);
  readonly watch = new ServiceWatch(this.schedule);
  readonly segments = new Map<string, SimulatedSegment>();
  readonly nodes = new Map<string, SimulatedNode>();
  /** Boxes with another key: not of the pair. */
  readonly strangers: SimulatedNode[] = [];
  /** Whoever repeats and forges what others send. */
  readonly attackers: Attacker[] = [];
  readonly foreign = new Map<string, ForeignSpeaker>();
  readonly pair: PairPlan;
  /** What was told last of each VIP. */
  readonly #told = new Map<string, string>();
  readonly #foreignPlans = new Map<string, ForeignPlan & { readonly place: string }>();

  constructor({
    pair = {},
    seed = 1,
    wakeLatency = 0,
    others = [],
    attacked = [],
    drift = {},
  }: SimulationPlan = {}) {
    this.pair = { ...PLAIN_PAIR, ...pair };
    const prng = new Prng(seed);
    for (const name of ['wan', 'lan', 'sync']) {
      const segment = new SimulatedSegment(name, this.schedule, prng);
      segment.onChange = () => this.watch.touch();
      this.segments.set(name, segment);
    }
    const { schedule, chronicle, segments } = this;
    const around = { schedule, prng, chronicle, segments, wakeLatency };
    for (const box of [...PAIR, ...others]) {
      const node = new SimulatedNode(this.#configuration(box), {
        ...around,
        drift: drift[box] ?? 0,
      });
      node.onChange = () => this.watch.touch();
      if (box === 'stranger') this.strangers.push(node);
      else this.nodes.set(box, node);
    }
    for (const place of attacked) this.attackers.push(new Attacker(this.segment(place), prng));
    this.#watchVips(pairVips(this.pair));
    this.schedule.afterEach = () => this.watch.check();
    this.watch.onStretch = (stretches) => this.#tellStretches(stretches);
  }

  /** The stranger has the same VIPs, and does not know the secrets. */
  #configuration(box: BoxName): PairConfiguration {
    const key = box === 'stranger' ? STRANGE_KEY : this.pair.key;
    const pair = { ...this.pair, key };
    return nodeConfiguration({ role: roleOf(box), box, pair, vips: pairVips(pair) });
  }

  node(name: string): SimulatedNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  segment(name: string): SimulatedSegment {
    const segment = this.segments.get(name);
    if (segment === undefined) throw new Error(`no segment ${name}`);
    return segment;
  }

  /** Lets time pass, in microseconds. */
  advance(span: number): void {
    this.schedule.runUntil(this.schedule.now + span);
  }

  /** Hands a node a configuration with these VIPs. */
  reload(
    name: string,
    vips: readonly VipPlan[],
    failover: FailoverMode = this.pair.failover,
  ): void {
    const node = this.node(name);
    this.#watchVips(vips);
    const pair = { ...this.pair, failover };
    node.reload(nodeConfiguration({ role: name as Role, pair, vips }));
  }

  addForeign(plan: ForeignPlan, place: string): ForeignSpeaker {
    const { schedule, chronicle } = this;
    const onChange = (): void => this.watch.touch();
    const speaker = new ForeignSpeaker(plan, this.segment(place), {
      schedule,
      chronicle,
      onChange,
    });
    this.foreign.set(plan.name, speaker);
    this.#foreignPlans.set(plan.name, { ...plan, place });
    this.#watchVips(pairVips(this.pair));
    return speaker;
  }

  #watchVips(vips: readonly VipPlan[]): void {
    const known = new Map(this.watch.vips.map((vip) => [vip.name, vip]));
    for (const vip of vips) {
      const { name, interface: place, vhid } = vip;
      const segment = this.segment(place);
      const servers = [...this.#ownServers(place, vhid), ...this.#foreignServers(vip)];
      known.set(name, { name, segment, vhid, servers });
    }
    this.watch.vips = [...known.values()];
  }

  #ownServers(place: string, vhid: number): Server[] {
    return [...this.nodes.values()].map((node): Server => {
      const port = node.device(place);
      const { machine } = node;
      return {
        name: node.name,
        port,
        answers: () => machine.answers(port.device, vhid),
        forwards: () => machine.forwards(port.device, vhid),
      };
    });
  }

  /** Speakers of the same VIP; one of the same VHID with another address is a stranger. */
  #foreignServers({ interface: place, vhid, addresses }: VipPlan): Server[] {
    const own = new Set(addresses.map((address) => address.replace(/\/.*/, '')));
    return [...this.#foreignPlans.values()]
      .filter((plan) => plan.place === place && plan.vhid === vhid && own.has(plan.vip))
      .flatMap(({ name }) => {
        const port = this.foreign.get(name);
        if (port === undefined) return [];
        return [{ name, port, answers: () => port.answers, forwards: () => port.answers }];
      });
  }

  /** VIPs that changed alike share a line. */
  #tellStretches(stretches: readonly Stretch[]): void {
    const byVerdict = new Map<string, string[]>();
    for (const stretch of stretches) {
      const verdict = verdictOf(stretch);
      if (this.#told.get(stretch.vip) === verdict) continue;
      this.#told.set(stretch.vip, verdict);
      byVerdict.set(verdict, [...(byVerdict.get(verdict) ?? []), stretch.vip]);
    }
    for (const node of this.nodes.keys()) this.chronicle.flush(node);
    for (const [verdict, vips] of byVerdict) {
      this.chronicle.tell('==', `${vips.join(', ')} answered by ${verdict}`);
    }
  }
}

function verdictOf({ names, overlaps, misled, forwarded }: Stretch): string {
  if (names.length === 0) return forwarded ? 'nobody, still forwarded' : 'nobody';
  return `${names.join(' and ')}${overlaps ? ' AT ONCE' : ''}${misled ? ', switch misled' : ''}`;
}
