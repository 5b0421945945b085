/**
 * What a failover group says on its segments: advertisements, good-byes, announcements.
 */
import { after, type Instant, milliseconds } from '../time.ts';
import type { GroupOutput } from './group-io.ts';
import { GOODBYE } from './interval.ts';
import type { Membership } from './membership.ts';
import { Repetition } from './repetition.ts';

const GOODBYE_GAPS = [milliseconds(10), milliseconds(10)];
const RESEND_AFTER = milliseconds(50);
/** How often a CLAIMANT repeats itself, in case the first advertisement was lost. */
const CHALLENGE_PAUSE = milliseconds(10);

export interface VoiceParts {
  readonly memberships: ReadonlyMap<string, Membership>;
  readonly isMaster: () => boolean;
  readonly demotion: () => number;
  readonly push: (output: GroupOutput) => void;
}

export class GroupVoice {
  readonly goodbyes = new Repetition(GOODBYE_GAPS);
  readonly #parts: VoiceParts;

  constructor(parts: VoiceParts) {
    this.#parts = parts;
  }

  /** A MASTER speaks for what it has raised, and where it challenges another one. */
  advertise(membership: Membership, now: Instant): void {
    const { member, usable, raised, raiseAt } = membership;
    const isMaster = this.#parts.isMaster();
    if (!usable || (isMaster && !raised && raiseAt === undefined)) return;
    const serves = isMaster && raised;
    membership.scheduleAdvertisement(now);
    if (!serves) membership.advertiseAt = after(now, CHALLENGE_PAUSE);
    const pace = membership.effective(this.#parts.demotion());
    this.#parts.push({ kind: 'advertise', member, pace, serves });
  }

  advertiseAll(now: Instant): void {
    for (const membership of this.#parts.memberships.values()) this.advertise(membership, now);
  }

  /** One that could not be sent is sent again soon. */
  resend(place: string, now: Instant): void {
    for (const membership of this.#parts.memberships.values()) {
      if (membership.member.interface !== place || membership.advertiseAt === undefined) continue;
      const soon = after(now, RESEND_AFTER);
      if (soon < membership.advertiseAt) membership.advertiseAt = soon;
    }
  }

  goodbye(now: Instant): void {
    this.goodbyes.start(now);
    this.sayGoodbye();
  }

  sayGoodbye(): void {
    for (const { usable, member } of this.#parts.memberships.values()) {
      if (!usable) continue;
      this.#parts.push({ kind: 'advertise', member, pace: GOODBYE, serves: false });
    }
  }

  announce({ member }: Membership): void {
    this.#parts.push({ kind: 'announce', member });
  }

  /** What was raised just now: first where it is, then so that everybody learns it. */
  present(raised: readonly Membership[], now: Instant): void {
    for (const membership of raised) this.advertise(membership, now);
    for (const membership of raised) {
      membership.announcements.start(now);
      this.announce(membership);
    }
  }

  /** An answer to another master or a leaver. */
  assert(membership: Membership, now: Instant): void {
    if (!membership.raised || !membership.answers.take(now)) return;
    this.advertise(membership, now);
    this.announce(membership);
  }
}
