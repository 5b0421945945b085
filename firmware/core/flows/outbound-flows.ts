/**
 * From the records of this node's kernel to numbered frames for the peer.
 *
 * As long as the window has room, records are copied straight into the frame that is being filled,
 * in runs. When it has none they wait in the backlog, where only the newest of a flow stays. When
 * even that is full, the bucket of the flow is marked dirty: its part of the table is told anew
 * later. So memory is bounded, and nothing is lost without being made good.
 */
import type { FlowFrameHead, FlowFrames, FlowMark } from '../../wire/flow-frame.ts';
import { invariant } from '../invariant.ts';
import { after, type Duration, earliest, type Instant } from '../time.ts';
import { BucketSet } from './bucket-set.ts';
import { bucketOf, DEAD, type FlowTable, marks } from './flow-table.ts';
import { RecordBacklog } from './record-backlog.ts';
import {
  flagsAt,
  keyHighAt,
  keyLowAt,
  lengthAt,
  operationAt,
  operations,
  RECORD_HEAD_BYTES,
  recordFlags,
  writeHead,
} from './record-head.ts';
import { SendWindow } from './send-window.ts';

export interface OutboundStart {
  readonly frames: FlowFrames;
  readonly table: FlowTable;
  readonly frameBytes: number;
  readonly backlogBytes: number;
  /** A frame waits for more records so long at most. */
  readonly batchDelay: Duration;
  /** Number of the first frame. */
  readonly first: number;
  /** What all frames say, now. */
  readonly head: () => Omit<FlowFrameHead, 'sequence'>;
}

/** What a mark says besides the head. */
export type MarkText = Pick<FlowMark, 'what' | 'id' | 'content' | 'flows' | 'buckets'>;

export class OutboundFlows {
  readonly backlog: RecordBacklog;
  /** The peer may not have what is in these; told anew by the next pass. */
  readonly dirty = new BucketSet();
  /** Flows of these were left out because the table was full. */
  readonly crowded = new BucketSet();
  readonly #start: OutboundStart;
  readonly #table: FlowTable;
  readonly #frameBytes: number;
  #window: SendWindow;
  /** There is a peer to send to. */
  #isOpen = false;
  /** Bytes of the frame that is being filled, 0 when none is. */
  #fill = 0;
  #filledSince: Instant | undefined;
  #stamp = 0;
  /** Records put into frames, replaced or dropped in the backlog, refused by a full table. */
  readonly counters = { sent: 0, coalesced: 0, overflowed: 0, tableFull: 0, copiesLost: 0 };

  constructor(start: OutboundStart) {
    this.#start = start;
    this.#table = start.table;
    this.#frameBytes = start.frameBytes;
    this.#window = new SendWindow(start.frameBytes, start.first);
    this.backlog = new RecordBacklog(start.backlogBytes, (bytes, at, stamp) =>
      this.#stands(bytes, at, stamp),
    );
  }

  get window(): SendWindow {
    return this.#window;
  }

  /** A new life of the peer: it is told everything from the beginning. */
  open(): void {
    this.close();
    this.#isOpen = true;
    this.dirty.fill();
  }

  /** The peer is unknown: there is nobody to tell anything. */
  close(): void {
    this.#isOpen = false;
    this.#window = new SendWindow(this.#frameBytes, this.#window.next);
    this.backlog.clear();
    this.#fill = 0;
    this.#filledSince = undefined;
    this.#table.wipe(marks.announced | marks.birth | marks.told);
  }

  /** The peer has everything this node has told it, and there is nothing more to tell. */
  get isCaughtUp(): boolean {
    const nothingWaits = this.backlog.isEmpty && this.#fill === 0 && this.dirty.isEmpty;
    return nothingWaits && this.#window.outstanding === 0;
  }

  /** What has been given to it until now, as a place that `hasPassed` knows. */
  get place(): number {
    return this.#stamp;
  }

  /** Whether all that was given to it before a place is in frames. */
  hasPassed(place: number): boolean {
    return this.backlog.hasPassed(place);
  }

  /** Whether more can be sent at once: else what is not urgent waits. */
  get isAtEase(): boolean {
    return this.#isOpen && this.backlog.isEmpty && this.#window.hasRoom;
  }

  /** Events of the kernel, one record after another in `bytes`, in their order. */
  local(bytes: Uint8Array, from: number, to: number, now: Instant): void {
    if (!this.backlog.isEmpty) this.#drain(now);
    const mayGoAtOnce = this.backlog.isEmpty;
    let run = from;
    for (let at = from; at < to; ) {
      const length = lengthAt(bytes, at);
      invariant(length >= RECORD_HEAD_BYTES && at + length <= to, 'a record of the wrong length');
      if (this.#fill + (at - run) + length > this.#frameBytes || this.#fill === 0) {
        this.#copy(bytes, run, at);
        run = at;
        if (mayGoAtOnce) this.#makeRoom(length, now);
      }
      const isDirect = this.#fill > 0;
      const isWanted = this.#note(bytes, at, isDirect) && this.#isOpen;
      if (!isWanted || !isDirect) {
        this.#copy(bytes, run, at);
        run = at + length;
        if (isWanted) this.#wait(bytes, at);
      } else {
        this.counters.sent += 1;
      }
      at += length;
    }
    this.#copy(bytes, run, to);
  }

