/**
 * What the replication itself costs per record, without kernel, cipher and sockets: two machines
 * that hand each other their frames within one process. Prints nanoseconds per record on each side,
 * bytes per flow, and what a flow of a bulk copy costs.
 *
 *     node_modules/.bin/node test/bench/flow-core.ts [flows] [rounds]
 */
import { FlowReplication } from '../../firmware/core/flows/flow-replication.ts';
import { instant } from '../../firmware/core/time.ts';
import { flowFrames } from '../../firmware/wire/flow-frame.ts';

/** Records per turn: a drain timer of 1 ms at 300,000 records a second. */
const PORTION = 300;
/** TCP without NAT (wire/flow-record.ts). */
const RECORD_BYTES = 36;
const TURN_US = 1_000;
const NOTHING = new Uint8Array(0);

interface Costs {
  readonly flows: number;
  readonly records: number;
  /** Nanoseconds per record: events to frames, acknowledgements included. */
  readonly send: number;
  /** Frames to records for the kernel, acknowledgements included. */
  readonly receive: number;
  readonly bytesPerFlow: number;
  readonly frames: number;
  readonly inPlace: number;
}

/** Keys as spread as the keyed hash makes them. */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function write(view: DataView, at: number, operation: number, flow: number, flags: number): void {
  view.setUint16(at, RECORD_BYTES, true);
  view.setUint8(at + 2, operation);
  view.setUint8(at + 3, flags);
  view.setUint32(at + 4, mix(flow), true);
  view.setUint32(at + 8, mix(flow ^ 0x5bd1_e995), true);
}

class Pair {
  now = instant(1_000_000);
  sendMs = 0;
  receiveMs = 0;
  frames = 0;
  readonly sender: FlowReplication;
  readonly receiver: FlowReplication;

  /** What the kernel of the sender has: flows 0 up to this. */
  readonly #kernel: number;
  /** The next flow of the walk under way. */
  #walk: number | undefined;
  readonly #record = new Uint8Array(RECORD_BYTES);

  constructor(flows: number, kernel = 0) {
    this.#kernel = kernel;
    const start = { frames: flowFrames, flowsExpected: flows } as const;
    this.sender = new FlowReplication({ ...start, epoch: 1, serving: 'all' }, this.now);
    this.receiver = new FlowReplication({ ...start, epoch: 2, serving: 'none' }, this.now);
    for (let turn = 0; turn < 50 || this.#walk !== undefined; turn += 1) this.turn(NOTHING);
  }

  /** One turn of both: `events` go in here, and everything in flight comes out there. */
  turn(events: Uint8Array): void {
    this.now = instant(this.now + TURN_US);
    const begun = performance.now();
    this.sender.local(events, 0, events.length, this.now);
    this.#goOn();
    const sent = this.#collect(this.sender);
    const carried = performance.now();
    for (const frame of sent) {
      this.receiver.receive(frame, this.now);
      if (this.receiver.delivery.length > 200_000) this.receiver.delivery.clear();
    }
    this.receiver.delivery.clear();
    const answers = this.#collect(this.receiver);
    const answered = performance.now();
    for (const answer of answers) this.sender.receive(answer, this.now);
    this.sendMs += carried - begun + performance.now() - answered;
    this.receiveMs += answered - carried;
    this.frames += sent.length;
  }

  #collect(machine: FlowReplication): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let frame = machine.transmit(this.now); frame; frame = machine.transmit(this.now)) {
      frames.push(Uint8Array.from(frame));
    }
    for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
      if (output.kind !== 'walk') continue;
      // The receiver's kernel is taken to have what it was told: there is nothing to be shown.
      if (machine === this.sender && this.#kernel > 0) this.#walk = 0;
      else machine.handle({ kind: 'walked', complete: !output.full || this.#isNew }, this.now);
    }
    return frames;
  }

  /** Before anything was told, a walk that shows nothing is the truth. */
  get #isNew(): boolean {
    return this.receiver.status(this.now).copies === 0;
  }

