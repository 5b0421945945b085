/**
 * The accord: how two nodes that hear each other's beats pass the VIPs on so that never both serve.
 *
 * Whoever wants to be MASTER says so with a numbered claim in its beats. The other one lets go of
 * what it serves, and only then grants that number. A grant is taken only within `CLAIM_VALID` of
 * the claim, on the claimer's clock; the granter promises not to serve for longer than that, on its
 * own. So no clocks are compared, and a grant that was delayed, by a stopped process for example,
 * is worth nothing.
 *
 *   claimer                          granter, MASTER
 *   claim 7          ------------>   better than I? linger: silent, but still forwarding
 *                    <------------   grant 7
 *   takes the lease, announces
 *   serving          ------------>   the promise is fulfilled
 *
 * All of it is state in beats that are repeated: a lost one delays, and changes nothing else.
 */
import type { PeerBeat } from '../../wire/peer-beat.ts';
import { CLAIM_AT_MOST } from '../election/failover-group.ts';
import type { State } from '../election/states.ts';
import {
  after,
  between,
  type Duration,
  earliest,
  type Instant,
  instant,
  milliseconds,
} from '../time.ts';
import { type Comparison, compareStandings, type Ground, type Standing } from './standing.ts';

/** How long after it was made a claim may be granted; then it is made anew. */
const CLAIM_VALID = milliseconds(100);
/** Beyond the claim's validity, CLAIM_AT_MOST and the claimer's lease: the kernel's tick. */
const PROMISE_MARGIN = milliseconds(10);
/** A vacancy the better node does not fill for this long is filled by the other one. */
const VACANCY_PATIENCE = milliseconds(300);
/** A node that woke late waits for a word of the peer for this long. */
const LAPSE_PATIENCE = milliseconds(60);
/** A rival that does not hear us for this long cannot yield: then we do. */
const UNHEARD_PATIENCE = milliseconds(60);

export interface OwnPart extends Standing {
  readonly state: State;
  readonly since: Instant;
  readonly lease: Duration;
  /** It leaves: it claims nothing and grants everything. */
  readonly leaving: boolean;
  /** Not before this it takes what nobody serves: the kernel has just refused. */
  readonly mayTakeFreeAt: Instant | undefined;
  /** Not before this it takes what the peer serves; not before the other. */
  readonly mayTakeHeldAt: Instant | undefined;
  /** When preference alone may move the VIPs here; undefined for never. */
  readonly mayPreemptAt: Instant | undefined;
  /** Until when preference alone may not move them away; undefined when it may. */
  readonly heldUntil: Instant | undefined;
}

export interface PeerPart {
  /** Its newest beat. */
  readonly beat: PeerBeat;
  /** When it was last heard. */
  readonly heardAt?: Instant | undefined;
  readonly verdict: 'alive' | 'suspect' | 'dead';
}

export type AccordMove =
  /** Take the lease now. `ground` undefined: the peer is dead. */
  | { readonly kind: 'take'; readonly ground: Ground | undefined; readonly cause: string }
  /** Let go for the peer; answered by `lettingGo`. */
  | { readonly kind: 'hand-over'; readonly cause: string }
  /** Two masters met, and this one loses. */
  | { readonly kind: 'yield'; readonly cause: string; readonly overlap: Duration }
  /** Two masters met, the other one has yielded: everybody must be told who is left. */
  | { readonly kind: 'reassert'; readonly overlap: Duration }
  /** After a lapse: the peer serves, or does not answer. */
  | { readonly kind: 'stand-down'; readonly cause: string };

interface Claim {
  readonly number: number;
  readonly at: Instant;
  readonly ground: Ground;
}

export class Accord {
  #claim: Claim | undefined;
  #lastNumber = 0;
  #grant = 0;
  /** Asked for and to be granted when the kernel has let go. */
  #pendingGrant = 0;
  /** No claim and no takeover before this: the peer may be taking what it was granted. */
  #promisedUntil: Instant = instant(0);
  /** Nothing is granted before this: the kernel could not let go, and the lease may stand. */
  #heldUntil: Instant = instant(0);
  #vacantSince: Instant | undefined;
  #unheardSince: Instant | undefined;
  /** Two masters have met: since when both were, as far as can be known. */
  #overlapSince: Instant | undefined;
  /** The peer was taken for dead then, and has not spoken since. */
  #partedAt: Instant | undefined;
  /** Lately it was heard while we served, and did not serve. */
  #wasIdle = false;
  #next: Instant | undefined;

  /** What the next beats say. */
  get claim(): number {
    return this.#claim?.number ?? 0;
  }

  get grant(): number {
    return this.#grant;
  }

  /** Until when this node must not serve, whatever happens. */
  get promisedUntil(): Instant {
    return this.#promisedUntil;
  }

  /** When to be judged again though nothing happens. */
  nextTimeout(): Instant | undefined {
    return this.#next;
  }

