/**
 * This node's relation to its peer: sessions, beats on every path, whether it lives, and who of the
 * two serves.
 *
 * It joins the parts of this folder into one machine and knows nothing of CARP: the node tells it
 * how it stands and carries out what it decides.
 */
import type { PeerBeat } from '../../wire/peer-beat.ts';
import { beatPatience } from '../configuration/beat-pace.ts';
import { RENEWAL_SLACK } from '../configuration/lease-length.ts';
import type { BeatConfiguration } from '../configuration/pair-configuration.ts';
import type { PeerVerdict } from '../telemetry/snapshot.ts';
import {
  after,
  between,
  type Duration,
  earliest,
  type Instant,
  instant,
  microseconds,
  milliseconds,
  seconds,
  toMilliseconds,
} from '../time.ts';
import { Accord, type AccordMove, type OwnPart } from './accord.ts';
import { Liveness } from './liveness.ts';
import { PathTable } from './path-table.ts';
import { type PeerPath, SLOW_INTERVAL } from './peer-path.ts';

/** Between two attempts at a session, each on the next path: an answer may need its time. */
const GREET_PAUSE = milliseconds(50);
/** The one that is not to begin helps only when the other does not. */
const GREET_HELP_PAUSE = milliseconds(170);
/** After a peer has been dead for a while nobody waits for it. */
const GREET_SLOW_PAUSE = seconds(1);
/** A peer that is there answers within this. */
const FIRST_ANSWER = seconds(2);
const GREET_SLOW_AFTER = seconds(10);
/** A session is used for an hour. */
const SESSION_LIFE = seconds(3600);
const LONGEST_AGE = 0xffff_ffff;
const NEVER_HEARD = 0xffff;
/** One move may make the next one possible; more than a few would be a mistake of ours. */
const MOST_MOVES = 4;
const FORMER_LIVES = 64;

/** From a start of the peer to the next one. */
type Life = Pick<PeerBeat, 'bootId' | 'counterTag'>;

/** What the beats say of this node, besides the state of its election. */
export interface Identity {
  readonly bootId: bigint;
  readonly counterTag: number;
  readonly configHash: string;
}

export type RelationOutput =
  | { readonly kind: 'beat'; readonly path: PeerPath; readonly beat: PeerBeat }
  | { readonly kind: 'greet'; readonly path: PeerPath }
  | { readonly kind: 'verdict'; readonly verdict: PeerVerdict; readonly before: PeerVerdict }
  /** The place may be ours in a moment. */
  | { readonly kind: 'prepare' }
  | { readonly kind: 'move'; readonly move: AccordMove };

/** What the peer is to know at once. */
type News = Pick<OwnPart, 'state' | 'health' | 'demotion' | 'leaving'> & {
  readonly claim: number;
  readonly grant: number;
};

export interface RelationStart {
  readonly rule: BeatConfiguration;
  readonly identity: Identity;
  /** How the node stands, asked whenever it is to be told. */
  readonly standing: (now: Instant) => OwnPart;
  readonly onOutput: (output: RelationOutput, now: Instant) => void;
  /** False when each VIP has an election of its own: then only life and death are judged. */
  readonly decides: () => boolean;
}

export class PeerRelation {
  readonly paths = new PathTable();
  readonly liveness: Liveness;
  /** The newest beat of the peer in this life of it. */
  beat: PeerBeat | undefined;
  readonly #accord = new Accord();
  readonly #start: RelationStart;
  #rule: BeatConfiguration;
  /** A path that was heard within this is in order. */
  #freshSpan: Duration;
  #identity: Identity;
  #hasSession = false;
  #wantsSession = true;
  #sessionAt: Instant | undefined;
  #greetedAt: Instant | undefined;
  /** When a beat last left. */
  #spokeAt: Instant | undefined;
  /** Of the peer: the one it was last heard in, also when it is not heard any more. */
  #life: Life | undefined;
  /** Past sessions stay open, so its old beats may still come in. */
  #formerLives: readonly Life[] = [];
  #sequence = 0;
  #greetings = 0;
  #firstGreetingAt: Instant | undefined;
  #settledAt: Instant = instant(0);
  /** What was last told of the claim and the standing; a change is told at once. */
  #told: News | undefined;

