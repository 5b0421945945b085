/**
 * Whom this node replicates with: lives of the peer, and whether each direction works.
 *
 * Each life of a process has a random epoch. Heartbeats carry the own one and the peer's as far as
 * it is known; all other frames count only between two lives that know each other. So a restart of
 * either side is seen by the first heartbeat after it, and what was under way to or from the former
 * life means nothing.
 *
 *     unknown --its heartbeat--> met --one that names this life--> open
 *        any  --a heartbeat of a new life--> met
 *
 * That a direction has stopped is known within two seconds, and by name:
 *
 *     in   silent    nothing at all is heard
 *     in   stalled   numbered frames of the peer do not come (too long for the path?)
 *     out  unheard   the peer lives, but says that it hears nothing
 *     out  stalled   the peer hears, but does not take what it is sent
 */
import type { FlowFrame, FlowHeartbeat } from '../../wire/flow-frame.ts';
import { after, between, type Instant, milliseconds, toMilliseconds } from '../time.ts';

const HEARTBEAT_INTERVAL = milliseconds(100);
/** Ten heartbeats. */
const HEARING_PATIENCE = milliseconds(1_000);
/** Numbered frames that do not move for so long, retransmissions included. */
const STALL_PATIENCE = milliseconds(1_500);
const FORMER_LIVES = 8;
const LONG_AGO = 0xffff;

export type Direction = 'in' | 'out';
export type StopCause = 'silent' | 'unheard' | 'stalled';

/** Why a frame that can be read is not taken. */
export type SessionRefusal =
  /** It is this node's own: a loop. */
  | 'own'
  /** Of a former life of the peer, or to a former life of this node, or of a life not met yet. */
  | 'epoch'
  /** A heartbeat that comes after a newer one. */
  | 'overtaken';

/** How far the numbered frames of both directions are: the first number that is not through. */
export interface Positions {
  readonly taken: number;
  readonly acknowledged: number;
  readonly next: number;
}

export class PeerSession {
  readonly epoch: number;
  #peerEpoch = 0;
  #isOpen = false;
  #formerLives: readonly number[] = [];
  #heardAt: Instant | undefined;
  /** When the peer last heard this node, as it says. */
  #wasHeardAt: Instant = 0 as Instant;
  #heartbeat: FlowHeartbeat | undefined;
  #speakAt: Instant;
  #taken = 0;
  #takenAt: Instant = 0 as Instant;
  #acknowledged = 0;
  #acknowledgedAt: Instant = 0 as Instant;
  /** Frames of this session. */
  readonly counters = { sent: 0, received: 0 };
  readonly #stopped = new Map<Direction, StopCause>();

  constructor(epoch: number, now: Instant) {
    this.epoch = epoch;
    this.#speakAt = now;
  }

  /** 0 while it is unknown. */
  get peerEpoch(): number {
    return this.#peerEpoch;
  }

  /** Both know each other. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The newest of the peer. */
  get heartbeat(): FlowHeartbeat | undefined {
    return this.#heartbeat;
  }

  /** What does not work at present. */
  get stopped(): ReadonlyMap<Direction, StopCause> {
    return this.#stopped;
  }

  /** When the next heartbeat is due. */
  get speakAt(): Instant {
    return this.#speakAt;
  }

