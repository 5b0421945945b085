/**
 * First promise: a client never reaches two servers of a VIP. When nodes that were parted can hear
 * each other again, one of them lets go within the stated time.
 */
import type { Contact } from './contact.ts';
import type { Stretch, WatchedVip } from './service-watch.ts';
import type { Simulation } from './simulation.ts';
import type { TimeBounds } from './time-bounds.ts';

const NEVER = Number.POSITIVE_INFINITY;
const CABLE = 'sync';
/** What a late frame has caused is over after another frame and a wake-up. */
const STALE_MARGIN = 20_000;

export class OverlapJudge {
  readonly #simulation: Simulation;
  readonly #bounds: TimeBounds;
  readonly #contact: Contact;
  readonly #fail: (text: string) => void;
  /** Since when two have served, by VIP. */
  readonly #since = new Map<string, number>();

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
  look(vip: WatchedVip, stretch: Stretch, now: number): number {
    if (!stretch.overlaps) {
      this.#since.delete(vip.name);
      return NEVER;
    }
    const since = this.#since.get(vip.name) ?? now;
    this.#since.set(vip.name, since);
    const until = this.#excusedUntil(vip, stretch, since);
    if (now <= until) return until + 1;
    this.#fail(`${vip.name} is served by ${stretch.names.join(' and ')}`);
    return NEVER;
  }

  #excusedUntil(vip: WatchedVip, { names }: Stretch, since: number): number {
    let excuse = Number.NEGATIVE_INFINITY;
    names.forEach((one, index) => {
      for (const other of names.slice(index + 1)) {
        excuse = Math.max(excuse, this.#excuse(vip, one, other));
        if (this.#isUnheardDeath(one, other, since)) {
          excuse = Math.max(excuse, since + this.#bounds.merge);
        }
      }
    });
    if (this.#bounds.contest > 0) excuse = Math.max(excuse, since + this.#bounds.contest);
    if (this.#bounds.isBound) return excuse;
    // CARP has no defence against its own frames of a moment ago: until the last has arrived.
    return Math.max(excuse, this.#contact.lateUntil + STALE_MARGIN);
  }

  #excuse(vip: WatchedVip, one: string, other: string): number {
    const since = this.#joinedSince(vip, one, other);
    if (since === undefined) return NEVER;
    const { merge, firstMerge } = this.#bounds;
    return since + (this.#mustGreet(one, other) ? firstMerge : merge);
  }

  /**
   * One of them hangs or is gone, and its last beats were lost or are late: its lease may outlast
   * what the other knows (ARCHITECTURE.md, what is not guaranteed). Beats come by the cable while
   * that seems to be in order, and by all other segments a moment after it is not. Where
   * each VIP has an election the other node is also known by its advertisements.
   */
  #isUnheardDeath(one: string, other: string, since: number): boolean {
    if ([one, other].every((name) => this.#simulation.node(name).isAble)) return false;
    const recently = since - this.#bounds.merge;
    const isUnsteady = (place: string): boolean => {
      const joinedAt = this.#contact.joinedSince(place, one, other);
      return joinedAt === undefined || joinedAt > recently;
    };
    const others = [...this.#simulation.segments.keys()].filter((place) => place !== CABLE);
    if (!this.#bounds.isBound && others.some(isUnsteady)) return true;
    const hasBeats = this.#simulation.pair.beatMilliseconds !== undefined;
    if (!hasBeats || !isUnsteady(CABLE)) return false;
    const brokenAt = this.#contact.brokenSince(CABLE, one, other);
    const isCutLongAgo = brokenAt !== undefined && brokenAt <= recently;
    if (!isCutLongAgo || this.#simulation.segment(CABLE).isTroubled) return true;
    return others.every(isUnsteady);
  }

  /** By CARP any segment that nodes share decides; by beats that of the VIP must do. */
  #joinedSince(vip: WatchedVip, one: string, other: string): number | undefined {
    const { watch, pair } = this.#simulation;
    const isAlone = this.#bounds.isBound || pair.failover === 'vip';
    const places = isAlone ? [vip.segment.name] : watch.vips.map(({ segment }) => segment.name);
    const times = places.flatMap((place) => this.#contact.joinedSince(place, one, other) ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** They have no session: one was started since they heard each other last. */
  #mustGreet(one: string, other: string): boolean {
    const metBefore = this.#contact.acquaintance(one, other)?.metBefore ?? 0;
    return [one, other].some((name) => {
      return (this.#simulation.node(name).startedAt ?? 0) > metBefore;
    });
  }
}