  constructor(start: RelationStart) {
    this.#start = start;
    this.#rule = start.rule;
    this.#freshSpan = beatPatience(start.rule.interval);
    this.#identity = start.identity;
    this.liveness = new Liveness(start.rule);
  }

  /** Another secret: the present session goes on until there is one under it. */
  renewSession(): void {
    this.#wantsSession = true;
  }

  configure(rule: BeatConfiguration, configHash: string): void {
    this.#rule = rule;
    this.#freshSpan = beatPatience(rule.interval);
    this.#identity = { ...this.#identity, configHash };
    this.liveness.change(rule);
  }

  get verdict(): PeerVerdict {
    return this.liveness.verdict;
  }

  get hasSameConfiguration(): boolean {
    return this.beat?.configHash === this.#identity.configHash;
  }

  /** The peer is there: what it serves and what we serve is agreed upon. */
  get isBinding(): boolean {
    return this.verdict === 'alive' || this.verdict === 'suspect';
  }

  /** It has only just begun to ask for the peer, which may answer yet. */
  isNew(now: Instant): boolean {
    const began = this.#firstGreetingAt;
    return this.verdict === 'unknown' && (began === undefined || now < after(began, FIRST_ANSWER));
  }

  /** Mastership moves by beats only: a peer was known in this life of the process. */
  get isKnown(): boolean {
    return this.verdict !== 'unknown';
  }

  /** It was known once, and may be heard by its advertisements only now. */
  get hasMet(): boolean {
    return this.#life !== undefined;
  }

  /** Not before this can a peer that heard all our beats have taken over. */
  get safeUntil(): Instant | undefined {
    return this.#spokeAt && after(this.#spokeAt, this.#rule.deadTime);
  }