  /** Whole milliseconds since something was heard, 65535 for long ago or never. */
  heardAge(now: Instant): number {
    if (this.#heardAt === undefined) return LONG_AGO;
    return Math.min(LONG_AGO, Math.trunc(toMilliseconds(between(this.#heardAt, now))));
  }

  /** Judges whether a frame counts: for this life of both. Heartbeats go to `beat`. */
  admit(frame: FlowFrame, now: Instant): SessionRefusal | undefined {
    if (frame.epoch === this.epoch) return 'own';
    const isCurrent = frame.epoch === this.#peerEpoch && frame.peerEpoch === this.epoch;
    if (!isCurrent || !this.#isOpen) return 'epoch';
    this.#heard(now);
    return undefined;
  }

  /** Takes a heartbeat, by which `peerEpoch` and `isOpen` may change. */
  beat(frame: FlowHeartbeat, now: Instant): SessionRefusal | undefined {
    if (frame.epoch === this.epoch) return 'own';
    const isNew = frame.epoch !== this.#peerEpoch;
    if (isNew && this.#formerLives.includes(frame.epoch)) return 'epoch';
    if (isNew) this.#meet(frame.epoch, now);
    this.#heard(now);
    if (this.#isOvertaken(frame)) return 'overtaken';
    this.#heartbeat = frame;
    if (frame.peerEpoch !== this.epoch) return undefined;
    const age = Math.min(now, milliseconds(frame.heardAge));
    this.#wasHeardAt = Math.max(this.#wasHeardAt, now - age) as Instant;
    if (this.#isOpen) return undefined;
    this.#isOpen = true;
    this.#takenAt = now;
    this.#acknowledgedAt = now;
    return undefined;
  }

  /** A heartbeat leaves. */
  spoke(now: Instant): void {
    this.#speakAt = after(now, HEARTBEAT_INTERVAL);
  }

  /** There is news: the next heartbeat is due now. */
  hurry(now: Instant): void {
    this.#speakAt = now;
  }

  /** Compares what should have come with what has; answers the directions whose state changed. */
  judge(positions: Positions, now: Instant): readonly Direction[] {
    if (this.#heardAt === undefined) return [];
    if (positions.taken !== this.#taken) this.#takenAt = now;
    this.#taken = positions.taken;
    const nothingFlies = positions.acknowledged === positions.next;
    if (nothingFlies || positions.acknowledged !== this.#acknowledged) this.#acknowledgedAt = now;
    this.#acknowledged = positions.acknowledged;
    if (this.#heartbeat?.next === positions.taken) this.#takenAt = now;
    const changed: Direction[] = [];
    const isSilent = now >= after(this.#heardAt, HEARING_PATIENCE);
    if (this.#set('in', this.#inCause(isSilent, now))) changed.push('in');
    // Nobody tells us about the other direction while nothing is heard.
    if (!isSilent && this.#set('out', this.#outCause(now))) changed.push('out');
    return changed;
  }

  /** A newer one of the same session has been here. */
  #isOvertaken(frame: FlowHeartbeat): boolean {
    const newest = this.#heartbeat;
    if (newest?.epoch !== frame.epoch || newest.peerEpoch !== frame.peerEpoch) return false;
    return (frame.sent - newest.sent) >>> 0 > 2 ** 31;
  }

  #inCause(isSilent: boolean, now: Instant): StopCause | undefined {
    if (isSilent) return 'silent';
    const isStalled = this.#isOpen && now >= after(this.#takenAt, STALL_PATIENCE);
    return isStalled ? 'stalled' : undefined;
  }

  #outCause(now: Instant): StopCause | undefined {
    if (now >= after(this.#wasHeardAt, HEARING_PATIENCE)) return 'unheard';
    const isStalled = now >= after(this.#acknowledgedAt, STALL_PATIENCE);
    return this.#isOpen && isStalled ? 'stalled' : undefined;
  }

  #set(direction: Direction, cause: StopCause | undefined): boolean {
    if (this.#stopped.get(direction) === cause) return false;
    if (cause === undefined) this.#stopped.delete(direction);
    else this.#stopped.set(direction, cause);
    return true;
  }

  #heard(now: Instant): void {
    this.#heardAt = now;
    this.counters.received += 1;
  }

  #meet(epoch: number, now: Instant): void {
    if (this.#peerEpoch !== 0) {
      this.#formerLives = [...this.#formerLives, this.#peerEpoch].slice(-FORMER_LIVES);
    }
    this.#peerEpoch = epoch;
    this.#isOpen = false;
    this.#wasHeardAt = now;
    this.counters.sent = 0;
    this.counters.received = 0;
    // It is told at once that it is known.
    this.#speakAt = now;
  }
}