  /** The kernel has let go, or could not: then the lease runs out by itself, and counts as held. */
  lettingGo(ok: boolean, own: OwnPart, now: Instant): void {
    if (!ok) this.#heldUntil = after(after(now, own.lease), PROMISE_MARGIN);
    if (ok && this.#pendingGrant !== 0) this.#promise(this.#pendingGrant, own, now);
    this.#pendingGrant = 0;
  }

  /** The peer begins a new life: what was claimed and granted before means nothing to it. */
  forget(): void {
    this.#next = undefined;
    this.#partedAt = undefined;
    this.#reset();
  }

  /** The next thing to do, or undefined. The claim and grant to be told may have changed too. */
  judge(own: OwnPart, peer: PeerPart | undefined, now: Instant): AccordMove | undefined {
    this.#next = undefined;
    if (peer === undefined) return this.#reset();
    if (peer.verdict === 'dead') return this.#succeed(own, peer, now);
    const comparison = compareStandings(own, peer.beat);
    this.#settleGrant(peer.beat, now);
    const move =
      this.#reunite(own, peer.beat, now) ??
      this.#meet(own, peer.beat, comparison, now) ??
      this.#answer(own, peer.beat, comparison, now) ??
      this.#collect(own, peer.beat, now);
    if (move !== undefined) return move;
    this.#wish(own, peer, comparison, now);
    return this.#resign(own, peer.beat, now);
  }

  #reset(): undefined {
    this.#claim = undefined;
    this.#grant = 0;
    this.#pendingGrant = 0;
    this.#vacantSince = undefined;
    this.#unheardSince = undefined;
    this.#overlapSince = undefined;
    this.#wasIdle = false;
  }

  /** The peer is dead: nobody is left to be asked. */
  #succeed(own: OwnPart, { beat, heardAt }: PeerPart, now: Instant): AccordMove | undefined {
    this.#reset();
    this.#partedAt ??= now;
    if (own.state !== 'BACKUP' || own.health === 0 || own.leaving) return undefined;
    const at = instant(Math.max(this.#promisedUntil, own.mayTakeFreeAt ?? 0));
    if (now < at) return this.#wakeAt(at);
    // A farewell that was just read may be old: what came after it is read first.
    if (heardAt !== undefined && now <= heardAt) return this.#wakeAt(instant(heardAt + 1));
    const cause = beat.farewell ? `${beat.node} has left` : `${beat.node} is silent on every path`;
    return { kind: 'take', ground: undefined, cause };
  }

  /** It lives, and may have served meanwhile and yielded as soon as it heard us. */
  #reunite(own: OwnPart, peer: PeerBeat, now: Instant): AccordMove | undefined {
    const parted = this.#partedAt;
    this.#partedAt = undefined;
    if (parted === undefined || own.state !== 'MASTER' || peer.serving) return undefined;
    // One that only woke late had lost its lease before we took over.
    if (peer.state === 'LAPSED') return undefined;
    if (peer.stateAge * 1000 >= between(parted, now)) return undefined;
    const since = instant(Math.max(own.since, parted));
    return { kind: 'reassert', overlap: between(since, now) };
  }

