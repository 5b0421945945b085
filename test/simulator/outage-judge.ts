/**
 * Second promise: a VIP is served again within the stated time, as long as one node could serve it
 * and stands clearly to every other one: hears it, or does not.
 */
import type { Contact } from './contact.ts';
import type { Readiness } from './readiness.ts';
import type { Stretch, WatchedVip } from './service-watch.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { Simulation } from './simulation.ts';
import type { TimeBounds } from './time-bounds.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class OutageJudge {
  readonly #simulation: Simulation;
  readonly #bounds: TimeBounds;
  readonly #contact: Contact;
  readonly #readiness: Readiness;
  readonly #fail: (text: string) => void;
  /** Since when nobody has served, by VIP. */
  readonly #since = new Map<string, number>();
  /** Since when a node is seen to know its peer, by node. */
  readonly #metAt = new Map<string, number>();
  /** Until when a node had to leave the place to others, by node. */
  readonly #deferred = new Map<string, number>();

  constructor(
    simulation: Simulation,
    parts: { bounds: TimeBounds; contact: Contact; readiness: Readiness },
    fail: (text: string) => void,
  ) {
    this.#simulation = simulation;
    this.#bounds = parts.bounds;
    this.#contact = parts.contact;
    this.#readiness = parts.readiness;
    this.#fail = fail;
  }

  /** When to be asked again though nothing has happened. */
  look(vip: WatchedVip, { names }: Stretch, now: number): number {
    if (names.length > 0) {
      this.#since.delete(vip.name);
      return NEVER;
    }
    const since = this.#since.get(vip.name) ?? now;
    this.#since.set(vip.name, since);
    let next = NEVER;
    for (const node of this.#simulation.nodes.values()) {
      this.#noteMet(node, now);
      const ready = this.#readySince(vip, node);
      if (ready === undefined) continue;
      const until = this.#until(node, Math.max(since, ready));
      if (now > until) this.#fail(`${vip.name} is not served although ${node.name} could`);
      else next = Math.min(next, until + 1);
    }
    return next;
  }

  #noteMet(node: SimulatedNode, now: number): void {
    const hasMet = node.service?.node.conduct.isKnown === true;
    if (!hasMet) this.#metAt.delete(node.name);
    else if (!this.#metAt.has(node.name)) this.#metAt.set(node.name, now);
  }

  /** Beats are faster than CARP's timers, from the first one on; till then those run. */
  #until(node: SimulatedNode, since: number): number {
    const { outage, firstOutage } = this.#bounds;
    const metAt = this.#metAt.get(node.name);
    if (metAt === undefined) return since + firstOutage;
    return Math.min(Math.max(since, metAt) + outage, since + Math.max(outage, firstOutage));
  }

  #readySince(vip: WatchedVip, node: SimulatedNode): number | undefined {
    let since = this.#readiness.since(vip, node);
    if (since === undefined) return undefined;
    if (!this.#bounds.isBound) {
      return Math.max(since, this.#deferredUntil(node), this.#deceivedUntil(node));
    }
    if (this.#isMisled(node)) return undefined;
    for (const other of this.#simulation.nodes.values()) {
      if (other === node || !other.isRunning) continue;
      const acquaintance = this.#contact.acquaintance(node.name, other.name);
      if (acquaintance === undefined || acquaintance.relation === 'muddled') return undefined;
      since = Math.max(since, acquaintance.since, this.#readiness.turnedAt(vip, other));
    }
    return since;
  }

  /** Before its first beat a node believes what is repeated of the lives before its own. */
  #isMisled(node: SimulatedNode): boolean {
    return !this.#metAt.has(node.name) && this.#simulation.attackers.length > 0;
  }

  #deferredUntil(node: SimulatedNode): number {
    const { now } = this.#simulation.schedule;
    const until = this.#deferred.get(node.name) ?? 0;
    const ends = until === NEVER ? now : until;
    const next = this.#defers(node) ? NEVER : ends;
    this.#deferred.set(node.name, next);
    return next;
  }

  /**
   * An advertisement tells nothing of when it was decided on: one that was held up on its way, or
   * whose sender stood still between the decision and the sending, begins the master-down timer of
   * whoever hears it anew, though its sender may serve no more.
   */
  #deceivedUntil(node: SimulatedNode): number {
    const others = [...this.#simulation.nodes.values()].filter((other) => other !== node);
    return Math.max(this.#contact.lateUntil, ...others.map(({ spokeLateAt }) => spokeLateAt));
  }

  /** CARP knows no health: a demoted node leaves all to whoever serves something. */
  #defers(node: SimulatedNode): boolean {
    if (node.isMaintained) return true;
    const isDemoted = (node.service?.node.demotions.list() ?? []).length > 0;
    return (
      isDemoted && [...this.#simulation.watch.now.values()].some(({ names }) => names.length > 0)
    );
  }
}
