/**
 * Leaving on purpose: a handover that somebody asked for, and the end of the process. Both wait
 * until the peer has taken over, and not for ever.
 */
import type { PublicState } from '../election/states.ts';
import { after, earliest, type Instant, milliseconds, seconds } from '../time.ts';
import type { PeerConduct } from './peer-conduct.ts';

/** A peer that can take over does so within milliseconds. */
const HANDOVER_PATIENCE = seconds(2);
const STOP_PATIENCE = milliseconds(1_000);
/** More than this much worse than we, and the peer has a reason not to be MASTER. */
const RELUCTANT = 100;

export interface DepartureParts {
  readonly conduct: PeerConduct;
  readonly state: () => PublicState;
  /** Sum of our demotions. */
  readonly demotion: () => number;
  readonly demote: (weight: number, now: Instant) => void;
  readonly promote: (now: Instant) => void;
  readonly onHandover: (ok: boolean, text: string) => void;
  /** Nothing keeps the process any more. */
  readonly onGone: (now: Instant) => void;
}

export class Departure {
  readonly #parts: DepartureParts;
  /** A handover is under way until then. */
  #handoverUntil: Instant | undefined;
  /** How many have asked for it. */
  #waiting = 0;
  /** The process waits for the peer until then. */
  #leavesAt: Instant | undefined;

  constructor(parts: DepartureParts) {
    this.#parts = parts;
  }

  handOver(now: Instant): void {
    this.#waiting += 1;
    if (this.#handoverUntil !== undefined) return;
    const refusal = this.#refusal();
    if (refusal !== undefined) return this.#answer(false, refusal);
    this.#handoverUntil = after(now, HANDOVER_PATIENCE);
    const { beat } = this.#parts.conduct.relation ?? {};
    const excess = (beat?.demotion ?? 0) - this.#parts.demotion();
    this.#parts.demote(Math.max(0, excess) + 1, now);
    this.#parts.conduct.judge(now);
  }

  leave(now: Instant): void {
    if (this.#leavesAt !== undefined) return;
    const { conduct } = this.#parts;
    const waits = this.#parts.state() === 'MASTER' && conduct.canHandOver;
    conduct.leaving = true;
    this.#leavesAt = waits ? after(now, STOP_PATIENCE) : now;
    conduct.judge(now);
    this.settle(now);
  }

  settle(now: Instant): void {
    this.#settleHandover(now);
    if (this.#leavesAt === undefined || now < this.#goneAt(this.#leavesAt)) return;
    this.#leavesAt = undefined;
    this.#parts.onGone(now);
  }

  nextTimeout(): Instant | undefined {
    const gone = this.#leavesAt === undefined ? undefined : this.#goneAt(this.#leavesAt);
    return earliest(this.#handoverUntil, gone);
  }

  /** As soon as the VIPs are gone; later by what is still to be forwarded. */
  #goneAt(latest: Instant): Instant {
    if (this.#parts.state() === 'MASTER' && this.#parts.conduct.canHandOver) return latest;
    return this.#parts.conduct.lingerUntil ?? (0 as Instant);
  }

  #settleHandover(now: Instant): void {
    if (this.#handoverUntil === undefined) return;
    const { beat } = this.#parts.conduct.relation ?? {};
    const name = beat?.node ?? 'the peer';
    if (this.#parts.state() !== 'MASTER' && beat?.serving === true) {
      this.#handoverUntil = undefined;
      return this.#answer(true, `${name} has taken over`);
    }
    if (now < this.#handoverUntil) return;
    this.#handoverUntil = undefined;
    this.#parts.promote(now);
    this.#answer(false, `${name} did not take over: this node goes on`);
  }

  /** Everybody who asked meanwhile gets the same answer. */
  #answer(ok: boolean, text: string): void {
    for (; this.#waiting > 0; this.#waiting -= 1) this.#parts.onHandover(ok, text);
  }

  #refusal(): string | undefined {
    const { conduct } = this.#parts;
    const beat = conduct.relation?.beat;
    const name = beat?.node ?? 'the peer';
    if (!conduct.isKnown) return 'no peer is known by its beats: use maintenance';
    if (this.#parts.state() !== 'MASTER') return `this node is not MASTER: run it on ${name}`;
    if (!conduct.canHandOver || beat === undefined) return `${name} is not reachable`;
    if (beat.health < conduct.health) {
      return `${name} could serve only ${beat.health} of the VIPs`;
    }
    if (beat.demotion - this.#parts.demotion() > RELUCTANT) {
      return `${name} is demoted (maintenance?)`;
    }
    return undefined;
  }
}
