/**
 * Random and mutated frames against the decoder, and against a node in the middle of its work.
 *
 * Nothing may throw. What the decoder takes must say the same after another round, and its records
 * must end where the frame ends. A node that is fed mutants of its peer's frames, which nobody
 * without the key could make, must go on without breaking a promise of its own.
 *
 * FUZZ_SEED=n and FUZZ_FRAMES=n search elsewhere; a failure prints seed, number and frame.
 */
import { expect, test } from 'vitest';
import {
  decodeFlowFrame,
  encodeFlowFrame,
  type FlowFrame,
} from '../../firmware/wire/flow-frame.ts';
import { established, FlowStage } from '../core/flows/flow-stage.ts';
import { Prng } from '../simulator/prng.ts';
import { hex } from '../wire/frames/recorded-frames.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_104);
const frames = Number(process.env['FUZZ_FRAMES'] ?? 1_000_000);
const decoded = Math.ceil(frames / 2);
const received = Math.ceil(frames / 10);
const octets = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0c, 0x10, 0x7f, 0x80, 0xff];

/** Frames of all kinds, as two nodes at work exchange them. */
function genuineFrames(): Uint8Array[] {
  const stage = new FlowStage(seed);
  const seen: Uint8Array[] = [];
  const carry = stage.carry.bind(stage);
  stage.carry = (from, frame) => {
    seen.push(Uint8Array.from(frame));
    carry(from, frame);
  };
  stage.faults = { loss: 0.02, repeat: 0, delay: 2_000 };
  stage.run(1_500, (turn) => {
    stage.a.change(turn % 500, established);
    if (turn % 5 === 0) stage.a.end(turn % 300);
  });
  // Copies that lapse are pulled again.
  for (const id of [...stage.b.kernel.keys()].slice(0, 200)) stage.b.end(id);
  stage.a.machine.handle({ kind: 'compare', examples: 20 }, stage.now);
  stage.run(3_000);
  const kinds = new Map<number, Uint8Array[]>();
  for (const frame of seen) {
    const list = kinds.get(frame[1] ?? 0) ?? [];
    if (list.length < 60) list.push(frame);
    kinds.set(frame[1] ?? 0, list);
  }
  expect([...kinds.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  return [...kinds.values()].flat();
}

const prng = new Prng(seed);
const genuine = genuineFrames();

function mutate(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let count = prng.between(1, 3); count > 0; count -= 1) {
    // Half of the changes hit where the decisions are made.
    const at = prng.between(0, (prng.chance(0.5) ? Math.min(32, copy.length) : copy.length) - 1);
    const how = prng.between(0, 2);
    if (how === 0) copy[at] = (copy[at] ?? 0) ^ (1 << prng.between(0, 7));
    else if (how === 1) copy[at] = prng.pick(octets);
    else copy.copyWithin(at, prng.between(0, copy.length), prng.between(0, copy.length));
  }
  if (prng.chance(0.1)) return copy.subarray(0, prng.between(0, copy.length));
  return prng.chance(0.1) ? Buffer.concat([copy, prng.bytes(prng.between(1, 9))]) : copy;
}

function fail(number: number, bytes: Uint8Array, why: unknown): never {
  throw new Error(`seed ${seed}, frame ${number}, ${hex(bytes)}: ${why}`);
}

/** Why a frame that was taken should not have been. */
function doubt(frame: FlowFrame, bytes: Uint8Array): string | undefined {
  if (frame.kind === 'heartbeat') return undefined;
  const copy = Uint8Array.from(bytes);
  const length = encodeFlowFrame(frame, copy);
  const again = decodeFlowFrame(copy.subarray(0, frame.kind === 'data' ? copy.length : length));
  if (typeof again === 'string') return `${again} in the second round`;
  if (frame.kind !== 'data') return length === bytes.length ? undefined : 'length changes';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = frame.from;
  while (at < bytes.length) at += Math.max(12, view.getUint16(at, true));
  return at === bytes.length ? undefined : 'records do not end with the frame';
}

test('the decoder', () => {
  const verdicts = new Set<string>();
  for (let number = 0; number < decoded; number += 1) {
    const bytes = prng.chance(0.05) ? prng.bytes(prng.between(0, 60)) : mutate(prng.pick(genuine));
    try {
      const frame = decodeFlowFrame(bytes);
      verdicts.add(typeof frame === 'string' ? frame : frame.kind);
      const why = typeof frame === 'string' ? undefined : doubt(frame, bytes);
      if (why !== undefined) fail(number, bytes, why);
    } catch (error) {
      fail(number, bytes, error);
    }
  }
  const refusals = ['field', 'kind', 'long', 'record', 'short', 'version'];
  const kinds = ['ack', 'answer', 'ask', 'data', 'digest', 'heartbeat', 'mark', 'pull'];
  expect([...verdicts].sort()).toEqual([...refusals, ...kinds].sort());
});

test('a node at work', () => {
  const stage = new FlowStage(seed + 1);
  const stock: { readonly to: 'a' | 'b'; readonly bytes: Uint8Array }[] = [];
  const carry = stage.carry.bind(stage);
  stage.carry = (from, frame) => {
    stock.push({ to: from === stage.a ? 'b' : 'a', bytes: Uint8Array.from(frame) });
    if (stock.length > 200) stock.shift();
    carry(from, frame);
  };
  stage.judgeOlder = () => undefined;
  for (let number = 0; number < received; ) {
    stage.a.change(prng.between(0, 200));
    if (prng.chance(0.3)) stage.a.end(prng.between(0, 200));
    stage.run(1);
    for (let count = 0; count < 40 && stock.length > 0; count += 1) {
      const { to, bytes } = prng.pick(stock);
      const mutant = mutate(bytes);
      number += 1;
      try {
        stage[to].machine.receive(mutant, stage.now);
        // What forged records do to the model of a kernel is no matter here.
        stage[to].machine.delivery.clear();
      } catch (error) {
        fail(number, mutant, error);
      }
    }
  }
});
