/**
 * One random simulation and its judgement: what a pair promises whatever befalls it.
 *
 *   1. A client never reaches two servers of a VIP, except where the nodes have just been cut off
 *      from each other; then it ends with the first advertisement that comes through.
 *   2. A VIP is not without a server for longer than the dead time while a node could serve it.
 *   3. The switch does not send a VIP's frames elsewhere for as long as an advertisement interval.
 *   4. When all is mended, one node serves, the right one, the switches know it, and it stays so.
 */
import {
  advertisementInterval,
  masterDownInterval,
} from '../../firmware/core/election/interval.ts';
import { type FaultPlan, faultPlan, mend } from './fault-plan.ts';
import type { Stretch, WatchedVip } from './service-watch.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { Simulation } from './simulation.ts';

const SECOND = 1_000_000;
/** Longer than every demotion lasts that ends by itself, and the preemption delay after it. */
const QUIET = 80 * SECOND;
/** A clean stop takes this long: its good-byes are repeated. */
const STOPPING = 0.1 * SECOND;
/** In which nothing may change any more. */
const CALM = 10 * SECOND;
/** Time for a link that is back to be reported and to be trusted. */
const LINK_RETURN = 2 * SECOND;
const MARGIN = 0.3 * SECOND;
/** More than that is flapping. */
const TRANSITIONS_PER_FAULT = 16;

export class RandomRun {
  readonly simulation: Simulation;
  readonly #plan: FaultPlan;
  readonly #failures: string[] = [];
  /** Since when no client-visible server, and since when a node could serve, by VIP. */
  readonly #unservedSince = new Map<string, number>();
  readonly #healthySince = new Map<string, number>();
  readonly #lastApart = new Map<string, number>();
  readonly #deadTime: number;
  readonly #interval: number;

  constructor(seed: number) {
    this.#plan = faultPlan(seed);
    const { pair, wakeLatency } = this.#plan;
    this.simulation = new Simulation({ pair, seed, wakeLatency });
    const { base, skew } = this.simulation.pair;
    const slower = Math.max(skew.primary, skew.secondary);
    this.#deadTime = masterDownInterval({ advbase: base, advskew: slower });
    this.#interval = advertisementInterval({ advbase: base, advskew: 240 });
  }

  /** What is wrong; empty when all promises were kept. */
  judge(): readonly string[] {
    this.#schedule();
    this.simulation.advance(this.#plan.end + STOPPING);
    mend(this.simulation);
    this.simulation.advance(QUIET);
    this.#judgeEnd();
    return this.#failures;
  }

  #schedule(): void {
    const { simulation } = this;
    const { schedule, watch } = simulation;
    for (const node of simulation.nodes.values()) node.start();
    for (const fault of this.#plan.faults) {
      schedule.at(fault.at, () => {
        simulation.chronicle.tell('>>', fault.name);
        fault.begin(simulation);
      });
      schedule.at(fault.until, () => {
        simulation.chronicle.tell('>>', `end: ${fault.name}`);
        fault.end(simulation);
      });
    }
    schedule.afterEach = () => {
      watch.check();
      this.#judgeMoment();
    };
  }