  /** Both serve: they were parted, or one of them is not heard. */
  #meet(
    own: OwnPart,
    peer: PeerBeat,
    { better }: Comparison,
    now: Instant,
  ): AccordMove | undefined {
    const since = this.#overlapSince;
    const overlap = between(since ?? now, now);
    if (own.state !== 'MASTER' || !peer.serving) {
      this.#unheardSince = undefined;
      this.#overlapSince = undefined;
      this.#wasIdle = own.state === 'MASTER';
      return own.state === 'MASTER' && since !== undefined
        ? { kind: 'reassert', overlap }
        : undefined;
    }
    this.#overlapSince ??= instant(Math.max(own.since, now - peer.stateAge * 1000));
    const met = between(this.#overlapSince, now);
    if (!better) return { kind: 'yield', cause: `${peer.node} is the better master`, overlap: met };
    // The better one stays, but only if the other can know of it.
    const cause = `${peer.node} is master too and does not hear this node`;
    // Heard all the time: it takes over because our beats do not reach it, and will not go back.
    if (this.#wasIdle) return { kind: 'yield', cause, overlap: met };
    const isHeard = peer.heardAge * 1000 < UNHEARD_PATIENCE;
    this.#unheardSince = isHeard ? undefined : (this.#unheardSince ?? now);
    if (this.#unheardSince === undefined) return undefined;
    const at = after(this.#unheardSince, UNHEARD_PATIENCE);
    if (now < at) return this.#wakeAt(at);
    return { kind: 'yield', cause, overlap: met };
  }

  #settleGrant(peer: PeerBeat, now: Instant): void {
    if (this.#grant === 0) return;
    if (peer.serving || peer.claim !== this.#grant) this.#grant = 0;
    if (peer.serving) this.#promisedUntil = now;
  }

  /** What the peer claims. */
  #answer(
    own: OwnPart,
    peer: PeerBeat,
    { better, ground }: Comparison,
    now: Instant,
  ): AccordMove | undefined {
    if (peer.claim === 0 || peer.claim === this.#grant || this.#pendingGrant !== 0)
      return undefined;
    // Right after a lapse the kernel's lease may stand for a moment yet.
    const isMaster = own.state === 'MASTER';
    const served = isMaster || own.state === 'LAPSED';
    // One that woke late asks before it knows that it was replaced.
    const isLate = peer.state === 'LAPSED';
    const isHeld = isMaster && ground === 'preference' && (isLate || now < (own.heldUntil ?? now));
    if (better && !own.leaving && (served || this.#claim !== undefined)) return undefined;
    if (isHeld && !own.leaving) return undefined;
    if (now < this.#heldUntil) return this.#wakeAt(this.#heldUntil);
    this.#claim = undefined;
    if (!served) {
      this.#promise(peer.claim, own, now);
      return undefined;
    }
    this.#pendingGrant = peer.claim;
    return { kind: 'hand-over', cause: `${peer.node} takes over: better by ${ground}` };
  }

  #promise(number: number, { lease }: OwnPart, now: Instant): void {
    this.#grant = number;
    this.#promisedUntil = instant(now + CLAIM_VALID + CLAIM_AT_MOST + lease + PROMISE_MARGIN);
  }

  /** A grant of our claim. */
  #collect(own: OwnPart, peer: PeerBeat, now: Instant): AccordMove | undefined {
    const claim = this.#claim;
    if (claim === undefined || peer.grant !== claim.number) return undefined;
    if (own.state !== 'BACKUP' && own.state !== 'LAPSED') return undefined;
    if (now > after(claim.at, CLAIM_VALID)) return undefined;
    this.#claim = undefined;
    const cause = `${peer.node} has let go: this node is better by ${claim.ground}`;
    return { kind: 'take', ground: claim.ground, cause };
  }

  #wish(own: OwnPart, peer: PeerPart, comparison: Comparison, now: Instant): void {
    const at = this.#wantsAt(own, peer, comparison, now);
    if (at === undefined || at > now) {
      this.#claim = undefined;
      if (at !== undefined) this.#wakeAt(at);
      return;
    }
    const until = this.#claim && after(this.#claim.at, CLAIM_VALID);
    if (until === undefined || now >= until) {
      this.#lastNumber = this.#lastNumber === 0xffff_ffff ? 1 : this.#lastNumber + 1;
      this.#claim = { number: this.#lastNumber, at: now, ground: comparison.ground };
    }
    this.#wakeAt(after(this.#claim?.at ?? now, CLAIM_VALID));
  }

  /** From when on this node wants to be MASTER; undefined for not at all. */
  #wantsAt(
    own: OwnPart,
    { beat }: PeerPart,
    { better, ground }: Comparison,
    now: Instant,
  ): Instant | undefined {
    const isVacant = !beat.serving && own.state === 'BACKUP';
    this.#vacantSince = isVacant ? (this.#vacantSince ?? now) : undefined;
    if (own.leaving || own.health === 0) return undefined;
    const mayAt = (beat.serving ? own.mayTakeHeldAt : own.mayTakeFreeAt) ?? now;
    const from = instant(Math.max(now, this.#promisedUntil, mayAt));
    if (own.state === 'LAPSED') return beat.serving ? undefined : from;
    if (own.state !== 'BACKUP') return undefined;
    if (!beat.serving) {
      const patient = after(this.#vacantSince ?? now, VACANCY_PATIENCE);
      // One that only woke late gets its place back, unless it could not serve everything.
      const isTheirs = beat.state === 'LAPSED' && ground !== 'health';
      return better && !isTheirs ? from : instant(Math.max(from, patient));
    }
    if (!better) return undefined;
    if (ground !== 'preference') return from;
    if (own.mayPreemptAt === undefined) return undefined;
    return instant(Math.max(from, own.mayPreemptAt, own.heldUntil ?? from));
  }

  /** Woke late: without a word of the peer in time it stays down. */
  #resign(own: OwnPart, peer: PeerBeat, now: Instant): AccordMove | undefined {
    if (own.state !== 'LAPSED') return undefined;
    if (peer.serving) return { kind: 'stand-down', cause: `${peer.node} has taken over` };
    const at = after(own.since, LAPSE_PATIENCE);
    if (now < at) return this.#wakeAt(at);
    return { kind: 'stand-down', cause: `woke late, and ${peer.node} does not answer` };
  }

  #wakeAt(at: Instant): undefined {
    this.#next = earliest(this.#next, at);
  }
}
