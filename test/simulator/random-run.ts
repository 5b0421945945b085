/**
 * One random life of a pair and its judgement, from a seed: the same seed gives the same life.
 */

import { LINK_RETURN } from './contact.ts';
import { type Chapter, type FaultPlan, faultPlan } from './fault-plan.ts';
import { Judge } from './judge.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { Simulation } from './simulation.ts';

const SECOND = 1_000_000;
/** In which nothing may change any more. */
const CALM = 10 * SECOND;
/** After everything is mended one node serves. */
const CONVERGENCE = 5 * SECOND;
/** The end of a demotion, of a hold, of the preemption delay: what may still move. */
const MOVES_AT_MOST = 3;
/** Nobody serves for so long at most while the VIPs move though nothing is wrong. */
const MOVING = 0.15 * SECOND;
/** The demotion of a node that was told to hand over; it ends when it is MASTER again. */
const HANDED_OVER = 'operator';

/** Ends a hasty run. */
class Failed extends Error {}

export class RandomRun {
  readonly simulation: Simulation;
  readonly plan: FaultPlan;
  readonly #judge: Judge;

  /** `only`: positions of the faults that are to happen; all when absent. */
  constructor(seed: number, only?: ReadonlySet<number>) {
    const plan = faultPlan(seed);
    this.plan = only === undefined ? plan : reduced(plan, only);
    this.simulation = new Simulation(this.plan.simulation);
    this.#judge = new Judge(this.simulation);
  }

  /**
   * What is wrong; empty when all promises were kept. `hasty`: nothing is judged after the first
   * failure.
   */
  judge(hasty = false): readonly string[] {
    const { simulation } = this;
    const all = [...simulation.nodes.values(), ...simulation.strangers];
    for (const node of all) node.start();
    simulation.schedule.afterEach = () => {
      this.#judge.check();
      if (hasty && this.#judge.failures.length > 0) throw new Failed();
    };
    try {
      for (const chapter of this.plan.chapters) this.#live(chapter);
      this.#judgeEnd();
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
    }
    return this.#judge.failures;
  }

  #live({ faults, mendedAt, end }: Chapter): void {
    const { simulation } = this;
    const { schedule, chronicle } = simulation;
    for (const fault of faults) {
      schedule.at(fault.at, () => {
        chronicle.tell('>>', fault.name);
        fault.begin(simulation);
      });
      schedule.at(fault.until, () => {
        chronicle.tell('>>', `end: ${fault.name}`);
        fault.end(simulation);
      });
    }
    schedule.runUntil(mendedAt + 1);
    chronicle.tell('>>', 'all is mended');
    mend(simulation);
    schedule.runUntil(Math.max(schedule.now + this.#convergence, this.#allowedAt));
    this.#judgeCalm(Math.max(end, schedule.now));
  }

  /** From here on one node serves, whatever still moves. */
  #judgeCalm(end: number): void {
    const { watch, schedule } = this.simulation;
    const begun = watch.stretches.length;
    for (const vip of watch.vips) this.#judgeServed(vip.name, 'after the faults');
    schedule.runUntil(end);
    const since = watch.stretches.slice(begun);
    for (const vip of watch.vips) {
      const stretches = since.filter((each) => each.vip === vip.name);
      const served = stretches.map(({ names }) => names.join()).filter(Boolean);
      const moves = served.filter((names, index) => names !== served[index - 1]).length;
      if (moves > MOVES_AT_MOST) this.#judge.fail(`${vip.name} moves ${moves} times without need`);
      stretches.forEach(({ names, from }, index) => {
        const until = stretches[index + 1]?.from ?? schedule.now;
        if (names.length === 0 && until - from > MOVING) {
          this.#judge.fail(`${vip.name} is not served for ${until - from} us, without need`);
        }
      });
    }
  }

  #judgeServed(name: string, when: string): void {
    const stretch = this.simulation.watch.now.get(name);
    const names = stretch?.names ?? [];
    if (names.length !== 1) this.#judge.fail(`${when} ${name} is served by [${names.join(', ')}]`);
    const servers = [...this.simulation.watch.now.values()].flatMap((each) => each.names);
    const isSplit = this.simulation.pair.failover === 'vip';
    if (!isSplit && new Set(servers).size > 1) {
      this.#judge.fail(`${when} the VIPs are split: ${servers.join(', ')}`);
    }
  }