  #judgeMoment(): void {
    for (const vip of this.simulation.watch.vips) {
      const stretch = this.simulation.watch.now.get(vip.name);
      if (stretch === undefined) continue;
      this.#judgeOverlap(vip, stretch);
      this.#judgeOutage(vip, stretch);
      this.#judgeSwitch(vip, stretch);
    }
  }

  #judgeOverlap(vip: WatchedVip, stretch: Stretch): void {
    const { now } = this.simulation.schedule;
    if (!this.#isConnected(vip)) this.#lastApart.set(vip.name, now);
    if (!stretch.overlaps) return;
    const apart = this.#lastApart.get(vip.name) ?? Number.NEGATIVE_INFINITY;
    if (now - apart <= this.#interval + LINK_RETURN + MARGIN) return;
    this.#fail(`${vip.name} is served by ${stretch.names.join(' and ')}`);
  }

  #judgeOutage(vip: WatchedVip, { names }: Stretch): void {
    const { now } = this.simulation.schedule;
    if (names.length > 0) this.#unservedSince.delete(vip.name);
    else if (!this.#unservedSince.has(vip.name)) this.#unservedSince.set(vip.name, now);
    const unserved = this.#unservedSince.get(vip.name) ?? now;
    for (const node of this.simulation.nodes.values()) {
      const key = `${node.name}/${vip.name}`;
      if (!this.#isHealthy(node, vip)) this.#healthySince.delete(key);
      else if (!this.#healthySince.has(key)) this.#healthySince.set(key, now);
      const since = Math.max(unserved, (this.#healthySince.get(key) ?? now) + LINK_RETURN);
      if (now - since > this.#deadTime + MARGIN) {
        this.#fail(`${vip.name} is not served although ${node.name} could`);
      }
    }
  }

  #judgeSwitch(vip: WatchedVip, { misled, from, names }: Stretch): void {
    const { now } = this.simulation.schedule;
    // Who cannot send cannot teach the switch either.
    if (names.some((name) => this.simulation.node(name).device(vip.segment.name).sendFails)) return;
    const apart = this.#lastApart.get(vip.name) ?? Number.NEGATIVE_INFINITY;
    const since = Math.max(from, apart + LINK_RETURN);
    if (misled && now - since > this.#interval)
      this.#fail(`the switch is misled about ${vip.name}`);
  }

  /** Whether an advertisement of one node can reach the other and be acted on for this VIP. */
  #isConnected(vip: WatchedVip): boolean {
    const segments = this.#isVipMode
      ? [vip.segment]
      : this.simulation.watch.vips.map((each) => each.segment);
    const nodes = [...this.simulation.nodes.values()];
    return segments.some((segment) => {
      const ports = nodes.map((node) => node.device(segment.name));
      const [one, other] = ports;
      if (one === undefined || other === undefined) return false;
      return segment.joins(one, other) && ports.every((port) => port.present && !port.sendFails);
    });
  }

  get #isVipMode(): boolean {
    return this.simulation.pair.failover === 'vip';
  }

  #isHealthy(node: SimulatedNode, vip: WatchedVip): boolean {
    if (!node.isRunning || node.isStalled || node.machine.refusesClaims) return false;
    const places = this.#isVipMode ? [vip.segment.name] : ['wan', 'lan'];
    return places.every((place) => {
      const port = node.device(place);
      return port.carrier && !port.sendFails;
    });
  }

  #judgeEnd(): void {
    const { watch, pair, schedule, chronicle } = this.simulation;
    for (const vip of watch.vips) {
      const stretch = watch.now.get(vip.name);
      const names = stretch?.names ?? [];
      if (names.length !== 1)
        this.#fail(`at the end ${vip.name} is served by [${names.join(', ')}]`);
      if (stretch?.misled) this.#fail(`at the end the switch is misled about ${vip.name}`);
      const preferred = pair.split && vip.name === 'wan' ? 'secondary' : 'primary';
      if (pair.preempt && names[0] !== preferred)
        this.#fail(`at the end ${vip.name} is not at home`);
    }
    const late = chronicle.entries.filter(({ at }) => at > schedule.now - CALM);
    const moves = late.filter(({ what }) => what.startsWith('transition'));
    if (moves.length > 0) this.#fail(`still moving at the end: ${moves[0]?.what}`);
    const all = chronicle.entries.filter(({ what }) => what.startsWith('transition')).length;
    if (all > TRANSITIONS_PER_FAULT * (this.#plan.faults.length + 1))
      this.#fail(`${all} transitions`);
    for (const node of this.simulation.nodes.values()) {
      const left = node.service?.node.demotions.list() ?? [];
      for (const { reason } of left) this.#fail(`${node.name} is still demoted: ${reason}`);
    }
  }

  #fail(text: string): void {
    const kind = text.replace(/\d+/g, '');
    if (this.#failures.some((known) => known.replace(/^\S+ s: /, '').replace(/\d+/g, '') === kind))
      return;
    this.#failures.push(`${(this.simulation.schedule.now / SECOND).toFixed(3)} s: ${text}`);
  }
}
