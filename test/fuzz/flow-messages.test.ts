/**
 * Mutated messages of the kernel through the decoders, and mutated records through the encoder.
 *
 * Nothing may throw or write beyond its room, what becomes a record must be whole, and a request
 * must name the flow of its record and no other: a removal without a tuple would empty the table.
 *
 * FUZZ_SEED=n and FUZZ_FRAMES=n search elsewhere; a failure prints seed, number and bytes.
 */
import { expect, test } from 'vitest';
import { ExpectationDecoder } from '../../firmware/wire/expectation-decoder.ts';
import {
  encodeExpectation,
  expectationRecordLength,
} from '../../firmware/wire/expectation-encoder.ts';
import { FlowDecoder } from '../../firmware/wire/flow-decoder.ts';
import {
  FlowEncoder,
  type FlowRequest,
  flowRecordLength,
  LONGEST_FLOW_REQUEST,
} from '../../firmware/wire/flow-encoder.ts';
import { FlowFilter } from '../../firmware/wire/flow-filter.ts';
import { LONGEST_FLOW_RECORD } from '../../firmware/wire/flow-record.ts';
import { Prng } from '../simulator/prng.ts';
import messages from '../wire/frames/ctnetlink-messages.json' with { type: 'json' };
import { bytes, hex } from '../wire/frames/recorded-frames.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_126);
const frames = Math.ceil(Number(process.env['FUZZ_FRAMES'] ?? 1_000_000) / 5);
const GUARD = 64;
const FILL = 0xa5;

const prng = new Prng(seed);
const originals = Object.values(messages).map(bytes);
const filter = new FlowFilter({ ownAddresses: [], excludedNetworks: [], excludedProtocols: [] });
const flows = new FlowDecoder([1, 2, 3, 4], filter);
const expectations = new ExpectationDecoder([1, 2, 3, 4], filter);
const record = new Uint8Array(LONGEST_FLOW_RECORD + GUARD);
const recordView = new DataView(record.buffer);
const request = new Uint8Array(LONGEST_FLOW_REQUEST + GUARD);
const requestView = new DataView(request.buffer);
const encoder = new FlowEncoder(requestView, { stream: 1000, quiet: 60 });
const REQUESTS: readonly FlowRequest[] = [
  ...(['create', 'create-plain', 'update', 'update-times', 'remove', 'remove-rival'] as const),
];

function mutate(original: Uint8Array, from: number): Uint8Array {
  const copy = Uint8Array.from(original);
  for (let count = prng.between(1, 4); count > 0; count -= 1) {
    const at = prng.between(from, copy.length - 1);
    const how = prng.between(0, 3);
    if (how === 0) copy[at] = (copy[at] ?? 0) ^ (1 << prng.between(0, 7));
    else if (how === 1) copy[at] = prng.between(0, 255);
    else if (how === 2) copy[at & ~3] = prng.pick([0, 1, 3, 4, 5, 8, 20, 28, 255]);
    else copy.copyWithin(at, prng.between(from, copy.length), prng.between(from, copy.length));
  }
  return prng.chance(0.1) ? copy.subarray(0, prng.between(0, copy.length)) : copy;
}

function guard(memory: Uint8Array, limit: number): void {
  for (let at = limit; at < memory.length; at += 1) {
    if (memory[at] !== FILL) throw new Error(`wrote at ${at}, beyond ${limit}`);
  }
}

/** What the request of a record names: the kernel would act on exactly this. */
function checkRequests(length: number): void {
  if (expectationRecordLength(recordView, 0, length) > 0) {
    encodeExpectation(encoder.writer, recordView, 0, 0, 1);
    guard(request, LONGEST_FLOW_REQUEST);
    return;
  }
  if (flowRecordLength(recordView, 0, length) === 0) return;
  for (const kind of REQUESTS) {
    const bytesUsed = encoder.encode(kind, recordView, 0, 0, 1);
    guard(request, LONGEST_FLOW_REQUEST);
    const first = requestView.getUint16(22, true) & 0x3fff;
    if (first !== (kind === 'remove-rival' ? 2 : 1)) throw new Error(`${kind} names ${first}`);
    if (bytesUsed !== requestView.getUint32(0, true)) throw new Error('wrong length');
  }
}

function attempt(what: string, input: Uint8Array, number: number, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw new Error(`seed ${seed}, ${what} ${number}: ${error} for ${hex(input)}`);
  }
}

test('mutated messages of the kernel', () => {
  const verdicts = new Map<number, number>();
  for (let number = 0; number < frames; number += 1) {
    // Half of them keep their header, or most would be about something else.
    const message = mutate(prng.pick(originals), prng.chance(0.5) ? 20 : 0);
    attempt('message', message, number, () => {
      const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
      record.fill(FILL, 0, 256).fill(FILL, LONGEST_FLOW_RECORD);
      const decoder = prng.chance(0.9) ? flows : expectations;
      const length = decoder.decode(view, 0, message.length, recordView, 0);
      guard(record, LONGEST_FLOW_RECORD);
      verdicts.set(Math.min(length, 0), (verdicts.get(Math.min(length, 0)) ?? 0) + 1);
      if (length < 0) return;
      const isWhole =
        flowRecordLength(recordView, 0, length) === length ||
        expectationRecordLength(recordView, 0, length) === length;
      if (!isWhole) throw new Error('a record that is not whole');
      request.fill(FILL);
      checkRequests(length);
    });
  }
  // Taken, malformed, foreign, premature, unsupported: all of it has occurred.
  for (const verdict of [0, -1, -2, -3, -5, -6]) expect([...verdicts.keys()]).toContain(verdict);
});

test('mutated records of the peer', () => {
  const records = originals.flatMap((message) => {
    const view = new DataView(message.buffer);
    const out = new Uint8Array(LONGEST_FLOW_RECORD);
    return [flows, expectations].flatMap((decoder) => {
      const length = decoder.decode(view, 0, message.length, new DataView(out.buffer), 0);
      return length < 0 ? [] : [out.slice(0, length)];
    });
  });
  let taken = 0;
  for (let number = 0; number < frames; number += 1) {
    const mutant = mutate(prng.pick(records), 0);
    attempt('record', mutant, number, () => {
      record.fill(FILL);
      record.set(mutant);
      request.fill(FILL);
      checkRequests(mutant.length);
      taken += flowRecordLength(recordView, 0, mutant.length) > 0 ? 1 : 0;
    });
  }
  expect(taken).toBeGreaterThan(frames / 20);
});
