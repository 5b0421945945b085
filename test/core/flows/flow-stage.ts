/**
 * Two nodes that replicate flows over a bad cable, each with the plainest model of a kernel: a map.
 *
 * Every state a flow was ever in has a number, counted for both nodes together, and every record
 * carries it. So it can be seen at any moment whether an older state has replaced a newer one, and
 * in the end whether both kernels have the same.
 */
import { FlowReplication } from '../../../firmware/core/flows/flow-replication.ts';
import type { ReplicationOutput } from '../../../firmware/core/flows/replication-io.ts';
import { type Instant, instant } from '../../../firmware/core/time.ts';
import { type FlowServing, flowFrames } from '../../../firmware/wire/flow-frame.ts';
import { FlowReading } from '../../../firmware/wire/flow-reading.ts';
import { Prng } from '../../simulator/prng.ts';

/** One turn of a node: what the drain timer of a real one is set to. */
export const TICK = 1_000;
const BODY_BYTES = 8;
const NO_MESSAGE = new Uint8Array(0);

export const fresh = 1;
export const established = 2;
export const closing = 4;
export const singular = 8;

export interface FlowState {
  /** Grows with every change of any flow on any node. */
  readonly version: number;
  readonly flags: number;
}

export interface CableFaults {
  /** Chances per datagram. */
  readonly loss: number;
  readonly repeat: number;
  /** Longest delay, microseconds; each datagram has its own, so they overtake each other. */
  readonly delay: number;
}

export const SOUND: CableFaults = { loss: 0, repeat: 0, delay: 300 };

/** The key of a flow, by its small number. */
export function keyOf(id: number): readonly [number, number] {
  const low = Math.imul(id + 1, 0x9e37_79b1) ^ ((id * 7_919) >>> 3);
  const high = Math.imul(id ^ 0x5bd1_e995, 0x85eb_ca6b);
  return [low >>> 0, (high ^ (high >>> 13)) >>> 0];
}

/** A record: head, then the flow's small number and its version. */
export function writeRecord(
  bytes: Uint8Array,
  at: number,
  operation: number,
  id: number,
  { version, flags }: FlowState,
  padding = 0,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = 12 + BODY_BYTES + 4 * padding;
  const [low, high] = keyOf(id);
  view.setUint16(at, length, true);
  view.setUint8(at + 2, operation);
  view.setUint8(at + 3, flags);
  view.setUint32(at + 4, low, true);
  view.setUint32(at + 8, high, true);
  view.setUint32(at + 12, id, true);
  view.setUint32(at + 16, version, true);
  return at + length;
}

/** Dumps are read in pieces, and each piece is a turn old when it is shown. */
const WALK_PIECE = 64;

export class FlowNode {
  readonly kernel = new Map<number, FlowState>();
  readonly outputs: ReplicationOutput[] = [];
  readonly wrongs: string[] = [];
  machine: FlowReplication;
  serving: FlowServing;
  isRunning = true;
  /** How many frames it has refused, by reason. */
  readonly refusals = new Map<string, number>();
  /** Ids that were shown to be renewed in the last walk. */
  readonly renewed = new Set<number>();
  /** Flows whose packets this node has seen while it served. */
  readonly live = new Set<number>();
  /** Copies that lapsed in this kernel by themselves. */
  readonly lapsed = new Set<number>();
  /** False: nothing is taken out of the delivery, as if the kernel were busy. */
  injects = true;
  /** False: whoever wants a reading waits for it in vain. */
  readsTables = true;
  /** Walks end as failed. */
  walksFail = false;
  readonly #stage: FlowStage;
  readonly #options: Partial<StageOptions>;
  readonly #events = new Uint8Array(256 * 1024);
  #eventBytes = 0;
  #isCongested = false;
  #walk: number[] | undefined;
  #piece: { readonly bytes: Uint8Array; at: number } | undefined;

