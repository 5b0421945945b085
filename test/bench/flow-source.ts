/**
 * Makes connections in the kernel of the namespace it runs in, at a pace, and removes them: for
 * whoever listens they are as real as those of packets. Calls come as JSON lines.
 */
import { readdirSync, readFileSync } from 'node:fs';
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

/** The longest outage after which flows that should have ended meanwhile are ended. */
const CATCH_UP_S = 10;
const STEP_US = 5_000;
const LOOK_US = 100_000;
const NET = '/sys/class/net';
const IFF_UP = 1;

/**
 * For ever, `rate` flows a second that live for `lifeSeconds`, while an interface whose name begins
 * with `prefix` is up. The clock numbers the flows: whoever goes on elsewhere on this machine, with
 * the same `begun`, ends what was begun here.
 */
function churn(prefix: string, rate: number, lifeSeconds: number, begun: number): void {
  const numberAt = (instant: number): number => Math.floor(((instant - begun) * rate) / 1e6);
  const none = new Int32Array(1);
  const life = lifeSeconds * rate;
  let [made, ended, isUp, lookAt] = [0, 0, false, 0];
  for (;;) {
    const now = native.monotonic();
    const number = numberAt(now);
    if (now >= lookAt || isUp) {
      lookAt = now + LOOK_US;
      const wasUp = isUp;
      isUp = isServing(prefix);
      if (isUp && !wasUp) {
        made = number;
        ended = Math.max(ended, number - life - CATCH_UP_S * rate, 0);
      }
    }
    if (isUp) {
      made = batch(flowOperations.upsert, made, number);
      ended = batch(flowOperations.destroy, ended, number - life);
    }
    native.poll(none, none, 0, STEP_US * 1000);
  }
}

/** Of the flows from `first` up to `until`, not including. */
function batch(operation: number, first: number, until: number): number {
  for (let at = first; at < until; ) {
    const count = Math.min(STEP, until - at);
    for (let i = 0; i < count; i++) write(i * RECORD_BYTES, at + i, operation);
    injector.inject(memory, count * RECORD_BYTES);
    at += count;
  }
  return Math.max(first, until);
}

function isServing(prefix: string): boolean {
  try {
    const device = readdirSync(NET).find((name) => name.startsWith(prefix));
    if (device === undefined) return false;
    return (Number(readFileSync(`${NET}/${device}/flags`, 'latin1')) & IFF_UP) !== 0;
  } catch {
    return false; // taken away meanwhile
  }
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
  churn,
  collect,
  handedAt: () => [...handedAt],
});
