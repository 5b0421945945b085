/**
 * One turn of the replication: what the kernel has told goes in, what the peer has sent goes into
 * the kernel, and only then is the peer told that it did.
 */
import type { FlowConfiguration } from '../core/configuration/pair-configuration.ts';
import { FlowReplication } from '../core/flows/flow-replication.ts';
import type { ReplicationOutput } from '../core/flows/replication-io.ts';
import { after, type Instant, instant, microseconds, seconds } from '../core/time.ts';
import { ConntrackDump } from '../kernel/conntrack-dump.ts';
import { ConntrackEvents } from '../kernel/conntrack-events.ts';
import { ConntrackInjector } from '../kernel/conntrack-injector.ts';
import { ConntrackQuery } from '../kernel/conntrack-query.ts';
import { streamTimeout } from '../kernel/conntrack-settings.ts';
import { FlowSocket } from '../kernel/flow-socket.ts';
import { native } from '../kernel/native-socket.ts';
import { byteView } from '../wire/byte-view.ts';
import { conntrackTypes, FAMILY_OFFSET } from '../wire/ctnetlink.ts';
import { ExpectationDecoder } from '../wire/expectation-decoder.ts';
import { FlowDecoder } from '../wire/flow-decoder.ts';
import { FlowFilter } from '../wire/flow-filter.ts';
import { flowFrames } from '../wire/flow-frame.ts';
import type { FlowKeySeed } from '../wire/flow-key.ts';
import { LONGEST_FLOW_RECORD } from '../wire/flow-record.ts';
import { FlowChannel, SEAL_BYTES } from './flow-channel.ts';
import { FlowReadings } from './flow-readings.ts';
import { FlowWalk } from './flow-walk.ts';
import { ShadowFlows } from './shadow-flows.ts';

/** Of this node: whether it is MASTER for all, some or none of its VIPs. */
export type Serving = 'none' | 'part' | 'all';

/** Records of a few batches of events. */
const LOCAL_BYTES = 262_144;
/** Batches of 64 read in one turn: a turn ends, so that frames leave, however much there is. */
const BATCHES_PER_TURN = 32;
/** Copies of flows whose owner prolongs them without a word (UDP, ICMP) live so long at least. */
const QUIET_TIMEOUT_S = 180;
/**
 * Between walks that only prolong copies: reading the table costs more than anything else, and a
 * copy that is prolonged when less than 120 s are left does not miss two of them.
 */
const RENEWAL_PAUSE = seconds(40);
/** A longer frame of ours would not fit into what the peer has room for. */
const LONGEST_FRAME = 8192;
/** A walk reads for so long in one turn, microseconds. */
const WALK_SPAN = 2000;

export interface FlowServiceStart {
  readonly configuration: FlowConfiguration;
  readonly serving: Serving;
  readonly flowsExpected: number;
  readonly flowsAtMost: number;
  /** Cryptographically strong random bytes. */
  readonly random: (length: number) => Uint8Array;
  readonly ownAddresses: readonly string[];
  readonly onOutput: (output: ReplicationOutput) => void;
}

export class FlowService {
  readonly injector = new ConntrackInjector({
    stream: streamTimeout(),
    quiet: QUIET_TIMEOUT_S,
  });
  readonly replication: FlowReplication;
  readonly channel: FlowChannel;
  /** Messages of the kernel that became no record, by refusal (positive). */
  readonly refusals = new Uint32Array(16);
  /** Frames of the peer that were refused, by reason. */
  readonly refusedFrames = new Map<string, number>();
  overruns = 0;
  /** Messages of the kernel since the start. */
  events = 0;
  readonly #configuration: FlowConfiguration;
  readonly #events = new ConntrackEvents(this.injector.port);
  readonly #query = new ConntrackQuery();
  readonly #socket: FlowSocket;
  readonly #flows: FlowDecoder;
  readonly #expectations: ExpectationDecoder;
  readonly #walk: FlowWalk;
  readonly #readings: FlowReadings;
  readonly #shadows = new ShadowFlows();
  readonly #local = new Uint8Array(LOCAL_BYTES);
  readonly #localView = new DataView(this.#local.buffer);
  readonly #onOutput: (output: ReplicationOutput) => void;
  #localLength = 0;
  #isOverrun = false;
  /** Not before this is the table read only to prolong copies. */
  #renewAt: Instant = instant(0);
  #now: Instant = instant(native.monotonic());