  /** Shows the kernel's table, as far as there is room. */
  #goOn(): void {
    if (this.#walk === undefined) return;
    const view = new DataView(this.#record.buffer);
    for (; this.#walk < this.#kernel; this.#walk += 1) {
      write(view, 0, 1, this.#walk, 2);
      if (this.sender.visit(this.#record, 0, this.now) === 3) return;
    }
    this.#walk = undefined;
    this.sender.handle({ kind: 'walked', complete: true }, this.now);
  }
}

/**
 * Fills a table with `flows` flows, then lets `rounds` times PORTION of them be born, established
 * and ended: three records each, the table as full as before.
 */
export function measureFlowCore(flows: number, rounds: number): Costs {
  const pair = new Pair(flows);
  const bytes = new Uint8Array(3 * PORTION * RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  for (let flow = 0; flow < flows; flow += PORTION) {
    for (let index = 0; index < PORTION; index += 1) {
      write(view, index * RECORD_BYTES, 1, flow + index, 3);
    }
    pair.turn(bytes.subarray(0, PORTION * RECORD_BYTES));
  }
  const filled = pair.sender.status(pair.now);
  pair.sendMs = 0;
  pair.receiveMs = 0;
  pair.frames = 0;
  for (let round = 0; round < rounds; round += 1) {
    const first = flows + round * PORTION;
    for (let index = 0; index < PORTION; index += 1) {
      const at = 3 * index * RECORD_BYTES;
      write(view, at, 1, first + index, 1);
      write(view, at + RECORD_BYTES, 1, first + index, 2);
      write(view, at + 2 * RECORD_BYTES, 2, first + index - flows, 2);
    }
    pair.turn(bytes);
  }
  const records = 3 * PORTION * rounds;
  const after = pair.sender.status(pair.now);
  return {
    flows: after.own,
    records,
    send: (pair.sendMs * 1e6) / records,
    receive: (pair.receiveMs * 1e6) / records,
    bytesPerFlow: filled.tableBytes / Math.max(1, filled.own),
    frames: pair.frames,
    inPlace: pair.receiver.status(pair.now).copies,
  };
}

/**
 * A table of `flows` flows told to a peer that has none, as fast as the window lets it: nanoseconds
 * per flow on each side, and how many the peer has in the end.
 */
export function measureFlowBulk(flows: number): { send: number; receive: number; there: number } {
  const pair = new Pair(flows, flows);
  pair.sendMs = 0;
  pair.receiveMs = 0;
  pair.sender.handle({ kind: 'resync' }, pair.now);
  for (let turn = 0; turn < 5_000 + flows / 100; turn += 1) {
    pair.turn(NOTHING);
    if (turn > 2_500 && pair.sender.status(pair.now).caughtUp) break;
  }
  const there = pair.receiver.status(pair.now).copies;
  return { send: (pair.sendMs * 1e6) / flows, receive: (pair.receiveMs * 1e6) / flows, there };
}

if (import.meta.main) {
  const [flows = 100_000, rounds = 2_000] = process.argv.slice(2).map(Number);
  const costs = measureFlowCore(flows, rounds);
  console.log(`${costs.flows} flows here, ${costs.inPlace} copies there, ${costs.records} records`);
  console.log(`send    ${costs.send.toFixed(0)} ns per record`);
  console.log(`receive ${costs.receive.toFixed(0)} ns per record`);
  console.log(`table   ${costs.bytesPerFlow.toFixed(1)} bytes per flow`);
  console.log(`${(costs.records / costs.frames).toFixed(1)} records per frame`);
  const bulk = measureFlowBulk(flows);
  console.log(
    `bulk    ${bulk.send.toFixed(0)} + ${bulk.receive.toFixed(0)} ns per flow, ${bulk.there}`,
  );
}