  constructor(stage: FlowStage, serving: FlowServing, options: Partial<StageOptions>) {
    this.#stage = stage;
    this.#options = options;
    this.serving = serving;
    this.machine = this.#start();
  }

  /** The process dies and comes back; the kernel keeps its table. */
  restart(): void {
    this.isRunning = true;
    this.#isCongested = false;
    this.#eventBytes = 0;
    this.#walk = undefined;
    this.#piece = undefined;
    this.machine = this.#start();
  }

  /** The whole box loses power and comes back. */
  reboot(): void {
    this.kernel.clear();
    this.live.clear();
    this.lapsed.clear();
    this.serving = 'none';
    this.restart();
  }

  serve(serving: FlowServing): void {
    this.serving = serving;
    // A kernel that takes nothing has nothing to serve with.
    this.injects = true;
    if (this.isRunning) this.#inject();
    if (serving === 'none') this.live.clear();
    if (this.isRunning) this.machine.handle({ kind: 'serving', serving }, this.#stage.now);
  }

  /** The kernel sees a packet that begins or changes a flow. */
  change(id: number, flags = established): void {
    const isNew = !this.kernel.has(id);
    const state = { version: this.#stage.count(id), flags: flags & ~(fresh | singular) };
    this.kernel.set(id, state);
    if (this.serving !== 'none') this.live.add(id);
    this.#tell(1, id, { ...state, flags: flags | (isNew ? fresh : 0) });
  }

  /** The kernel ends a flow: closed, or its timer has lapsed. */
  end(id: number): void {
    const state = this.kernel.get(id);
    if (state === undefined) return;
    this.kernel.delete(id);
    this.live.delete(id);
    if (this.serving === 'none') this.lapsed.add(id);
    this.#tell(2, id, { ...state, version: this.#stage.count(id) });
  }

  /** The socket overran: what the kernel said is lost, and what it says until all is read. */
  overrun(): void {
    this.#eventBytes = 0;
    this.#isCongested = true;
  }

  /** It has nothing to do within a tick. */
  get isQuiet(): boolean {
    if (!this.isRunning) return true;
    if (this.#eventBytes > 0 || this.#isCongested || this.#walk !== undefined) return false;
    return (this.machine.nextTimeout() ?? Infinity) > this.#stage.now + TICK;
  }

  /** One turn: events, timers, walk, frames. */
  turn(now: Instant): void {
    if (!this.isRunning) return;
    this.#tellEvents(now);
    this.machine.handle({ kind: 'time' }, now);
    this.#drain();
    this.#goOn(now);
    this.#inject();
    for (let sent = 0; ; sent += 1) {
      const frame = this.machine.transmit(now);
      if (frame === undefined) break;
      if (sent > 5_000) throw new Error('transmit has no end');
      this.#stage.carry(this, frame);
    }
    this.#drain();
  }

  hear(bytes: Uint8Array, now: Instant): void {
    if (!this.isRunning) return;
    // What the kernel saw first is told first.
    this.#tellEvents(now);
    const refusal = this.machine.receive(bytes, now);
    if (refusal !== undefined) this.refusals.set(refusal, (this.refusals.get(refusal) ?? 0) + 1);
    this.#inject();
  }

  #start(): FlowReplication {
    const { epoch, now } = this.#stage;
    return new FlowReplication(
      { frames: flowFrames, epoch: epoch(), serving: this.serving, ...this.#options },
      now,
    );
  }

  #tell(operation: number, id: number, state: FlowState): void {
    if (!this.isRunning || this.#isCongested) return;
    if (this.#eventBytes + 200 > this.#events.length) this.overrun();
    const padding = this.#stage.padding(id);
    this.#eventBytes = writeRecord(this.#events, this.#eventBytes, operation, id, state, padding);
  }

  #tellEvents(now: Instant): void {
    this.machine.local(this.#events, 0, this.#eventBytes, now);
    this.#eventBytes = 0;
    if (!this.#isCongested) return;
    this.#isCongested = false;
    this.machine.handle({ kind: 'overrun' }, now);
  }

  #drain(): void {
    for (let output = this.machine.poll(); output !== undefined; output = this.machine.poll()) {
      this.outputs.push(output);
      if (output.kind === 'read') this.#giveReading(output);
      if (output.kind !== 'walk') continue;
      if (this.#walk !== undefined) this.wrongs.push('a walk was asked for during a walk');
      this.#walk = [...this.kernel.keys()];
      this.renewed.clear();
    }
  }

  /** The kernel's table, as the other node's machine or this one's wants it. */
  #giveReading({ for: whose, wish }: ReplicationOutput & { kind: 'read' }): void {
    if (!this.readsTables) return;
    const reading = new FlowReading(wish.keys);
    const record = new Uint8Array(200);
    for (const [id, state] of this.kernel) {
      writeRecord(record, 0, 1, id, state);
      reading.take(new DataView(record.buffer), NO_MESSAGE);
    }
    const { bytes } = reading;
    this.machine.handle({ kind: 'read', for: whose, id: wish.id, bytes }, this.#stage.now);
  }

  #inject(): void {
    if (!this.injects) return;
    const { delivery } = this.machine;
    const view = new DataView(delivery.bytes.buffer);
    let records = 0;
    for (let at = 0; at < delivery.length; records += 1) {
      this.#put(view.getUint8(at + 2), view.getUint32(at + 12, true), {
        version: view.getUint32(at + 16, true),
        flags: view.getUint8(at + 3),
      });
      at += view.getUint16(at, true);
    }
    if (records !== delivery.count) this.wrongs.push(`${delivery.count} records are ${records}`);
    delivery.clear();
  }

  #put(operation: number, id: number, state: FlowState): void {
    const before = this.kernel.get(id);
    if (before !== undefined && before.version > state.version) {
      this.#stage.judgeOlder(this, id, operation, before, state);
    }
    if (operation === 1) {
      this.kernel.set(id, { version: state.version, flags: state.flags & ~(fresh | singular) });
      this.lapsed.delete(id);
    } else if (operation === 2) this.#delete(id, 'a record');
    else this.wrongs.push(`operation ${operation} was delivered`);
  }

  #delete(id: number, by: string): void {
    if (this.live.has(id) && this.kernel.has(id)) this.wrongs.push(`${by} ended live flow ${id}`);
    this.kernel.delete(id);
  }

