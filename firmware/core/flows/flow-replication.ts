/**
 * The replication of flows between the two nodes: kernel events in, frames out, and the other way
 * round. This is the machine that a process drives; its parts are files beside it.
 *
 *     local()   events of the kernel            -->  outbound-flows -->  transmit()  frames
 *     receive() frames, put in order            -->  inbound-flows  -->  delivery    records
 *     visit()   the kernel's table, when asked  -->  table-walk, pass-teller
 *     handle() / poll() / nextTimeout()              what is rare: elections, barriers, news
 *
 * The first four work on bytes at offsets and make no object per record. Records of `delivery` must
 * be in the kernel before `transmit` is called: an acknowledgement is a promise.
 */
import type {
  FlowFrame,
  FlowFrameHead,
  FlowFrameRefusal,
  FlowFrames,
  FlowHeartbeat,
  FlowServing,
} from '../../wire/flow-frame.ts';
import { after, type Duration, earliest, type Instant, milliseconds, seconds } from '../time.ts';
import { OWN_SIDE, PEER_SIDE } from './bucket-digests.ts';
import { BUCKETS } from './bucket-set.ts';
import { DigestExchange, type DigestRound } from './digest-exchange.ts';
import { FlowOwnership } from './flow-ownership.ts';
import { FlowTable } from './flow-table.ts';
import { InboundFlows } from './inbound-flows.ts';
import { OutboundFlows } from './outbound-flows.ts';
import { PassTeller } from './pass-teller.ts';
import { PeerSession, type SessionRefusal } from './peer-session.ts';
import { ReadingAnswers } from './reading-answers.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { RecordBatch } from './record-batch.ts';
import type { ReplicationInput, ReplicationOutput } from './replication-io.ts';
import { distance, WINDOW_FRAMES } from './send-window.ts';
import { TableComparison } from './table-comparison.ts';
import { TableWalk } from './table-walk.ts';

const FRAME_BYTES = 1372;
const FLOWS_EXPECTED = 16_384;
const FLOWS_AT_MOST = 2 ** 21;
const BACKLOG_BYTES = 4 * 2 ** 20;
const BATCH_DELAY = milliseconds(1);
const JOIN_LIMIT = seconds(60);
/** What follows the head of digests and lists of buckets. */
const LIST_HEAD_BYTES = 4;

export interface ReplicationStart {
  /** The codec (wire/flow-frame.ts). */
  readonly frames: FlowFrames;
  /** Random for each life of the process, 1..2^32 - 1. */
  readonly epoch: number;
  /** Whether this node is MASTER at the start. */
  readonly serving: FlowServing;
  /** Most bytes of a frame, 1100..65000; default 1372. A record must fit into one. */
  readonly frameBytes?: number;
  /** Room in the table at once, and in the end; default 16,384 and 2^21 flows. */
  readonly flowsExpected?: number;
  readonly flowsAtMost?: number;
  /** Bound of what waits while the peer takes nothing; default 4 MiB. */
  readonly backlogBytes?: number;
  /** So long a record may wait for others, beyond the caller's own ticks; default 1 ms. */
  readonly batchDelay?: Duration;
  /** After this the node no longer waits for the peer's table; default 60 s. */
  readonly joinLimit?: Duration;
  /** Number of the first frame; default 1. */
  readonly firstNumber?: number;
}

export type ReceiveRefusal =
  | FlowFrameRefusal
  | SessionRefusal
  /** Beyond the window, or of buckets this node does not have. */
  | 'range';

export class FlowReplication {
  readonly #frames: FlowFrames;
  readonly #table: FlowTable;
  readonly #ownership: FlowOwnership;
  readonly #session: PeerSession;
  readonly #outbound: OutboundFlows;
  readonly #inbound: InboundFlows;
  readonly #teller: PassTeller;
  readonly #walk: TableWalk;
  readonly #digests: DigestExchange;
  readonly #comparison = new TableComparison();
  readonly #answers: ReadingAnswers;
  readonly #frameBytes: number;
  readonly #control: Uint8Array;
  readonly #joinLimit: Duration;
  #window: ReceiveWindow;
  /** The number before which the newest word about how the peer serves was said. */
  #servingAt = 0;
  #joinBy: Instant | undefined;
  #hasJoined = false;
  /** The table was full, and is not roomy again. */
  #isCrowded = false;
  #outputs: ReplicationOutput[] = [];

