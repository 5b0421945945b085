/**
 * One VHID inside a failover group: what it listens for, when it speaks next.
 *
 * A dual-stack VHID advertises in both families; each family has its own master-down timer, and a
 * takeover needs silence in both (FreeBSD takes over when either falls silent, and then flaps for
 * ever when one family is filtered somewhere).
 */
import {
  after,
  type Duration,
  earliest,
  type Instant,
  microseconds,
  milliseconds,
  seconds,
} from '../time.ts';
import { Allowance } from './allowance.ts';
import { isGoodbye } from './contention.ts';
import type { HeardAdvertisement } from './group-io.ts';
import {
  ADVSKEW_DEMOTED,
  advertisementInterval,
  effectiveAdvskew,
  masterDownInterval,
  type Pace,
  rank,
} from './interval.ts';
import { Repetition } from './repetition.ts';

export type Family = 4 | 6;

/** The part of a VIP's configuration that the election needs. */
export interface Member {
  /** What it is on the wire, `device/vhid`: stays when the VIP or the interface is renamed. */
  readonly id: string;
  /** Name of the VIP, for people. */
  readonly name: string;
  /** Logical interface. */
  readonly interface: string;
  readonly vhid: number;
  /** Families the VIP has addresses of, IPv4 first. */
  readonly families: readonly Family[];
  /** Configured pace, without demotion. */
  readonly pace: Pace;
  /** That of the other node of the pair. */
  readonly peerPace: Pace;
  readonly ties: 'yoke' | 'bsd';
}

/** What was last heard for a VHID, for status and alerts. */
export interface Heard {
  readonly at: Instant;
  readonly source: string;
  readonly pace: Pace;
}

/** Again after 1 s and 2 s for those who lost the first, then once a minute for stale caches. */
const ANNOUNCE_GAPS = [seconds(1), seconds(1)];
const ANNOUNCE_REFRESH = seconds(60);
/** Each good-bye of a leaver is answered at once; what else is provoked, ten times a second. */
const ANSWERS_AT_ONCE = 4;
const ANSWER_PAUSE = milliseconds(100);

export class Membership {
  member: Member;
  /** Its interface has been looked at. */
  observed = false;
  /** Link up and real address present. */
  usable = false;
  /** Raised under the lease that is held: what is not is neither advertised nor announced. */
  raised = false;
  /**
   * A segment that came back to a MASTER may have found another one meanwhile: it is challenged
   * there, and the VHID raised only when that one must have let go. Undefined: no need to wait.
   */
  raiseAt: Instant | undefined;
  advertiseAt: Instant | undefined;
  readonly announcements = new Repetition(ANNOUNCE_GAPS, ANNOUNCE_REFRESH);
  /** To other masters and to leavers. */
  readonly answers = new Allowance(ANSWERS_AT_ONCE, ANSWER_PAUSE);
  heard: Heard | undefined;
  /** Who advertised last, good-byes apart. */
  readonly #speakers = new Map<Family, Heard & { readonly serving: boolean }>();
  readonly #downAt = new Map<Family, Instant>();

  constructor(member: Member) {
    this.member = member;
  }

  /** The pace to advertise and compare with. */
  effective(demotion: number): Pace {
    const { advbase, advskew } = this.member.pace;
    return { advbase, advskew: effectiveAdvskew(advskew, demotion) };
  }

  /**
   * How long a silence means that there is no MASTER. With advbase 0 OpenBSD counts three of our
   * own intervals, but it is by the MASTER's that we hear of it: if that is longer than ours, one
   * lost advertisement, or none, would be a takeover, and one that hangs before its next would
   * still hold its lease. So the longer of the two counts.
   */
  get deadTime(): Duration {
    const { pace, peerPace } = this.member;
    const own = masterDownInterval(pace);
    const master = this.heard?.pace;
    if (master === undefined || pace.advbase > 0 || isGoodbye(master)) return own;
    // A demoted one is faster than it says, see `interval`: as fast as it is configured.
    const isDemoted = master.advbase === 0 && master.advskew >= ADVSKEW_DEMOTED;
    return microseconds(Math.max(own, masterDownInterval(isDemoted ? peerPace : master)));
  }

