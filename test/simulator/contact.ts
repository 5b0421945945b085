/**
 * Which nodes could hear each other where, and since when: what two servers, or none, may be
 * excused by.
 */
import type { SimulatedNode } from './simulated-node.ts';
import { HELD_BACK, type SimulatedSegment } from './simulated-segment.ts';
import type { Simulation } from './simulation.ts';
import type { TimeBounds } from './time-bounds.ts';

/** Who has been together for so long has greeted, whatever came between. */
const FAMILIAR = 4_000_000;
/** Time for a link that is back to be seen and to be trusted. */
export const LINK_RETURN = 2_000_000;
/**
 * A change of a link is seen by a node that runs for so long after it: the kernel reports it late,
 * or the carrier is read 20 ms later. Who stands still before that sees it when it goes on.
 */
export const LINK_SEEN = 25_000;

/**
 * How two nodes stand to each other, all segments together. `muddled`: one hears the other and not
 * the other way round, or so badly that nothing follows from it. While beats are late the place may
 * not change hands; but nothing they tell late is an excuse for two servers.
 */
export type Relation = 'together' | 'apart' | 'muddled';

/** Two nodes on one segment. */
interface Meeting {
  isCut: boolean;
  isUnlinked: boolean;
  /** Since when it has been either; undefined while it is in order. */
  brokenFrom: number | undefined;
  /** When it last was, or changed. */
  cutAt: number;
  unlinkedAt: number;
  /** Both run and are scheduled, and when they last ceased to be. */
  areAble: boolean;
  unableAt: number;
}

/** Two nodes, all segments together. */
interface Acquaintance {
  relation: Relation;
  since: number;
  /** Both run, are scheduled, and hear each other; and since when. */
  areMet: boolean;
  metFrom: number;
  /** When they last did for long enough to know each other. */
  metAt: number;
  /** When they last did before they were parted or stopped the last time. */
  metBefore: number;
}

export class Contact {
  readonly #simulation: Simulation;
  readonly #bounds: TimeBounds;
  readonly #meetings = new Map<string, Meeting>();
  readonly #acquaintances = new Map<string, Acquaintance>();

  constructor(simulation: Simulation, bounds: TimeBounds) {
    this.#simulation = simulation;
    this.#bounds = bounds;
  }

  /** Something may have changed. */
  look(now: number): void {
    const nodes = [...this.#simulation.nodes.values()];
    nodes.forEach((one, index) => {
      for (const other of nodes.slice(index + 1)) this.#lookAt(one, other, now);
    });
  }

  /** Since when the two can hear each other well on a segment; undefined while they cannot. */
  joinedSince(place: string, one: string, other: string): number | undefined {
    const meeting = this.#meetings.get(`${place} ${pairKey(one, other)}`);
    if (meeting === undefined || meeting.isCut || meeting.isUnlinked) return undefined;
    return Math.max(meeting.cutAt, meeting.unlinkedAt + LINK_RETURN);
  }

  /** Since when they cannot hear each other well there; undefined while they can. */
  brokenSince(place: string, one: string, other: string): number | undefined {
    return this.#meetings.get(`${place} ${pairKey(one, other)}`)?.brokenFrom;
  }

  /** When the last frame that was held up on its way will have arrived, as far as is known. */
  get lateUntil(): number {
    return Math.max(...[...this.#simulation.segments.values()].map((each) => each.lateUntil));
  }

  /** Undefined before the first look. */
  acquaintance(one: string, other: string): Readonly<Acquaintance> | undefined {
    return this.#acquaintances.get(pairKey(one, other));
  }

  #lookAt(one: SimulatedNode, other: SimulatedNode, now: number): void {
    let areTogether = false;
    let isHeard = false;
    for (const [place, segment] of this.#simulation.segments) {
      const meeting = this.#meet(place, one, other, now);
      areTogether ||= !meeting.isCut && !meeting.isUnlinked && !segment.isCongested;
      const [a, b] = [one.device(place), other.device(place)];
      isHeard ||= segment.reaches(a, b) || segment.reaches(b, a);
    }
    const relation = areTogether ? 'together' : isHeard ? 'muddled' : 'apart';
    this.#acquaint(one, other, relation, now);
  }

  #meet(place: string, one: SimulatedNode, other: SimulatedNode, now: number): Meeting {
    const key = `${place} ${pairKey(one.name, other.name)}`;
    const segment = this.#simulation.segment(place);
    const ports = [one.device(place), other.device(place)] as const;
    const isUnlinked = ports.some((port) => !port.carrier || port.sendFails);
    const isCut = !isUnlinked && (!segment.joins(...ports) || this.#isTroubled(segment));
    const known = this.#meetings.get(key);
    const meeting = known ?? {
      isCut,
      isUnlinked,
      brokenFrom: undefined,
      cutAt: 0,
      unlinkedAt: -LINK_RETURN,
      areAble: true,
      unableAt: 0,
    };
    meeting.brokenFrom = isCut || isUnlinked ? (meeting.brokenFrom ?? now) : undefined;
    if (isCut || meeting.isCut) meeting.cutAt = now;
    const areAble = one.isAble && other.isAble;
    if (!areAble && meeting.areAble) meeting.unableAt = now;
    // Until one of them goes on it does not know that the link is back, and trusts it later still.
    const goesOn = areAble && !meeting.areAble;
    const missed = goesOn && meeting.unlinkedAt + LINK_SEEN >= meeting.unableAt;
    if (isUnlinked || meeting.isUnlinked || missed) meeting.unlinkedAt = now;
    Object.assign(meeting, { isCut, isUnlinked, areAble });
    this.#meetings.set(key, meeting);
    return meeting;
  }

  #acquaint(one: SimulatedNode, other: SimulatedNode, relation: Relation, now: number): void {
    const key = pairKey(one.name, other.name);
    const areMet = relation === 'together' && one.isAble && other.isAble;
    const known = this.#acquaintances.get(key);
    const acquaintance = known ?? {
      relation,
      since: 0,
      areMet,
      metFrom: now,
      metAt: 0,
      metBefore: 0,
    };
    if (areMet && !acquaintance.areMet) {
      acquaintance.metBefore = acquaintance.metAt;
      acquaintance.metFrom = now;
    }
    const isFamiliar = now - acquaintance.metFrom >= FAMILIAR;
    if (acquaintance.areMet && isFamiliar) acquaintance.metAt = now;
    if (acquaintance.relation !== relation) acquaintance.since = now;
    Object.assign(acquaintance, { relation, areMet });
    this.#acquaintances.set(key, acquaintance);
  }

  #isTroubled({ trouble, filter, floodedUntil }: SimulatedSegment): boolean {
    const { loss, delay, jitter, reorder } = trouble;
    if (floodedUntil > this.#simulation.schedule.now) return true;
    if (filter !== undefined || loss > this.#bounds.loss) return true;
    return delay + jitter + (reorder > 0 ? HELD_BACK : 0) > this.#bounds.latency;
  }
}

const pairKey = (one: string, other: string): string =>
  one < other ? `${one} ${other}` : `${other} ${one}`;
