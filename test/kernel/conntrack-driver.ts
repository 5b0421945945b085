/**
 * A process of its own that reads and changes the connection table of the network namespace it runs
 * in. Records go in and out as hexadecimal text.
 */
import { ConntrackDump } from '../../firmware/kernel/conntrack-dump.ts';
import { ConntrackEvents } from '../../firmware/kernel/conntrack-events.ts';
import { ConntrackInjector } from '../../firmware/kernel/conntrack-injector.ts';
import { native } from '../../firmware/kernel/native-socket.ts';
import { FlowDecoder } from '../../firmware/wire/flow-decoder.ts';
import { FlowFilter } from '../../firmware/wire/flow-filter.ts';
import { LONGEST_FLOW_RECORD } from '../../firmware/wire/flow-record.ts';
import { serveCalls } from './json-lines.ts';

const LEAST = { stream: 432_000, quiet: 60 };
const PATIENCE_NS = 5e9;

const injector = new ConntrackInjector(LEAST);
const events = new ConntrackEvents(injector.port);
const everything = { ownAddresses: [], excludedNetworks: [], excludedProtocols: [] };
const decoder = new FlowDecoder([1, 2, 3, 4], new FlowFilter(everything));
const record = new Uint8Array(LONGEST_FLOW_RECORD);

/** The record as text, or the number of the refusal. */
function decoded(view: DataView, at: number, length: number): string | number {
  const bytes = decoder.decode(view, at, length, new DataView(record.buffer), 0);
  return bytes < 0 ? bytes : Buffer.from(record.subarray(0, bytes)).toString('hex');
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

serveCalls({
  listen: (listens) => events.listen(listens),
  /** What has been told until now, after waiting for something. */
  events() {
    const found: (string | number)[] = [];
    native.poll(Int32Array.of(events.fd), new Int32Array(1), 1, PATIENCE_NS);
    let reading = events.read((...message) => found.push(decoded(...message)));
    let wasOverrun = false;
    while (reading !== 'empty') {
      wasOverrun ||= reading === 'overrun';
      reading = events.read((...message) => found.push(decoded(...message)));
    }
    return { found, wasOverrun };
  },
  /** The messages themselves, as they came. */
  messages() {
    const found: string[] = [];
    native.poll(Int32Array.of(events.fd), new Int32Array(1), 1, PATIENCE_NS);
    const take = (view: DataView, at: number, length: number): void => {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length);
      found.push(Buffer.from(bytes).toString('hex'));
    };
    while (events.read(take) !== 'empty');
    return found;
  },
  /** Without waiting. */
  quiet() {
    let count = 0;
    events.read(() => {
      count += 1;
    });
    return count;
  },
  dump() {
    const found: (string | number)[] = [];
    const dump = new ConntrackDump();
    dump.start('flow');
    let step = 'more';
    while (step === 'more') {
      step = dump.step((...message) => found.push(decoded(...message)) > 0);
    }
    return { found, step };
  },
  /** Has no room for each message at its first sight. */
  hesitantDump() {
    const found: (string | number)[] = [];
    const dump = new ConntrackDump();
    dump.start('flow');
    let hasRoom = true;
    let step = 'more';
    while (step === 'more' || step === 'held') {
      step = dump.step((...message) => {
        hasRoom = !hasRoom;
        if (hasRoom) found.push(decoded(...message));
        return hasRoom;
      });
    }
    return { found, step };
  },
  inject(hex) {
    const bytes = bytesOf(hex);
    injector.inject(bytes, bytes.length);
    return { ...injector.counts, refusals: [...injector.refusals] };
  },
  renew(hex) {
    injector.renew(new DataView(bytesOf(hex).buffer), 0);
    return injector.counts;
  },
  remove(hex) {
    injector.remove(new DataView(bytesOf(hex).buffer), 0);
    return injector.counts;
  },
});