  /** Too many changes keep a pair where it is, and so does a handover that somebody asked for. */
  get #isHeld(): boolean {
    const { pair, nodes } = this.simulation;
    if (pair.flapChanges > 0) return true;
    return [...nodes.values()].some((node) => node.service?.node.demotions.has(HANDED_OVER));
  }

  get #convergence(): number {
    const { isBound, outage } = this.#judge.bounds;
    return isBound ? CONVERGENCE : Math.max(CONVERGENCE, outage + LINK_RETURN);
  }

  /** When the first node may take the VIPs from the other again that the kernel refused before. */
  get #allowedAt(): number {
    const times = [...this.simulation.nodes.values()].map((node) => {
      const groups = [...(node.service?.node.groups.values() ?? [])];
      return Math.max(0, ...groups.map((each) => forbiddenUntil(node, each.backoff.untilHeld)));
    });
    return Math.min(...times) + this.#judge.bounds.outage;
  }

  #judgeEnd(): void {
    const { watch, pair, nodes, chronicle, schedule } = this.simulation;
    for (const vip of watch.vips) {
      this.#judgeServed(vip.name, 'at the end');
      const stretch = watch.now.get(vip.name);
      const isStrange = this.simulation.strangers.length > 0;
      if (stretch?.misled && !isStrange) {
        this.#judge.fail(`at the end the switch is misled about ${vip.name}`);
      }
      const preferred = pair.split && vip.name === 'wan' ? 'secondary' : 'primary';
      const mayStay = !pair.preempt || (this.#judge.bounds.isBound && this.#isHeld);
      if (!mayStay && stretch?.names[0] !== preferred) {
        this.#judge.fail(`at the end ${vip.name} is not at home`);
      }
    }
    const late = chronicle.entries.filter(({ at }) => at > schedule.now - CALM);
    const moves = late.filter(({ what, who }) => what.startsWith('transition') && nodes.has(who));
    if (moves.length > 0) this.#judge.fail(`still moving at the end: ${moves[0]?.what}`);
    for (const node of nodes.values()) {
      const left = node.service?.node.demotions.list() ?? [];
      for (const { reason } of left) {
        if (reason !== HANDED_OVER) this.#judge.fail(`${node.name} is still demoted: ${reason}`);
      }
    }
  }
}

const forbiddenUntil = (node: SimulatedNode, at: number | undefined): number =>
  at === undefined ? 0 : node.machine.timeAt(at);

/** Whatever faults that met left behind: everything is plugged in and runs. */
function mend({ nodes, segments }: Simulation): void {
  for (const segment of segments.values()) {
    segment.calm();
    segment.heal();
    segment.power(true);
  }
  for (const node of nodes.values()) {
    node.revive();
    node.diskDelay = 0;
    node.machine.refusesClaims = false;
    node.machine.losesLinkEvents = false;
    node.machine.linkVersion += 1;
    for (const [place, segment] of segments) {
      const device = node.device(place);
      segment.plug(device);
      device.sendFails = false;
      if (!device.present) node.setPresent(place, true);
    }
    node.maintain(false);
    node.onChange();
  }
}

function reduced(plan: FaultPlan, only: ReadonlySet<number>): FaultPlan {
  let position = 0;
  const chapters = plan.chapters.map((chapter) => {
    const faults = chapter.faults.filter(() => {
      position += 1;
      return only.has(position - 1);
    });
    return { ...chapter, faults };
  });
  return { ...plan, chapters };
}
