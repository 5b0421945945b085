/**
 * Flows of the peer into the kernel's table, by the batch and without acknowledgements: the kernel
 * carries out what it is sent before the call returns, and by then whatever it refused waits to be
 * read.
 *
 * Whether a flow is there already is guessed, by a bit for each hash: an existing flow refuses to
 * be created and a missing one to be changed, and a refusal is followed by what fits. So a wrong
 * guess costs microseconds, never a flow.
 */
import { constants } from 'node:os';
import { encodeExpectation, expectationRecordLength } from '../wire/expectation-encoder.ts';
import {
  FlowEncoder,
  type FlowRequest,
  flowRecordLength,
  type LeastTimeouts,
  LONGEST_FLOW_REQUEST,
} from '../wire/flow-encoder.ts';
import { bodies, flowFlags, flowHeader, flowOperations, shapes } from '../wire/flow-record.ts';
import { controlTypes, NETLINK_HEADER_BYTES } from '../wire/netlink-message.ts';
import { checked, native } from './native-socket.ts';
import { NetlinkSocket, protocols } from './netlink-socket.ts';

const { EAGAIN, EBUSY, EEXIST, EINTR, ENOBUFS, ENOENT } = constants.errno;
const { EOPNOTSUPP, EPROTONOSUPPORT } = constants.errno;

/** More are not faster, and a request that is refused comes back with all its bytes. */
const BATCH = 64;
const BUFFER_BYTES = BATCH * LONGEST_FLOW_REQUEST;
const ANSWER_BYTES = 8192;
/** Of the guess: an eighth of a megabyte, right for nearly all of a few hundred thousand flows. */
const GUESS_BITS = 1 << 20;
/** Operation of a record that whoever handed it in has withdrawn. */
const LEFT_OUT = 0xff;
/** Every remedy there is, once. */
const ATTEMPTS_AT_MOST = 6;

type Request = FlowRequest | 'expect';

export interface InjectionCounts {
  created: number;
  changed: number;
  removed: number;
  /** Records that are not whole, or of a kind this version does not know. */
  malformed: number;
  /** Left out: they begin or end on this node, whose kernel has them in its own way. */
  shadows: number;
  /** Refused by the kernel for good. */
  refused: number;
  /** Taken in without helper or master, because this kernel does not have them. */
  stripped: number;
}

export class ConntrackInjector {
  readonly counts: InjectionCounts = {
    created: 0,
    changed: 0,
    removed: 0,
    malformed: 0,
    shadows: 0,
    refused: 0,
    stripped: 0,
  };
  /** Refusals by errno. */
  readonly refusals = new Map<number, number>();
  /**
   * Whether a flow that stands in the way of one of the peer's is removed. Not while this node
   * serves: then its own are the true ones.
   */
  yields = true;
  /** Names (low, high) of flows that were refused for good, to be taken out by whoever told. */
  readonly lost: number[] = [];
  readonly #socket = new NetlinkSocket(protocols.netfilter);
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  readonly #encoder: FlowEncoder;
  readonly #answer = new Uint8Array(ANSWER_BYTES);
  readonly #answerView = new DataView(this.#answer.buffer);
  readonly #guess = new Uint8Array(GUESS_BITS / 8);
  /** Of the batch: where its records lie, and what was asked for each. */
  readonly #places = new Int32Array(BATCH);
  readonly #requests: Request[] = Array.from({ length: BATCH }, () => 'create');
  readonly #failures: { index: number; errno: number }[] = [];
  #count = 0;
  #length = 0;
  #sequence = 1;

  constructor(least: LeastTimeouts) {
    this.#encoder = new FlowEncoder(new DataView(this.#bytes.buffer), least);
  }

  /** The kernel names it as the cause of the events that follow from what is injected. */
  get port(): number {
    return this.#socket.port;
  }

  /** Carries out the records, many back to back, in their order. */
  inject(records: Uint8Array, length: number): void {
    const view = new DataView(records.buffer, records.byteOffset, length);
    let at = 0;
    while (at < length) {
      const flow = flowRecordLength(view, at, length - at);
      const bytes = flow > 0 ? flow : expectationRecordLength(view, at, length - at);
      if (bytes === 0) {
        if (view.getUint8(Math.min(at + 2, length - 1)) === LEFT_OUT) this.counts.shadows += 1;
        else this.counts.malformed += 1;
        at += skipped(view, at, length);
        continue;
      }
      this.#add(view, at, flow > 0 ? this.#wanted(view, at) : 'expect');
      at += bytes;
    }
    this.#flush(view);
  }

  /** Prolongs a flow that is in the table, with what a dump has just said of it. */
  renew(record: DataView, at: number): void {
    // An expectation that is used or not lives for its helper's time, no longer.
    if (record.getUint8(at + flowHeader.operation) === flowOperations.expect) return;
    this.#add(record, at, 'update-times');
    this.#flush(record);
  }

  /** As `renew`, but it is to go. Writes to the record. */
  remove(record: DataView, at: number): void {
    const isFlow = record.getUint8(at + flowHeader.operation) === flowOperations.upsert;
    if (!isFlow) record.setUint8(at + flowHeader.operation, flowOperations.unexpect);
    this.#add(record, at, isFlow ? 'remove' : 'expect');
    this.#flush(record);
  }

  close(): void {
    this.#socket.close();
  }

