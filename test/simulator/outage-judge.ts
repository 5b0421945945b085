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
      const ready = this.#readySince(vip, node);
      if (ready === undefined) continue;
      const until = Math.max(since, ready) + this.#bound(node);
      if (now > until) this.#fail(`${vip.name} is not served although ${node.name} could`);
      else next = Math.min(next, until + 1);
    }
    return next;
  }

  #bound(node: SimulatedNode): number {
    const hasMet = node.service?.node.conduct.isKnown === true;
    return hasMet ? this.#bounds.outage : this.#bounds.firstOutage;
  }

  #readySince(vip: WatchedVip, node: SimulatedNode): number | undefined {
    let since = this.#readiness.since(vip, node);
    if (since === undefined || !this.#bounds.isBound) return since;
    for (const other of this.#simulation.nodes.values()) {
      if (other === node || !other.isRunning) continue;
      const acquaintance = this.#contact.acquaintance(node.name, other.name);
      if (acquaintance === undefined || acquaintance.relation === 'muddled') return undefined;
      since = Math.max(since, acquaintance.since);
    }
    return since;
  }
}
