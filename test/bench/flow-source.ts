/**
 * Makes connections in the kernel of the namespace it runs in, at a pace, and removes them: for
 * whoever listens they are as real as those of packets. Calls come as JSON lines.
 */
import { ConntrackEvents } from '../../firmware/kernel/conntrack-events.ts';
import { ConntrackInjector } from '../../firmware/kernel/conntrack-injector.ts';
import { native } from '../../firmware/kernel/native-socket.ts';
import {
  bodies,
  flowFlags,
  flowHeader,
  flowOperations,
  shapes,
} from '../../firmware/wire/flow-record.ts';
import { serveCalls } from '../kernel/json-lines.ts';

const RECORD_BYTES = 36;
/** Records handed to the kernel at once, so that a pace is kept in steps of a millisecond or so. */
const STEP = 64;
const TIMEOUT_S = 3600;
const TCP = 6;
/** Established; scales of 10; liberal both ways. */
const TCP_STATE = 0x0b0b_aa03;
/** Seen both ways, assured, confirmed. */
const STATUS = 0x0e;

const injector = new ConntrackInjector({ stream: TIMEOUT_S, quiet: TIMEOUT_S });
const memory = new Uint8Array(STEP * RECORD_BYTES);
const view = new DataView(memory.buffer);

/** TCP from 10.x.y.z to 10.128.0.1, told apart by address and port. */
function write(at: number, number: number, operation: number): void {
  view.setUint16(at + flowHeader.length, RECORD_BYTES, true);
  view.setUint8(at + flowHeader.operation, operation);
  view.setUint8(at + flowHeader.flags, flowFlags.established | flowFlags.fresh);
  view.setUint32(at + flowHeader.keyLow, number, true);
  view.setUint32(at + flowHeader.keyHigh, number, true);
  view.setUint32(at + bodies.timeout, TIMEOUT_S, true);
  view.setUint8(at + bodies.protocol, TCP);
  view.setUint8(at + bodies.shape, shapes.tcp);
  view.setUint16(at + bodies.status, STATUS, true);
  view.setUint32(at + bodies.tuple, 0x0a00_0002 + Math.floor(number / 16_384));
  view.setUint32(at + bodies.tuple + 4, 0x0a80_0001);
  view.setUint16(at + bodies.tuple + 8, 1024 + (number % 16_384));
  view.setUint16(at + bodies.tuple + 10, 443);
  view.setInt32(at + bodies.tuple + 12, TCP_STATE, true);
}

/** When each flow of the last `create` was handed to the kernel, microseconds; by number. */
let handedAt = new Float64Array(0);

/** `rate`: flows a second, 0 for as fast as the kernel takes them. Returns seconds it took. */
function act(operation: number, first: number, count: number, rate: number): number {
  const begun = native.monotonic();
  const none = new Int32Array(1);
  for (let done = 0; done < count; done += STEP) {
    const step = Math.min(STEP, count - done);
    for (let i = 0; i < step; i++) write(i * RECORD_BYTES, first + done + i, operation);
    handedAt.fill(native.monotonic(), done, done + step);
    injector.inject(memory, step * RECORD_BYTES);
    const due = rate === 0 ? 0 : begun + ((done + step) / rate) * 1e6;
    const left = due - native.monotonic();
    if (left > 0) native.poll(none, none, 0, left * 1000);
  }
  return (native.monotonic() - begun) / 1e6;
}

/** When the kernel told of each flow, for those from `first` on; 0 for what never came. */
function collect(first: number, count: number, longestSeconds: number): number[] {
  const events = new ConntrackEvents(0);
  events.listen(true);
  process.stderr.write('collecting\n');
  const told = new Float64Array(count);
  let missing = count;
  const fds = Int32Array.of(events.fd);
  const found = new Int32Array(1);
  const until = native.monotonic() + longestSeconds * 1e6;
  while (missing > 0 && native.monotonic() < until) {
    native.poll(fds, found, 1, 1e8);
    const now = native.monotonic();
    events.read((bytes, at) => {
      const number = numberOf(bytes, at) - first;
      if (number < 0 || number >= count || told[number] !== 0) return;
      told[number] = now;
      missing -= 1;
    });
  }
  events.close();
  return [...told];
}

/** The tuple of a flow of ours comes first: addresses, then protocol and ports. */
function numberOf(bytes: DataView, at: number): number {
  const source = bytes.getUint32(at + 32) - 0x0a00_0002;
  const port = bytes.getUint16(at + 60) - 1024;
  return source * 16_384 + port;
}

serveCalls({
  create(first, count, rate) {
    handedAt = new Float64Array(count);
    return act(flowOperations.upsert, first, count, rate);
  },
  remove: (first, count, rate) => act(flowOperations.destroy, first, count, rate),
  collect,
  handedAt: () => [...handedAt],
});