  #wanted(view: DataView, at: number): FlowRequest {
    const hash = view.getUint32(at + flowHeader.keyLow, true);
    const bit = 1 << (hash & 7);
    const byte = (hash >>> 3) & (GUESS_BITS / 8 - 1);
    const isThere = (this.#guess[byte]! & bit) !== 0;
    if (view.getUint8(at + flowHeader.operation) === flowOperations.destroy) {
      this.#guess[byte]! &= ~bit;
      return 'remove';
    }
    this.#guess[byte]! |= bit;
    const isFresh = (view.getUint8(at + flowHeader.flags) & flowFlags.fresh) !== 0;
    return isThere && !isFresh ? 'update' : 'create';
  }

  #add(view: DataView, at: number, request: Request): void {
    if (this.#count === BATCH) this.#flush(view);
    const index = this.#count++;
    this.#places[index] = at;
    this.#requests[index] = request;
    const sequence = this.#sequence + index;
    const encoder = this.#encoder;
    this.#length +=
      request === 'expect'
        ? encodeExpectation(encoder.writer, view, at, this.#length, sequence)
        : encoder.encode(request, view, at, this.#length, sequence);
  }

  #flush(view: DataView): void {
    const count = this.#count;
    if (count === 0) return;
    this.#send();
    this.#tally(count);
    for (const { index, errno } of this.#failures.splice(0)) {
      const request = this.#requests[index] ?? 'create';
      this.#account(request, -1);
      if (this.#isOvertaken(view, index, count)) continue;
      this.#remedy(view, this.#places[index] ?? 0, request, errno);
    }
  }

  /** Whether a later record of the batch is about the same flow: it has had its turn already. */
  #isOvertaken(view: DataView, index: number, count: number): boolean {
    const key = (at: number, part: number): number => view.getUint32(at + part, true);
    const at = this.#places[index] ?? 0;
    for (let later = index + 1; later < count; later++) {
      const other = this.#places[later] ?? 0;
      const isSame =
        key(at, flowHeader.keyLow) === key(other, flowHeader.keyLow) &&
        key(at, flowHeader.keyHigh) === key(other, flowHeader.keyHigh);
      if (isSame) return true;
    }
    return false;
  }

  #tally(count: number): void {
    for (let i = 0; i < count; i++) this.#account(this.#requests[i] ?? 'create', 1);
  }

  #account(request: Request, step: number): void {
    if (request === 'create' || request === 'create-plain') this.counts.created += step;
    else if (request === 'remove' || request === 'remove-rival') this.counts.removed += step;
    else this.counts.changed += step;
  }

  /** Sends what is collected and reads what was refused. */
  #send(): void {
    const [first, length] = [this.#sequence, this.#length];
    this.#sequence = (this.#sequence + this.#count) & 0x7fff_ffff;
    this.#count = 0;
    this.#length = 0;
    checked(native.send(this.#socket.fd, this.#bytes, length), 'change the connection table');
    for (;;) {
      const received = native.receive(this.#socket.fd, this.#answer);
      if (received === -EAGAIN) return;
      if (received === -EINTR || received === -ENOBUFS) continue;
      checked(received, 'read what became of a change of the connection table');
      this.#takeFailures(Math.min(received, ANSWER_BYTES), first);
    }
  }

  #takeFailures(length: number, first: number): void {
    const view = this.#answerView;
    if (length < NETLINK_HEADER_BYTES + 4) return;
    if (view.getUint16(4, true) !== controlTypes.error) return;
    const errno = -view.getInt32(NETLINK_HEADER_BYTES, true);
    const index = view.getUint32(8, true) - first;
    if (errno > 0 && index >= 0 && index < BATCH) this.#failures.push({ index, errno });
  }

  /** One request by itself: 0, or why not. */
  #ask(request: Request, view: DataView, at: number): number {
    this.#add(view, at, request);
    this.#send();
    return this.#failures.splice(0)[0]?.errno ?? 0;
  }

  #remedy(view: DataView, at: number, refused: Request, why: number): void {
    let [request, errno]: [Request, number] = [refused, why];
    const isFresh = (view.getUint8(at + flowHeader.flags) & flowFlags.fresh) !== 0;
    let wasMissing = false;
    for (let attempt = 0; attempt < ATTEMPTS_AT_MOST && errno !== 0; attempt++) {
      if (request === 'remove') return; // already gone, or not to be had
      if (request === 'expect') {
        if (errno === EEXIST || errno === ENOENT) return;
        break;
      }
      if (request.startsWith('update')) {
        if (errno === ENOENT) {
          wasMissing = true;
          request = 'create';
        } else if (errno === EBUSY && request === 'update') request = 'update-times';
        else break;
      } else if (errno === EEXIST) {
        if (!isFresh && !wasMissing) request = 'update';
        else if (!this.yields) break;
        else {
          // Another flow stands in the way: the one before, or one with the same outside port.
          this.#ask('remove', view, at);
          this.#ask('remove-rival', view, at);
        }
      } else if (request === 'create' && view.getUint8(at + bodies.shape) & shapes.tail) {
        request = 'create-plain';
        this.counts.stripped += 1;
      } else break;
      errno = this.#ask(request, view, at);
    }
    if (errno === 0) return this.#account(request, 1);
    this.counts.refused += 1;
    this.refusals.set(errno, (this.refusals.get(errno) ?? 0) + 1);
    // What this kernel does not know it will not know at the next attempt either.
    if (errno === EOPNOTSUPP || errno === EPROTONOSUPPORT) return;
    this.lost.push(view.getUint32(at + flowHeader.keyLow, true));
    this.lost.push(view.getUint32(at + flowHeader.keyHigh, true));
  }
}

/** Over a record of an unknown kind if its length can be believed, else over everything. */
function skipped(view: DataView, at: number, end: number): number {
  const length = end - at >= 4 ? view.getUint16(at, true) : 0;
  return length >= 12 && length % 4 === 0 && length <= end - at ? length : end - at;
}