  hear({ family, source, pace, serving }: HeardAdvertisement, now: Instant): void {
    this.heard = { at: now, source, pace };
    if (!isGoodbye(pace)) this.#speakers.set(family, { ...this.heard, serving });
  }

  /**
   * Whether a good-bye leaves the place free: not when another node has spoken after the one that
   * leaves. Among three nodes the loser of a contest would else call the third one in.
   */
  isVacatedBy({ family, source }: HeardAdvertisement, now: Instant): boolean {
    const speaker = this.#speakers.get(family);
    if (speaker === undefined || speaker.source === source) return true;
    return now >= after(speaker.at, this.deadTime);
  }

  /** A better one is MASTER here, and was heard a moment ago. */
  isServedBetter(demotion: number, now: Instant): boolean {
    const own = rank(this.effective(demotion));
    return [...this.#speakers.values()].some(({ at, pace, serving }) => {
      return serving && rank(pace) < own && now < after(at, this.deadTime);
    });
  }

  /**
   * Whether a better node has spoken here since this one was heard on another VHID of its own. Its
   * addresses differ from segment to segment, so it is known by its pace.
   */
  outbids(other: Membership, family: Family, now: Instant): boolean {
    const there = other.#speakers.get(family);
    const here = this.#speakers.get(family);
    if (here === undefined || there === undefined || now >= after(here.at, this.deadTime)) {
      return false;
    }
    const isComparable = rank(this.member.pace) === rank(other.member.pace);
    return isComparable && here.at > there.at && rank(here.pace) < rank(there.pace);
  }

  /** The family that decides ties: one only, or the two families could disagree. */
  get tieFamily(): Family {
    return this.member.families[0] ?? 4;
  }

  restartTimer(family: Family, now: Instant): void {
    this.#downAt.set(family, after(now, this.deadTime));
  }

  restartTimers(now: Instant): void {
    for (const family of this.member.families) this.restartTimer(family, now);
  }

  stopTimers(): void {
    this.#downAt.clear();
    this.advertiseAt = undefined;
  }

  /** No longer served. */
  lower(): void {
    this.raised = false;
    this.raiseAt = undefined;
    this.stopTimers();
    this.announcements.stop();
  }

  /** True when every family has been silent for a master-down interval. */
  isSilent(now: Instant): boolean {
    if (this.#downAt.size === 0) return false;
    for (const at of this.#downAt.values()) if (at > now) return false;
    return true;
  }

  /** When the last of its families will have been silent for long enough. */
  silentAt(): Instant | undefined {
    let last: Instant | undefined;
    for (const at of this.#downAt.values()) if (last === undefined || at > last) last = at;
    return last;
  }

  scheduleAdvertisement(now: Instant): void {
    this.advertiseAt = after(now, this.interval);
  }

  /**
   * The configured one, not the demoted one as in FreeBSD: the peer's patience does not grow with
   * our demotion. With advbase 0 a demoted MASTER would be timed out between any two
   * advertisements, and with advbase 1 by the loss of a single one.
   */
  get interval(): Duration {
    return advertisementInterval(this.member.pace);
  }
}

/** When all usable members will have been silent: the latest of their moments. */
export function silenceOfAll(memberships: readonly Membership[]): Instant | undefined {
  let last: Instant | undefined;
  for (const membership of memberships) {
    if (!membership.usable) continue;
    const at = membership.silentAt();
    if (at === undefined) return undefined;
    if (last === undefined || at > last) last = at;
  }
  return last;
}

export function nextAdvertisement(memberships: readonly Membership[]): Instant | undefined {
  let next: Instant | undefined;
  for (const membership of memberships) {
    if (membership.usable) next = earliest(next, membership.advertiseAt);
  }
  return next;
}