  constructor(start: ReplicationStart, now: Instant) {
    this.#frames = start.frames;
    this.#frameBytes = start.frameBytes ?? FRAME_BYTES;
    this.#control = new Uint8Array(this.#frameBytes);
    this.#joinLimit = start.joinLimit ?? JOIN_LIMIT;
    this.#table = new FlowTable(
      start.flowsExpected ?? FLOWS_EXPECTED,
      start.flowsAtMost ?? FLOWS_AT_MOST,
    );
    const [table, frameBytes] = [this.#table, this.#frameBytes];
    this.#ownership = new FlowOwnership(table, start.serving);
    this.#session = new PeerSession(start.epoch, now);
    this.#outbound = new OutboundFlows({
      frames: start.frames,
      table,
      frameBytes,
      backlogBytes: start.backlogBytes ?? BACKLOG_BYTES,
      batchDelay: start.batchDelay ?? BATCH_DELAY,
      first: start.firstNumber ?? 1,
      head: () => this.#head,
    });
    const [outbound, ownership] = [this.#outbound, this.#ownership];
    this.#teller = new PassTeller(table, outbound, ownership);
    const doubts = { dirty: outbound.dirty, unsure: this.#teller.keysWanted };
    this.#inbound = new InboundFlows(table, ownership, doubts);
    this.#walk = new TableWalk({ table, outbound, teller: this.#teller, ownership });
    this.#digests = new DigestExchange(
      table,
      frameBytes - start.frames.headBytes - LIST_HEAD_BYTES,
    );
    this.#answers = new ReadingAnswers(frameBytes - start.frames.answerBytes);
    this.#window = new ReceiveWindow(frameBytes, 0);
    this.#joinBy = after(now, this.#joinLimit);
    this.#settle(now);
  }

  /** Records for the kernel, in order. */
  get delivery(): RecordBatch {
    return this.#inbound.delivery;
  }

  handle(input: ReplicationInput, now: Instant): void {
    switch (input.kind) {
      case 'time':
        break;
      case 'serving':
        // What was said before is said as who this node was then; and the peer is told at once.
        this.#outbound.flush();
        this.#ownership.serve(input.serving, now);
        this.#session.hurry(now);
        break;
      case 'overrun':
      case 'resync':
        this.#outbound.dirty.fill();
        this.#walk.verify();
        break;
      case 'barrier':
        this.#teller.barrier(input.id);
        break;
      case 'walked':
        this.#walk.walked(input.complete, now);
        break;
      case 'lost':
        this.#inbound.lose(input.keyLow, input.keyHigh);
        break;
      case 'compare':
        if (this.#session.isOpen) this.#comparison.begin(input.examples, now);
        else this.#comparison.fail('no peer is met');
        break;
      case 'read':
        (input.for === 'own' ? this.#comparison : this.#answers).read(input.id, input.bytes);
        break;
    }
    this.#settle(now);
  }

  poll(): ReplicationOutput | undefined {
    return this.#outputs.shift();
  }

  nextTimeout(): Instant | undefined {
    let next = this.#joinBy;
    next = earliest(next, this.#walk.nextTimeout());
    next = earliest(next, this.#comparison.nextTimeout());
    next = earliest(next, this.#answers.nextTimeout());
    if (!this.#walk.isLoaded) return next;
    next = earliest(next, this.#session.speakAt);
    if (!this.#session.isOpen) return next;
    next = earliest(next, this.#ackAt);
    next = earliest(next, this.#outbound.nextTimeout());
    next = earliest(next, this.#teller.nextTimeout());
    return earliest(next, this.#ownership.own === 'none' ? undefined : this.#digests.dueAt);
  }

  /** Events of the kernel: records one after another in `bytes`, from `from` to `to`. */
  local(bytes: Uint8Array, from: number, to: number, now: Instant): void {
    this.#outbound.local(bytes, from, to, now);
  }

  /** A flow of the kernel's table, while a walk is under way; answers one of `verdicts`. */
  visit(bytes: Uint8Array, at: number, now: Instant): number {
    return this.#walk.visit(bytes, at, now);
  }

  /** A frame of the peer. `bytes` are not kept. Answers why it was not taken, if it was not. */
  receive(bytes: Uint8Array, now: Instant): ReceiveRefusal | undefined {
    if (!this.#walk.isLoaded) return 'epoch';
    const frame = this.#frames.decode(bytes);
    if (typeof frame === 'string') return frame;
    if (frame.kind === 'heartbeat') return this.#hearHeartbeat(frame, now);
    const refusal = this.#session.admit(frame, now);
    if (refusal !== undefined) return refusal;
    switch (frame.kind) {
      case 'data':
      case 'mark':
        return this.#hearNumbered(frame, bytes, now);
      case 'ack': {
        const { sequence, window, arrived } = frame;
        const isSound = this.#outbound.window.acknowledge(sequence, window, arrived, now);
        return isSound ? undefined : 'range';
      }
      case 'digest':
        if (!this.#digests.hear(frame)) return 'range';
        this.#compareDigests();
        return undefined;
      case 'ask':
        this.#answers.hear(frame, now);
        return undefined;
      case 'answer':
        this.#comparison.hear(frame, now);
        return undefined;
      default:
        if (frame.buckets.some((bucket) => bucket >= BUCKETS)) return 'range';
        this.#teller.pulled(frame.content, frame.buckets);
        return undefined;
    }
  }

  /** The next frame for the peer, as a view that is valid until the next call of anything here. */
  transmit(now: Instant): Uint8Array | undefined {
    this.#settle(now);
    if (!this.#walk.isLoaded) return undefined;
    const frame = this.#nextFrame(now);
    if (frame !== undefined) this.#session.counters.sent += 1;
    return frame;
  }

  /** What there is to tell people. */
  status(now: Instant) {
    const { window, backlog, counters, dirty } = this.#outbound;
    const { heartbeat, stopped, isOpen } = this.#session;
    return {
      own: this.#table.count(OWN_SIDE),
      copies: this.#table.count(PEER_SIDE),
      /** The same two as the peer counts them. */
      peerOwn: heartbeat?.ownFlows,
      peerCopies: heartbeat?.peerFlows,
      session: isOpen,
      joined: this.#hasJoined,
      /** The peer has acknowledged all that this node owns. */
      caughtUp: isOpen && this.#outbound.isCaughtUp && this.#teller.isIdle,
      /** Of the peer's pass under way, 0 to 1. */
      joining: this.#inbound.progress,
      /** Percent of the peer's flows that differ here, and of this node's that differ there. */
      divergence: this.#digests.divergence,
      peerDivergence: (heartbeat?.divergence ?? 0) / 10,
      heardAgeMs: this.#session.heardAge(now),
      stopped: Object.fromEntries(stopped),
      backlogBytes: backlog.size,
      dirtyBuckets: dirty.size,
      framesOutstanding: window.outstanding,
      framesResent: window.resent,
      roundTripUs: window.roundTrip.smoothed,
      framesSent: this.#session.counters.sent,
      framesReceived: this.#session.counters.received,
      outbound: { ...counters },
      inbound: { ...this.#inbound.counters },
      walks: { ...this.#walk.counters },
      tableBytes: this.#table.bytes,
      memoryBytes: this.#memory,
    } as const;
  }

  get #memory(): number {
    const fixed = this.delivery.bytes.length + this.#outbound.window.bytes.length;
    return this.#table.bytes + this.#outbound.backlog.bytes + this.#window.bytes + fixed;
  }

  get #head(): Omit<FlowFrameHead, 'sequence'> {
    const { epoch, peerEpoch } = this.#session;
    return { serving: this.#ownership.own, epoch, peerEpoch };
  }

  /** An acknowledgement says that the kernel has it: not before the delivery was emptied. */
  get #ackAt(): Instant | undefined {
    return this.delivery.length > 0 ? undefined : this.#window.ackAt;
  }

  #hearHeartbeat(frame: FlowHeartbeat, now: Instant): ReceiveRefusal | undefined {
    const { peerEpoch, isOpen } = this.#session;
    const refusal = this.#session.beat(frame, now);
    if (refusal !== undefined) return refusal;
    if (this.#session.peerEpoch !== peerEpoch) this.#meet(frame, peerEpoch !== 0, now);
    else this.#learnServing(frame.serving, frame.next, now);
    const hasOpened = this.#session.isOpen && (!isOpen || this.#session.peerEpoch !== peerEpoch);
    if (hasOpened) this.#open(frame, now);
    return undefined;
  }

  /** A new life of the peer: nothing that was said to or by the former one holds. */
  #meet(frame: FlowHeartbeat, isRestart: boolean, now: Instant): void {
    this.#outbound.close();
    this.#teller.restart();
    this.#walk.restart();
    this.#inbound.restart();
    this.#answers.restart();
    this.#comparison.restart();
    if (isRestart) this.#ownership.peerRestarted(frame.serving, now);
    else this.#ownership.peerServes(frame.serving, now);
    this.#servingAt = frame.next;
    this.#outputs.push({ kind: 'session', peerEpoch: frame.epoch });
  }

  #open(frame: FlowHeartbeat, now: Instant): void {
    this.#window = new ReceiveWindow(this.#frameBytes, frame.sequence);
    this.#outbound.open();
    this.#digests.restart(now);
  }

  #hearNumbered(
    frame: FlowFrame & { kind: 'data' | 'mark' },
    bytes: Uint8Array,
    now: Instant,
  ): ReceiveRefusal | undefined {
    if (frame.kind === 'mark' && !this.#inbound.isFitting(frame)) return 'range';
    this.#learnServing(frame.serving, frame.sequence + 1, now);
    switch (this.#window.judge(frame.sequence)) {
      case 'beyond':
        return 'range';
      case 'repeated':
        this.#window.repeated(now);
        return undefined;
      case 'early':
        this.#window.keep(frame.sequence, bytes, now);
        return undefined;
      default:
        if (!this.#mayAct(frame, bytes, now)) {
          this.#window.keep(frame.sequence, bytes, now);
          return undefined;
        }
        this.#act(frame, bytes, now);
        this.#actOnKept(now);
        return undefined;
    }
  }

  /**
   * How the peer serves, said after all numbered frames before `next`. The paths of frames and
   * heartbeats cross: only what was said later counts.
   */
  #learnServing(serving: FlowServing, next: number, now: Instant): void {
    if (distance(this.#servingAt, next) > 2 ** 31) return;
    this.#servingAt = next >>> 0;
    this.#ownership.peerServes(serving, now);
  }

  /** There is room for its records, and it is clear whose word counts. */
  #mayAct(frame: FlowFrame, bytes: Uint8Array, now: Instant): boolean {
    if (frame.kind !== 'data') return true;
    if (!this.delivery.hasRoom(bytes.length)) return false;
    return !this.#ownership.isHeld(now) || !this.#inbound.isContested(bytes, frame.from);
  }

  /** What has waited for the frame before it, or for room. */
  #actOnKept(now: Instant): void {
    for (let kept = this.#window.kept(); kept !== undefined; kept = this.#window.kept()) {
      const frame = this.#frames.decode(kept);
      if (typeof frame === 'string' || !this.#mayAct(frame, kept, now)) return;
      this.#act(frame, kept, now);
    }
  }

  #act(frame: FlowFrame, bytes: Uint8Array, now: Instant): void {
    if (frame.kind === 'data') this.#inbound.apply(bytes, frame.from, frame.serving, now);
    else if (frame.kind === 'mark') {
      if (frame.what === 'begin') this.#inbound.begin(frame);
      if (frame.what === 'end') this.#endPass(frame, now);
    }
    this.#window.passed(now);
    this.#compareDigests();
  }

  #endPass(frame: FlowFrame & { kind: 'mark' }, now: Instant): void {
    const heard = this.#inbound.end(frame, frame.serving);
    if (heard === undefined) return;
    if (heard.surplus > 0) this.#walk.remove();
    this.#digests.want(heard.missing, now);
    if (!heard.isWhole || this.#hasJoined) return;
    this.#hasJoined = true;
    this.#joinBy = undefined;
    this.#outputs.push({ kind: 'joined' });
  }

  #compareDigests(): void {
    const round = this.#digests.reached(this.#window.expected);
    if (round !== undefined) this.#tellRound(round);
  }

  #tellRound({ divergence, isHigh, equal }: DigestRound): void {
    this.#walk.renew(equal);
    this.#outputs.push({ kind: 'divergence', percent: divergence, high: isHigh });
  }

  /** Everything that follows from the state of things and the time. */
  #settle(now: Instant): void {
    if (this.#session.isOpen) {
      this.#actOnKept(now);
      this.#digests.want(this.#inbound.reconsidered(), now);
      this.#ownership.adopt(now);
      if (this.#ownership.takeUntold()) this.#outbound.dirty.fill();
      this.#relieve(now);
      this.#outbound.settle(now);
      this.#teller.settle(now);
      for (let told = this.#teller.poll(); told !== undefined; told = this.#teller.poll()) {
        this.#outputs.push(told);
      }
      this.#cede();
      this.#judgeDirections(now);
    }
    this.#settleReadings(now);
    // The kernel would not show what is still on its way to it.
    const walk = this.delivery.length === 0 ? this.#walk.poll(now) : undefined;
    if (walk !== undefined) this.#outputs.push({ kind: 'walk', ...walk });
    if (this.#joinBy === undefined || now < this.#joinBy) return;
    this.#joinBy = undefined;
    this.#outputs.push({ kind: 'join-overdue' });
  }

  #settleReadings(now: Instant): void {
    this.#comparison.settle(now);
    const own = this.#comparison.poll();
    if (own !== undefined) this.#outputs.push({ kind: 'read', for: 'own', wish: own });
    const its = this.#answers.poll(now);
    if (its !== undefined) this.#outputs.push({ kind: 'read', for: 'peer', wish: its });
    const outcome = this.#comparison.outcome();
    if (outcome !== undefined) this.#outputs.push({ kind: 'compared', outcome });
  }

  /** Flows that found no room are told again when there is some; people hear of both. */
  #relieve(now: Instant): void {
    const [mine, its] = [this.#outbound.crowded, this.#inbound.crowded];
    const isFull = !mine.isEmpty || !its.isEmpty;
    if (isFull && !this.#isCrowded) {
      this.#isCrowded = true;
      this.#outputs.push({ kind: 'crowded', full: true });
    }
    if (!isFull || !this.#table.isRoomy) return;
    this.#isCrowded = false;
    this.#outputs.push({ kind: 'crowded', full: false });
    this.#outbound.dirty.addAll(mine);
    this.#digests.want(its.list(), now);
    mine.clear();
    its.clear();
  }

  #cede(): void {
    const isTold = this.#teller.isIdle && this.#outbound.isCaughtUp;
    if (!isTold || this.#session.stopped.size > 0) return;
    this.#ownership.reunited();
    const isToCede = this.#ownership.isToCede && this.#table.count(OWN_SIDE) > 0;
    if (isToCede) this.#ownership.cedeAll();
  }

  #judgeDirections(now: Instant): void {
    const { base, next } = this.#outbound.window;
    const positions = { taken: this.#window.expected, acknowledged: base, next };
    for (const direction of this.#session.judge(positions, now)) {
      const cause = this.#session.stopped.get(direction);
      if (cause === 'silent') this.#ownership.apart();
      if (cause === undefined) this.#outputs.push({ kind: 'resumed', direction });
      else this.#outputs.push({ kind: 'stopped', direction, cause });
    }
  }

  #nextFrame(now: Instant): Uint8Array | undefined {
    if (now >= this.#session.speakAt) return this.#heartbeat(now);
    if (!this.#session.isOpen) return undefined;
    const ackAt = this.#ackAt;
    if (ackAt !== undefined && now >= ackAt) return this.#acknowledge();
    const pull = this.#digests.pull();
    if (pull !== undefined) {
      return this.#encode({ kind: 'pull', ...this.#head, sequence: 0, ...pull });
    }
    const asking = this.#comparison.ask(now);
    if (asking !== undefined) {
      return this.#encode({ kind: 'ask', ...this.#head, sequence: 0, ...asking });
    }
    return this.#outbound.take(now) ?? this.#digest(now) ?? this.#answer();
  }

  #answer(): Uint8Array | undefined {
    const answer = this.#answers.next();
    return answer && this.#encode({ kind: 'answer', ...this.#head, sequence: 0, ...answer });
  }

  #heartbeat(now: Instant): Uint8Array {
    this.#session.spoke(now);
    const { base, next } = this.#outbound.window;
    const { sent, received } = this.#session.counters;
    return this.#encode({
      kind: 'heartbeat',
      ...this.#head,
      sequence: base,
      next,
      ownFlows: this.#table.count(OWN_SIDE),
      peerFlows: this.#table.count(PEER_SIDE),
      sent: sent >>> 0,
      received: received >>> 0,
      heardAge: this.#session.heardAge(now),
      divergence: Math.round(10 * this.#digests.divergence),
    });
  }

  #acknowledge(): Uint8Array {
    const sequence = this.#window.expected;
    const arrived = this.#window.acknowledge();
    return this.#encode({
      kind: 'ack',
      ...this.#head,
      sequence,
      window: WINDOW_FRAMES,
      arrived,
    });
  }

  /** Digests speak of what is in frames, so they wait until everything is. */
  #digest(now: Instant): Uint8Array | undefined {
    const { dueAt } = this.#digests;
    if (dueAt === undefined || now < dueAt || this.#ownership.own === 'none') return undefined;
    if (!this.#outbound.isAtEase || !this.#teller.isIdle) {
      this.#digests.postpone(now);
      return undefined;
    }
    this.#outbound.flush();
    const frame = this.#outbound.take(now);
    // It goes first; the digests are due again in the next call.
    if (frame !== undefined) return frame;
    const from = this.#frames.digestsFrom;
    const entries = new DataView(this.#control.buffer, from, this.#frameBytes - from);
    const { first, count } = this.#digests.compose(entries, now);
    const sequence = this.#outbound.window.next;
    return this.#encode({ kind: 'digest', ...this.#head, sequence, first, count, entries });
  }

  #encode(frame: FlowFrame): Uint8Array {
    return this.#control.subarray(0, this.#frames.encode(frame, this.#control));
  }
}