  /**
   * Before a lease is taken or renewed: what keeps us MASTER for another lease must be known to the
   * peer first (ARCHITECTURE.md, the timing argument).
   */
  speakFirst(now: Instant): void {
    if (!this.#hasSession) return;
    for (const path of this.paths.all) {
      if (path.open && this.paths.isFast(path, this.#freshSpan, now)) this.#send(path, now);
    }
  }

  session(now: Instant): void {
    this.#hasSession = true;
    this.#wantsSession = false;
    this.#sessionAt = now;
    this.speak(now);
  }

  /** Judged when all that has arrived was heard: the next beat may tell of a takeover. */
  hear(place: string, beat: PeerBeat, now: Instant): void {
    if (beat.bootId === this.#identity.bootId) return;
    const path = this.paths.get(place);
    if (path !== undefined) path.heardAt = now;
    const before = this.verdict;
    // What was overtaken on its way is no sign of life; but each path is asked for itself.
    if (!this.#isNews(beat)) return this.#answer(beat, path, now);
    const tookLeave = before === 'dead' && this.beat?.farewell === true;
    if (tookLeave && beat.bootId === this.beat?.bootId) return;
    this.#take(beat);
    this.#pace();
    if (beat.farewell) this.liveness.left(now);
    else this.liveness.heard(now);
    this.#tellVerdict(before, now);
    this.#answer(beat, path, now);
  }

  #answer({ asks }: PeerBeat, path: PeerPath | undefined, now: Instant): void {
    if (asks && path !== undefined) this.#send(path, now);
  }

  /** Of a life of the peer that is over: whoever has recorded its advertisements repeats them. */
  isFormerTag(tag: number): boolean {
    return this.#formerLives.some((life) => life.counterTag === tag);
  }

  /** An advertisement of the peer, or of who may be it, tells where it lives. */
  heardAdvertisement(place: string, family: 4 | 6, source: string): void {
    this.paths.get(place)?.advertised.set(family, source);
  }

  /** It lives, but its beats do not reach us. */
  fallBack(now: Instant): void {
    const before = this.verdict;
    this.liveness.forget();
    this.beat = undefined;
    this.#tellVerdict(before, now);
  }

  letGo(ok: boolean, now: Instant): void {
    this.#accord.lettingGo(ok, this.#start.standing(now), now);
    this.judge(now);
  }

  /** What follows from how things stand now; tells the peer what is new of it at once. */
  judge(now: Instant): void {
    const decides = this.#start.decides();
    if (!decides) this.#accord.forget();
    let own = this.#start.standing(now);
    for (let moves = 0; moves < MOST_MOVES && decides; moves += 1) {
      const move = this.#accord.judge(own, this.#peer(), now);
      if (move === undefined) break;
      this.#start.onOutput({ kind: 'move', move }, now);
      own = this.#start.standing(now);
    }
    this.#speakIfNews(own, now);
  }

  /** Last of a turn. */
  settle(now: Instant): void {
    this.#settledAt = now;
    const before = this.verdict;
    const news = this.liveness.settle(now, this.paths.isSevered(this.#freshSpan, now));
    this.#tellVerdict(before, now);
    if (news === 'ask') this.#ask(now);
    this.judge(now);
    if (this.#hasSession) this.#speakWhereDue(now);
    this.#greetIfDue(now);
  }

  /** On every path; and while the answers are under way, what a takeover needs is made ready. */
  #ask(now: Instant): void {
    for (const path of this.paths.open) this.#send(path, now, true);
    if (this.beat?.serving === true) this.#start.onOutput({ kind: 'prepare' }, now);
  }

  /** The last words: all is released. */
  farewell(now: Instant): void {
    for (const path of this.paths.open) this.#send(path, now, false, true);
  }

  nextTimeout(): Instant | undefined {
    const now = this.#settledAt;
    let next = earliest(this.liveness.nextTimeout(), this.#accord.nextTimeout());
    next = earliest(next, this.#greetAt());
    if (!this.#hasSession) return next;
    for (const path of this.paths.all) {
      if (path.open) next = earliest(next, path.dueAt(this.#intervalOf(path, now), now));
    }
    return next;
  }

  /** On every open path, now. */
  speak(now: Instant): void {
    for (const path of this.paths.open) this.#send(path, now);
  }

  #peer() {
    const { verdict } = this;
    if (this.beat === undefined || verdict === 'unknown') return undefined;
    return { beat: this.beat, verdict, heardAt: this.liveness.heardAt } as const;
  }

  #isNews({ bootId, sequence }: PeerBeat): boolean {
    if (this.#formerLives.some((life) => life.bootId === bootId)) return false;
    return this.beat?.bootId !== bootId || sequence > this.beat.sequence;
  }

  #take(beat: PeerBeat): void {
    const { bootId, counterTag } = beat;
    const former = this.#life;
    this.#life = { bootId, counterTag };
    if (former !== undefined && former.bootId !== bootId) {
      this.#formerLives = [...this.#formerLives, former].slice(-FORMER_LIVES);
      this.#accord.forget();
    }
    this.beat = beat;
    this.paths.told(beat.paths);
  }

  /**
   * While the two are configured anew one after the other they differ: what the peer does counts,
   * where it is slower. It may serve until its lease is over, renewed within the slack.
   */
  #pace(): void {
    const { interval, deadTime } = this.#rule;
    this.liveness.change({
      interval: microseconds(Math.max(interval, this.beat?.interval ?? 0)),
      deadTime: microseconds(Math.max(deadTime, (this.beat?.lease ?? 0) + RENEWAL_SLACK)),
    });
  }

  #tellVerdict(before: PeerVerdict, now: Instant): void {
    const { verdict } = this;
    const hasCome = verdict === 'alive' && before !== 'alive' && before !== 'suspect';
    if (hasCome) for (const path of this.paths.all) path.expect(now);
    if (verdict !== before) this.#start.onOutput({ kind: 'verdict', verdict, before }, now);
  }

  #intervalOf(path: PeerPath, now: Instant): Duration {
    return this.paths.isFast(path, this.#freshSpan, now) ? this.#rule.interval : SLOW_INTERVAL;
  }

  #speakWhereDue(now: Instant): void {
    for (const path of this.paths.all) {
      if (!path.open || path.dueAt(this.#intervalOf(path, now), now) > now) continue;
      this.#send(path, now);
    }
  }

  #speakIfNews({ state, health, demotion, leaving }: OwnPart, now: Instant): void {
    const { claim, grant } = this.#accord;
    const news = { state, health, demotion, leaving, claim, grant };
    if (this.#told !== undefined && isSame(this.#told, news)) return;
    this.#told = news;
    if (claim !== 0) this.#start.onOutput({ kind: 'prepare' }, now);
    if (this.#hasSession) this.speak(now);
  }

  #send(path: PeerPath, now: Instant, asks = false, farewell = false): void {
    path.sent(now);
    this.#spokeAt = now;
    const beat = this.#compose(now, asks, farewell);
    this.#start.onOutput({ kind: 'beat', path, beat }, now);
  }

  #compose(now: Instant, asks: boolean, farewell: boolean): PeerBeat {
    const own = this.#start.standing(now);
    const { bootId, counterTag, configHash } = this.#identity;
    const { heardAt } = this.liveness;
    const heardMs = heardAt === undefined ? NEVER_HEARD : toMilliseconds(between(heardAt, now));
    this.#sequence += 1;
    const age = Math.trunc(toMilliseconds(between(own.since, now)));
    return {
      bootId,
      counterTag,
      configHash,
      node: own.node,
      role: own.role,
      sequence: this.#sequence,
      asks,
      farewell,
      state: own.state,
      serving: own.state === 'MASTER',
      stateAge: Math.min(LONGEST_AGE, age),
      health: own.health,
      demotion: own.demotion,
      preference: own.preference,
      claim: this.#accord.claim,
      grant: this.#accord.grant,
      interval: this.#rule.interval,
      lease: own.lease,
      heardAge: Math.min(NEVER_HEARD, Math.trunc(heardMs)),
      paths: this.paths.tell(this.#freshSpan, now),
    };
  }

  #greetAt(): Instant | undefined {
    if (!this.paths.hasOpen) return undefined;
    if (this.isBinding && !this.#wantsSession) {
      return this.paths.begins ? after(this.#sessionAt ?? (0 as Instant), SESSION_LIFE) : undefined;
    }
    if (this.#greetedAt === undefined) return 0 as Instant;
    return after(this.#greetedAt, this.#greetPause());
  }

  #greetPause(): Duration {
    const alone = this.liveness.heardAt ?? this.#firstGreetingAt ?? instant(0);
    const isLongAlone = !this.isBinding && (this.#greetedAt ?? 0) > after(alone, GREET_SLOW_AFTER);
    if (isLongAlone) return GREET_SLOW_PAUSE;
    return this.paths.begins ? GREET_PAUSE : GREET_HELP_PAUSE;
  }

  #greetIfDue(now: Instant): void {
    const at = this.#greetAt();
    if (at === undefined || now < at) return;
    this.#greetedAt = now;
    this.#firstGreetingAt ??= now;
    this.#wantsSession = true;
    const { open } = this.paths;
    const path = open[this.#greetings % open.length];
    this.#greetings += 1;
    if (path !== undefined) this.#start.onOutput({ kind: 'greet', path }, now);
  }
}

function isSame(one: News, other: News): boolean {
  if (one.state !== other.state || one.claim !== other.claim || one.grant !== other.grant) {
    return false;
  }
  if (one.health !== other.health || one.demotion !== other.demotion) return false;
  return one.leaving === other.leaving;
}