  /** Shows the piece read in the last turn, and reads the next one. */
  #goOn(now: Instant): void {
    if (this.#walk === undefined) return;
    const piece = this.#piece;
    if (piece !== undefined && !this.#show(piece, now)) return;
    this.#piece = this.#read(this.#walk);
    if (this.#piece !== undefined) return;
    this.#walk = undefined;
    this.machine.handle({ kind: 'walked', complete: !this.walksFail }, now);
    this.#drain();
  }

  #read(ids: number[]): { bytes: Uint8Array; at: number } | undefined {
    if (ids.length === 0) return undefined;
    const bytes = new Uint8Array(WALK_PIECE * 200);
    let end = 0;
    for (const id of ids.splice(0, WALK_PIECE)) {
      const state = this.kernel.get(id);
      if (state !== undefined) end = writeRecord(bytes, end, 1, id, state, this.#stage.padding(id));
    }
    return { bytes: bytes.subarray(0, end), at: 0 };
  }

  #show(piece: { readonly bytes: Uint8Array; at: number }, now: Instant): boolean {
    const view = new DataView(piece.bytes.buffer, piece.bytes.byteOffset, piece.bytes.byteLength);
    while (piece.at < piece.bytes.length) {
      const id = view.getUint32(piece.at + 12, true);
      const verdict = this.machine.visit(piece.bytes, piece.at, now);
      if (verdict === 3) return false;
      if (verdict === 2) this.#delete(id, 'a walk');
      if (verdict === 1) this.renewed.add(id);
      piece.at += view.getUint16(piece.at, true);
    }
    return true;
  }
}

interface Datagram {
  readonly at: number;
  readonly order: number;
  readonly to: FlowNode;
  readonly bytes: Uint8Array;
}

export interface StageOptions {
  readonly frameBytes: number;
  readonly flowsAtMost: number;
  readonly backlogBytes: number;
  readonly firstNumber: number;
}

export class FlowStage {
  readonly prng: Prng;
  readonly a: FlowNode;
  readonly b: FlowNode;
  faults: CableFaults = SOUND;
  /** False: the cable is out. */
  isJoined = true;
  /** Directions that are cut, by the node that sends. */
  readonly mute = new Set<FlowNode>();
  carried = 0;
  /** Called for an older state that replaces a newer one; by default that is wrong. */
  judgeOlder: (
    node: FlowNode,
    id: number,
    operation: number,
    before: FlowState,
    state: FlowState,
  ) => void = (node, id, operation, before, state) => {
    node.wrongs.push(`flow ${id}: ${operation} of ${state.version} after ${before.version}`);
  };
  #now = 1_000_000;
  #versions = 0;
  #order = 0;
  #underWay: Datagram[] = [];

