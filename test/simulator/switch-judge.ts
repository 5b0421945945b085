/** The switches learn soon who serves a VIP: traffic does not go elsewhere for long. */
import type { Contact } from './contact.ts';
import type { Stretch, WatchedVip } from './service-watch.ts';
import type { Simulation } from './simulation.ts';
import type { TimeBounds } from './time-bounds.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class SwitchJudge {
  readonly #simulation: Simulation;
  readonly #bounds: TimeBounds;
  readonly #contact: Contact;
  readonly #fail: (text: string) => void;

  constructor(
    simulation: Simulation,
    bounds: TimeBounds,
    contact: Contact,
    fail: (text: string) => void,
  ) {
    this.#simulation = simulation;
    this.#bounds = bounds;
    this.#contact = contact;
    this.#fail = fail;
  }

  /** When to be asked again though nothing has happened. */
  look(vip: WatchedVip, { misled, from, names }: Stretch, now: number): number {
    if (!misled || this.#isExcused(vip, names)) return NEVER;
    const until = Math.max(from, this.#undisturbedSince(vip)) + this.#bounds.misled;
    if (now <= until) return until + 1;
    this.#fail(`the switch is misled about ${vip.name}`);
    return NEVER;
  }

  /** Who cannot send cannot teach the switch; what others send with the virtual MAC misleads it. */
  #isExcused({ segment }: WatchedVip, names: readonly string[]): boolean {
    const { strangers, attackers } = this.#simulation;
    if (strangers.length > 0 || attackers.length > 0) return true;
    return names.some((name) => this.#simulation.node(name).device(segment.name).sendFails);
  }

  /** Since when all nodes could hear each other on the segment; now, if they cannot. */
  #undisturbedSince({ segment }: WatchedVip): number {
    const { nodes, schedule } = this.#simulation;
    const names = [...nodes.keys()];
    const times = names.flatMap((one, index) =>
      names.slice(index + 1).map((other) => this.#contact.joinedSince(segment.name, one, other)),
    );
    return Math.max(...times.map((at) => at ?? schedule.now));
  }
}