  constructor(start: FlowServiceStart) {
    const { configuration, random, ownAddresses } = start;
    this.#configuration = configuration;
    this.#onOutput = start.onOutput;
    this.#socket = new FlowSocket(configuration);
    const seed = keySeed(configuration.nameSeed);
    const filter = this.#filter(ownAddresses);
    this.#flows = new FlowDecoder(seed, filter);
    this.#expectations = new ExpectationDecoder(seed, filter);
    this.channel = new FlowChannel({
      key: configuration.key,
      random,
      send: (datagram) => this.#socket.queue(datagram),
    });
    const epoch = byteView(random(4)).getUint32(0) || 1;
    const frameBytes = Math.min(LONGEST_FRAME, this.#socket.datagramBytes - SEAL_BYTES);
    const { serving, flowsExpected, flowsAtMost } = start;
    this.replication = new FlowReplication(
      {
        frames: flowFrames,
        epoch,
        serving,
        frameBytes,
        flowsExpected,
        flowsAtMost,
        // A turn has collected already: what it has found leaves with it.
        batchDelay: microseconds(0),
      },
      this.#now,
    );
    this.#walk = new FlowWalk({
      dump: new ConntrackDump(),
      injector: this.injector,
      decodeFlow: (...given) => this.#flows.decode(...given),
      decodeExpectation: (...given) => this.#expectations.decode(...given),
      visit: (record) => this.replication.visit(record, 0, this.#now),
    });
    this.#readings = new FlowReadings({
      dump: new ConntrackDump(),
      decode: (...given) => this.#flows.decode(...given),
      shadows: () => this.#shadows.records(),
    });
    this.#events.listen(true);
  }

  /** Readable when there is something to do. */
  get descriptors(): readonly number[] {
    return [this.#events.fd, this.#socket.fd];
  }

  /** False when the sync device has been replaced, or takes datagrams of another length. */
  get isConnected(): boolean {
    return this.#socket.isCurrent;
  }

  /** Which flows end here changes with the addresses of the node. */
  setOwnAddresses(addresses: readonly string[]): void {
    const filter = this.#filter(addresses);
    this.#flows.filter = filter;
    this.#expectations.filter = filter;
  }

  /** The election has changed: what the kernel and the peer have said before comes before it. */
  serve(serving: Serving): void {
    const now = instant(native.monotonic());
    this.#now = now;
    this.#hearKernel(now);
    this.#inject();
    this.injector.yields = serving === 'none';
    this.replication.handle({ kind: 'serving', serving }, now);
  }

  /** Does what there is to do; true when there may be more. */
  turn(): boolean {
    const now = instant(native.monotonic());
    this.#now = now;
    const heard = this.#hearKernel(now);
    const received = this.#hearPeer(now);
    const due = this.replication.nextTimeout();
    if (due !== undefined && due <= now) this.replication.handle({ kind: 'time' }, now);
    const walked = this.#goOn(now);
    const read = this.#readOn(now);
    this.#settle();
    this.#speak(now);
    return heard || received || walked || read;
  }

  close(): void {
    this.#events.close();
    this.#query.close();
    this.#socket.close();
    this.injector.close();
  }

  /** Carries out what the replication wants, until it wants nothing more. */
  #settle(): void {
    for (let output = this.replication.poll(); output; output = this.replication.poll()) {
      if (output.kind === 'walk') this.#beginWalk(output.full);
      else if (output.kind === 'read') this.#readings.want(output.for, output.wish);
      else this.#onOutput(output);
    }
  }

  #beginWalk(full: boolean): void {
    if (!full && this.#now < this.#renewAt) {
      this.replication.handle({ kind: 'walked', complete: true }, this.#now);
      return;
    }
    this.#renewAt = after(this.#now, RENEWAL_PAUSE);
    this.#walk.start();
  }

  #hearKernel(now: Instant): boolean {
    let wasBusy = false;
    for (let batch = 0; batch < BATCHES_PER_TURN; batch++) {
      const reading = this.#events.read((view, at, length) => this.#take(view, at, length));
      wasBusy ||= this.#localLength > 0;
      this.#handIn(now);
      if (reading === 'overrun') {
        this.overruns += 1;
        this.#isOverrun = true;
      }
      if (reading === 'empty' && this.#isOverrun) {
        // The kernel drops without a further word until all is read: only now can a walk mend it.
        this.#isOverrun = false;
        this.replication.handle({ kind: 'overrun' }, now);
      }
      if (reading === 'empty' || (reading === 'few' && !this.#isOverrun)) return wasBusy;
      wasBusy = true;
    }
    return true;
  }

  #take(view: DataView, at: number, length: number): void {
    this.events += 1;
    if (this.#localLength + LONGEST_FLOW_RECORD > LOCAL_BYTES) this.#handIn(this.#now);
    const type = length >= 6 ? view.getUint16(at + 4, true) : 0;
    if (type < conntrackTypes.expectation) return this.#takeFlow(view, at, length);
    const bytes = this.#expectations.decode(view, at, length, this.#localView, this.#localLength);
    if (!this.#took(bytes) || type !== conntrackTypes.expectation) return;
    // Its master has just been written to by a helper.
    const message = new Uint8Array(view.buffer, view.byteOffset);
    const family = view.getUint8(at + FAMILY_OFFSET);
    this.#query.ask(family, message, this.#expectations.masterAt, (...flow) =>
      this.#takeFlow(...flow),
    );
  }

  #takeFlow(view: DataView, at: number, length: number): void {
    if (this.#localLength + LONGEST_FLOW_RECORD > LOCAL_BYTES) this.#handIn(this.#now);
    this.#took(this.#flows.decode(view, at, length, this.#localView, this.#localLength));
  }

  #took(bytes: number): boolean {
    if (bytes >= 0) this.#localLength += bytes;
    else this.refusals[-bytes]! += 1;
    return bytes >= 0;
  }

  #handIn(now: Instant): void {
    if (this.#localLength === 0) return;
    this.replication.local(this.#local, 0, this.#localLength, now);
    this.#localLength = 0;
  }

  #hearPeer(now: Instant): boolean {
    for (let batch = 0; batch < BATCHES_PER_TURN; batch++) {
      const count = this.#socket.receive((datagram) => this.#open(datagram, now));
      this.#inject();
      if (count === 0) return batch > 0;
    }
    return true;
  }

  #open(datagram: Uint8Array, now: Instant): void {
    const frame = this.channel.open(datagram, now);
    if (frame === undefined) return;
    const refusal = this.replication.receive(frame, now);
    if (refusal === undefined) return;
    this.refusedFrames.set(refusal, (this.refusedFrames.get(refusal) ?? 0) + 1);
  }

  #inject(): void {
    const { delivery } = this.replication;
    if (delivery.length === 0) return;
    this.#shadows.sift(delivery.bytes, delivery.length, this.#flows.filter);
    this.injector.inject(delivery.bytes, delivery.length);
    delivery.clear();
    const { lost } = this.injector;
    for (let keyHigh = lost.pop(); keyHigh !== undefined; keyHigh = lost.pop()) {
      const keyLow = lost.pop() ?? 0;
      this.replication.handle({ kind: 'lost', keyLow, keyHigh }, this.#now);
    }
  }

  #goOn(now: Instant): boolean {
    if (!this.#walk.underWay) return false;
    const until = now + WALK_SPAN;
    do {
      const step = this.#walk.step();
      if (step === 'under-way') continue;
      // An acknowledgement makes room, and wakes us.
      if (step === 'held') return false;
      // As present as they can be here.
      for (const record of this.#shadows.records()) this.replication.visit(record, 0, now);
      this.replication.handle({ kind: 'walked', complete: step === 'complete' }, now);
      return true;
    } while (native.monotonic() < until);
    return true;
  }

  /** Goes on with readings for a comparison; true when there is more. */
  #readOn(now: Instant): boolean {
    const until = now + WALK_SPAN;
    while (this.#readings.underWay && native.monotonic() < until) {
      const done = this.#readings.step();
      if (done !== undefined) this.replication.handle({ kind: 'read', ...done }, now);
    }
    return this.#readings.underWay;
  }

  #speak(now: Instant): void {
    this.channel.tend(now);
    if (this.channel.established) {
      let frame = this.replication.transmit(now);
      while (frame !== undefined) {
        this.channel.sendFrame(frame);
        frame = this.replication.transmit(now);
      }
    }
    this.#socket.flush();
  }

  #filter(ownAddresses: readonly string[]): FlowFilter {
    const { excludedNetworks, excludedProtocols } = this.#configuration;
    return new FlowFilter({ ownAddresses, excludedNetworks, excludedProtocols });
  }
}

function keySeed(bytes: Uint8Array): FlowKeySeed {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)];
}