  constructor(seed: number, options: Partial<StageOptions> = {}, serving: FlowServing = 'all') {
    this.prng = new Prng(seed);
    this.a = new FlowNode(this, serving, options);
    this.b = new FlowNode(this, 'none', options);
  }

  get now(): Instant {
    return instant(this.#now);
  }

  get nodes(): readonly FlowNode[] {
    return [this.a, this.b];
  }

  readonly epoch = (): number => this.prng.between(1, 0xffff_ffff);

  count(_id: number): number {
    this.#versions += 1;
    return this.#versions;
  }

  /** Records are of different lengths, always the same for one flow. */
  padding(id: number): number {
    return 1 + (id % 11);
  }

  carry(from: FlowNode, frame: Uint8Array): void {
    this.carried += 1;
    if (!this.isJoined || this.mute.has(from) || this.prng.chance(this.faults.loss)) return;
    const to = from === this.a ? this.b : this.a;
    const copies = this.prng.chance(this.faults.repeat) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      this.#order += 1;
      const at = this.#now + this.prng.between(50, this.faults.delay);
      this.#underWay.push({ at, order: this.#order, to, bytes: Uint8Array.from(frame) });
    }
  }

  /** `each` is called before every turn. */
  run(milliseconds: number, each?: (turn: number) => void): void {
    for (let turn = 0; turn < milliseconds; turn += 1) {
      each?.(turn);
      this.step(TICK);
    }
  }

  /** So many microseconds pass; what was under way arrives, and both nodes take a turn. */
  step(span: number): void {
    this.#now += span;
    if (this.#underWay.length > 0) this.#deliver();
    for (const node of this.nodes) node.turn(this.now);
  }

  /** Nothing happens within a tick. */
  get isQuiet(): boolean {
    return this.#underWay.length === 0 && this.nodes.every((node) => node.isQuiet);
  }

  #deliver(): void {
    const due = this.#underWay.filter(({ at }) => at <= this.#now);
    this.#underWay = this.#underWay.filter(({ at }) => at > this.#now);
    due.sort((x, y) => x.at - y.at || x.order - y.order);
    for (const { to, bytes, at } of due) to.hear(bytes, instant(at));
  }

  /** What is wrong at this moment, in words. */
  get wrongs(): readonly string[] {
    return this.nodes.flatMap((node, index) =>
      node.wrongs.map((text) => `${'ab'[index]}: ${text}`),
    );
  }
}

/** What the kernels of both nodes have, written so that a difference is easy to read. */
export function kernelText(node: FlowNode): string[] {
  return [...node.kernel]
    .sort(([one], [other]) => one - other)
    .map(([id, { version, flags }]) => `${id}: ${version} ${flags}`);
}