  /** A record of the kernel's table for the pass under way; false when there is no room for it. */
  tell(bytes: Uint8Array, at: number, now: Instant): boolean {
    if (!this.isAtEase) return false;
    this.local(bytes, at, at + lengthAt(bytes, at), now);
    return true;
  }

  /** That a flow of this node is there, without its body. */
  present(slot: number, now: Instant): void {
    const flowMarks = this.#table.marks(slot);
    const established = (flowMarks & marks.established) === 0 ? 0 : recordFlags.established;
    const closing = (flowMarks & marks.closing) === 0 ? 0 : recordFlags.closing;
    const [low, high] = [this.#table.low(slot), this.#table.high(slot)];
    writeHead(SCRATCH, 0, established | closing, low, high);
    this.#table.set(slot, flowMarks | marks.announced | marks.told);
    if (this.backlog.isEmpty) this.#makeRoom(RECORD_HEAD_BYTES, now);
    if (this.#fill > 0) this.#copy(SCRATCH, 0, RECORD_HEAD_BYTES);
    else this.#wait(SCRATCH, 0);
  }

  /** Puts a mark behind all frames so far; answers its number, undefined when there is no room. */
  mark(text: MarkText): number | undefined {
    this.flush();
    if (!this.#window.hasRoom) return undefined;
    const sequence = this.#window.next;
    const offset = this.#window.offsetOf(sequence);
    const into = this.#window.bytes.subarray(offset, offset + this.#frameBytes);
    const head = this.#start.head();
    this.#window.close(
      this.#start.frames.encode({ kind: 'mark', ...head, sequence, ...text }, into),
    );
    return sequence;
  }

  /** Ends the frame that is being filled. */
  flush(): void {
    const { frames, head } = this.#start;
    // It was begun for a record the peer need not hear of.
    if (this.#fill <= frames.headBytes) this.#fill = 0;
    this.#filledSince = undefined;
    if (this.#fill === 0) return;
    const sequence = this.#window.next;
    const offset = this.#window.offsetOf(sequence);
    const into = this.#window.bytes.subarray(offset, offset + this.#fill);
    frames.encode({ kind: 'data', ...head(), sequence, from: frames.headBytes }, into);
    this.#window.close(this.#fill);
    this.#fill = 0;
  }

  /** Moves what waits into frames, as far as there is room. */
  settle(now: Instant): void {
    if (!this.#isOpen) return;
    this.#window.lapse(now);
    this.#drain(now);
    const due = this.#flushAt;
    if (due !== undefined && now >= due) this.flush();
  }

  /** The next frame to transmit, as a view that is valid until the next call. */
  take(now: Instant): Uint8Array | undefined {
    if (!this.#isOpen) return undefined;
    const number = this.#window.take(now);
    if (number === undefined) return undefined;
    const offset = this.#window.offsetOf(number);
    return this.#window.bytes.subarray(offset, offset + this.#window.lengthOf(number));
  }

  nextTimeout(): Instant | undefined {
    if (!this.#isOpen) return undefined;
    return earliest(this.#flushAt, this.#window.nextTimeout());
  }

  get #flushAt(): Instant | undefined {
    return this.#filledSince && after(this.#filledSince, this.#start.batchDelay);
  }

  /** Enters an event of the kernel into the table; whether the peer is to hear of it. */
  #note(bytes: Uint8Array, at: number, isDirect: boolean): boolean {
    const operation = operationAt(bytes, at);
    const low = keyLowAt(bytes, at);
    const high = keyHighAt(bytes, at);
    const slot = this.#table.find(low, high);
    const isEnd = operation === operations.destroy || operation === operations.unexpect;
    if (isEnd) return this.#noteEnd(slot, low, high);
    const place = slot < 0 ? this.#table.insert(low, high) : slot;
    if (place < 0) {
      this.counters.tableFull += 1;
      this.crowded.add(bucketOf(low, high));
      return false;
    }
    const before = this.#table.marks(place);
    const flags = flagsAt(bytes, at);
    let flowMarks = OWN_MARKS | contentMarks(operation, flags);
    if (isDirect) {
      flowMarks |= marks.announced;
    } else {
      if ((before & DEAD) === 0) flowMarks |= before & (marks.announced | marks.birth);
      if ((flags & recordFlags.fresh) !== 0) flowMarks |= marks.birth;
      this.#stamp = (this.#stamp + 1) | 0;
      this.#table.setStamp(place, this.#stamp);
    }
    this.#table.set(place, flowMarks);
    return true;
  }

  #noteEnd(slot: number, low: number, high: number): boolean {
    if (slot < 0) {
      // A walk under way may have seen it before it ended.
      if (this.#table.isWalked) this.#table.insert(low, high);
      return false;
    }
    const before = this.#table.marks(slot);
    if ((before & marks.surplus) !== 0) this.#table.bury(slot);
    if ((before & DEAD) !== 0) return false;
    if ((before & marks.own) === 0) {
      this.#loseCopy(slot, before);
      return false;
    }
    this.#table.bury(slot);
    return (before & marks.announced) !== 0;
  }

  /**
   * The copy of a flow of the peer has ended here, by a timer that its packets do not renew. Of a
   * flow that is over anyway that is no matter, and its owner will say so; any other is missing,
   * and the digests will show it.
   */
  #loseCopy(slot: number, before: number): void {
    if ((before & (marks.established | marks.closing)) !== marks.established) {
      this.#table.set(slot, before | marks.hollow);
      return;
    }
    this.counters.copiesLost += 1;
    this.#table.bury(slot);
  }

  #wait(bytes: Uint8Array, at: number): void {
    if (this.backlog.push(bytes, at, this.#stamp)) return;
    this.#overflow(bucketOf(keyLowAt(bytes, at), keyHighAt(bytes, at)));
  }

  #overflow(bucket: number): void {
    this.counters.overflowed += 1;
    this.dirty.add(bucket);
  }

  /** Whether a record that waits is still to be sent: the newest of a flow is, and every end. */
  #stands(bytes: Uint8Array, at: number, stamp: number): boolean {
    const operation = operationAt(bytes, at);
    if (operation !== operations.upsert && operation !== operations.expect) return true;
    const slot = this.#table.find(keyLowAt(bytes, at), keyHighAt(bytes, at));
    const flowMarks = slot < 0 ? marks.buried : this.#table.marks(slot);
    const isLiving = (flowMarks & DEAD) === 0 && (flowMarks & marks.own) !== 0;
    const isNewest = isLiving && this.#table.stamp(slot) === stamp;
    if (isNewest) return true;
    if (isLiving && (flagsAt(bytes, at) & recordFlags.singular) !== 0) return true;
    this.counters.coalesced += 1;
    return false;
  }

  #drain(now: Instant): void {
    while (!this.backlog.isEmpty) {
      const at = this.backlog.first();
      if (at < 0) break;
      const { buffer } = this.backlog;
      const length = lengthAt(buffer, at);
      this.#makeRoom(length, now);
      if (this.#fill === 0) break;
      const to = this.#window.offsetOf(this.#window.next) + this.#fill;
      for (let index = 0; index < length; index += 1) {
        this.#window.bytes[to + index] = buffer[at + index] ?? 0;
      }
      this.#fill += length;
      this.counters.sent += 1;
      this.#announce(this.#window.bytes, to, this.backlog.firstStamp);
      this.backlog.drop();
    }
  }

  /** A record that has waited is in a frame now; what those it replaced have said goes with it. */
  #announce(bytes: Uint8Array, at: number, stamp: number): void {
    const operation = operationAt(bytes, at);
    if (operation !== operations.upsert && operation !== operations.expect) return;
    const slot = this.#table.find(keyLowAt(bytes, at), keyHighAt(bytes, at));
    if (slot < 0) return;
    const before = this.#table.marks(slot);
    const flags = flagsAt(bytes, at);
    let flowMarks = before | marks.announced;
    const isNewest = this.#table.stamp(slot) === stamp;
    if (isNewest || (flags & recordFlags.fresh) !== 0) flowMarks &= ~marks.birth;
    if (isNewest && (before & marks.birth) !== 0) bytes[at + 3] = flags | recordFlags.fresh;
    this.#table.set(slot, flowMarks);
  }

  /** Sees to a frame with room for a record, if the window has one and nothing waits before it. */
  #makeRoom(length: number, now: Instant): void {
    const { headBytes } = this.#start.frames;
    invariant(headBytes + length <= this.#frameBytes, 'a record longer than a frame');
    if (this.#fill + length > this.#frameBytes) this.flush();
    if (this.#fill > 0 || !this.#isOpen || !this.#window.hasRoom) return;
    this.#fill = headBytes;
    this.#filledSince = now;
  }

  #copy(bytes: Uint8Array, from: number, to: number): void {
    if (from === to) return;
    const at = this.#window.offsetOf(this.#window.next) + this.#fill;
    this.#window.bytes.set(bytes.subarray(from, to), at);
    this.#fill += to - from;
  }
}

const OWN_MARKS = marks.used | marks.own | marks.present | marks.told;
const SCRATCH = new Uint8Array(RECORD_HEAD_BYTES);

/** What a record says of a flow that the table keeps. */
export function contentMarks(operation: number, flags: number): number {
  const established = (flags & recordFlags.established) === 0 ? 0 : marks.established;
  const closing = (flags & recordFlags.closing) === 0 ? 0 : marks.closing;
  const isExpectation = operation === operations.expect || operation === operations.unexpect;
  return established | closing | (isExpectation ? marks.expectation : 0);
}
