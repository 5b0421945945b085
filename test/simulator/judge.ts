/**
 * What a pair promises whatever befalls it, judged after everything that happens.
 *
 *   1. A client never reaches two servers of a VIP (overlap-judge.ts).
 *   2. A VIP that a node could serve is not without a server for long (outage-judge.ts); the
 *      switches know soon who it is (switch-judge.ts).
 *   3. When all is mended, one node serves, soon, and it stays so (`judgeCalm`).
 *   4. Maintenance is not forgotten.
 *   5. Nothing grows: queues, alerts, what is planned.
 *
 * A moment is looked at when something has changed, or when what is wrong has lasted too long.
 */
import { Contact } from './contact.ts';
import { OutageJudge } from './outage-judge.ts';
import { OverlapJudge } from './overlap-judge.ts';
import { Readiness } from './readiness.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { Simulation } from './simulation.ts';
import { SwitchJudge } from './switch-judge.ts';
import { type TimeBounds, timeBounds } from './time-bounds.ts';

const SECOND = 1_000_000;
const NEVER = Number.POSITIVE_INFINITY;
const PLANNED_AT_MOST = 5_000;
const QUEUED_AT_MOST = 4_000;
const ALERTS_AT_MOST = 60;
const COUNTERS_AT_MOST = 300;

export class Judge {
  readonly bounds: TimeBounds;
  readonly failures: string[] = [];
  readonly #simulation: Simulation;
  readonly #contact: Contact;
  readonly #readiness: Readiness;
  readonly #overlaps: OverlapJudge;
  readonly #outages: OutageJudge;
  readonly #switches: SwitchJudge;
  #nextLook = 0;
  #nextCount = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    const bounds = timeBounds(simulation.pair, simulation.nodes.size);
    const contact = new Contact(simulation, bounds);
    const readiness = new Readiness(simulation);
    const fail = (text: string): void => this.fail(text);
    this.bounds = bounds;
    this.#contact = contact;
    this.#readiness = readiness;
    this.#overlaps = new OverlapJudge(simulation, bounds, contact, fail);
    this.#outages = new OutageJudge(simulation, { bounds, contact, readiness }, fail);
    this.#switches = new SwitchJudge(simulation, bounds, contact, fail);
  }

  /** To be called after everything that happens. */
  check(): void {
    const { watch, schedule } = this.#simulation;
    const { now } = schedule;
    if (watch.check() || now >= this.#nextLook) this.#look(now);
    if (now >= this.#nextCount) this.#count(now);
  }

  /** One line; told once for each kind. */
  fail(text: string): void {
    const kind = text.replace(/\d+/g, '');
    if (this.failures.some((known) => known.replace(/^\S+ s: /, '').replace(/\d+/g, '') === kind)) {
      return;
    }
    this.failures.push(`${(this.#simulation.schedule.now / SECOND).toFixed(6)} s: ${text}`);
  }

  #look(now: number): void {
    const { watch, nodes } = this.#simulation;
    this.#contact.look(now);
    this.#readiness.look(now);
    this.#nextLook = NEVER;
    for (const vip of watch.vips) {
      const stretch = watch.now.get(vip.name);
      if (stretch === undefined) continue;
      this.#nextLook = Math.min(
        this.#nextLook,
        this.#overlaps.look(vip, stretch, now),
        this.#outages.look(vip, stretch, now),
        this.#switches.look(vip, stretch, now),
      );
    }
    for (const node of nodes.values()) this.#judgeMemory(node);
  }

  #judgeMemory(node: SimulatedNode): void {
    // While it stands inside a turn the command may be half carried out.
    if (node.service === undefined || node.isStalled) return;
    if (node.service.node.maintenance === node.isMaintained) return;
    this.fail(`${node.name} ${node.isMaintained ? 'has forgotten' : 'makes up'} its maintenance`);
  }

  #count(now: number): void {
    this.#nextCount = now + SECOND;
    const { nodes, schedule, segments } = this.#simulation;
    let planned = schedule.size;
    for (const { inFlight } of segments.values()) planned -= inFlight;
    if (planned > PLANNED_AT_MOST) this.fail(`${planned} things are planned`);
    for (const { name, kernel, service } of nodes.values()) {
      if (kernel === undefined || service === undefined) continue;
      const { bulletin, demotions } = service.node;
      const sizes: Readonly<Record<string, readonly [number, number]>> = {
        'events wait': [kernel.queued, QUEUED_AT_MOST],
        alerts: [bulletin.alerts.list().length + demotions.list().length, ALERTS_AT_MOST],
        counters: [Object.keys(bulletin.counters.list()).length, COUNTERS_AT_MOST],
      };
      for (const [what, [size, limit]] of Object.entries(sizes)) {
        if (size > limit) this.fail(`${name} has ${size} ${what}`);
      }
    }
  }
}
