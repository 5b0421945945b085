/** A comparison of both kernels' tables: what it finds, and how it ends when it cannot be made. */
import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../../firmware/core/flows/table-comparison.ts';
import { readingLines } from '../../../firmware/wire/flow-reading.ts';
import { established, FlowStage, keyOf as keyWordsOf } from './flow-stage.ts';

function metStage(flows: number): FlowStage {
  const stage = new FlowStage(1);
  for (let id = 0; id < flows; id += 1) stage.a.change(id);
  stage.run(1_500);
  return stage;
}

/** Neither node hears of it: somebody has reached into its kernel. */
function lose(node: FlowStage['a'], ...ids: number[]): void {
  for (const id of ids) node.kernel.delete(id);
}

function keyOf(id: number): bigint {
  const [low, high] = keyWordsOf(id);
  return (BigInt(high) << 32n) | BigInt((low & ~1) >>> 0);
}

/** Of node a, begun now. */
function compare(stage: FlowStage, examples = 3, patienceMs = 5_000): Comparison | string {
  stage.a.machine.handle({ kind: 'compare', examples }, stage.now);
  for (let waited = 0; waited < patienceMs; waited += 10) {
    stage.run(10);
    const told = stage.a.outputs.findLast(({ kind }) => kind === 'compared');
    if (told?.kind === 'compared')
      return told.outcome.ok ? told.outcome.comparison : told.outcome.why;
  }
  return 'no outcome';
}

const NONE = { established: 0, other: 0, keys: [] };

describe('a comparison', () => {
  it('finds two equal tables equal', () => {
    const found = compare(metStage(3_000));
    const equal = { here: 3_000, atPeer: 3_000, missing: NONE, surplus: NONE, changed: NONE };
    expect(found).toMatchObject(equal);
  });

  it('names what is missing, surplus and in another state, established ones first', () => {
    const stage = metStage(500);
    stage.a.change(1_000, 0);
    stage.run(100);
    lose(stage.b, 1_000, 7, 8);
    lose(stage.a, 20);
    stage.b.kernel.set(30, { version: 1, flags: 0 });
    const found = compare(stage);
    if (typeof found === 'string') throw new Error(found);
    const { missing, surplus, changed } = found;
    expect([missing.established, missing.other]).toEqual([2, 1]);
    expect(new Set(missing.keys.slice(0, 2))).toEqual(new Set([keyOf(7), keyOf(8)]));
    expect(missing.keys.at(2)).toBe(keyOf(1_000));
    expect(surplus).toEqual({ established: 1, other: 0, keys: [keyOf(20)] });
    expect(changed).toEqual({ established: 1, other: 0, keys: [keyOf(30)] });
    const named = [7, 8, 1_000, 30].map(keyOf);
    expect(new Set(readingLines(found.lines).keys())).toEqual(new Set(named));
    expect(new Set(readingLines(found.peerLines).keys())).toEqual(new Set([20, 30].map(keyOf)));
  });

  it('counts all and names as many as are wanted', () => {
    const stage = metStage(500);
    lose(stage.b, ...Array.from({ length: 200 }, (_, id) => id));
    const found = compare(stage, 2);
    if (typeof found === 'string') throw new Error(found);
    expect([found.missing.established, found.missing.keys.length]).toEqual([200, 2]);
    expect(readingLines(found.lines).size).toBe(2);
  });

  it('does not mind what begins, changes and ends meanwhile, on a cable that loses', () => {
    const stage = metStage(10_000);
    lose(stage.b, 3, 4);
    stage.faults = { loss: 0.05, repeat: 0.02, delay: 3_000 };
    let turn = 0;
    const run = stage.run.bind(stage);
    stage.run = (milliseconds) =>
      run(milliseconds, () => {
        turn += 1;
        for (let index = 0; index < 5; index += 1) {
          stage.a.change(30_000 + turn * 5 + index, established);
          stage.a.end(30_000 + turn * 5 + index - 1_000);
        }
      });
    const found = compare(stage, 5);
    if (typeof found === 'string') throw new Error(found);
    expect(turn).toBeGreaterThan(260);
    expect(found.missing.keys.toSorted()).toEqual([keyOf(3), keyOf(4)].toSorted());
    expect([found.surplus, found.changed]).toEqual([NONE, NONE]);
  });

  it('mends nothing: what it has found it finds again', () => {
    const stage = metStage(100);
    lose(stage.b, 5);
    for (const _ of [1, 2]) {
      stage.a.outputs.length = 0;
      expect(compare(stage)).toMatchObject({ missing: { established: 1, keys: [keyOf(5)] } });
    }
  });

  it('can be made by both nodes at once', () => {
    const stage = metStage(2_000);
    lose(stage.b, 5);
    stage.b.machine.handle({ kind: 'compare', examples: 1 }, stage.now);
    expect(compare(stage)).toMatchObject({ missing: { established: 1 } });
    stage.run(500);
    const told = stage.b.outputs.findLast(({ kind }) => kind === 'compared');
    expect(told).toMatchObject({ outcome: { comparison: { surplus: { established: 1 } } } });
  });
});

describe('a comparison that cannot be made says why', () => {
  it('when no peer is met', () => {
    const stage = new FlowStage(1);
    stage.isJoined = false;
    stage.run(50);
    expect(compare(stage)).toBe('no peer is met');
  });

  it('when the peer falls silent', () => {
    const stage = metStage(10);
    stage.isJoined = false;
    expect(compare(stage)).toMatch(/^the peer does not answer/);
  });

  it('when the peer is restarted', () => {
    const stage = metStage(10);
    stage.b.readsTables = false;
    stage.a.machine.handle({ kind: 'compare', examples: 0 }, stage.now);
    stage.run(100);
    stage.b.restart();
    stage.run(300);
    const told = stage.a.outputs.findLast(({ kind }) => kind === 'compared');
    expect(told).toMatchObject({ outcome: { ok: false, why: expect.stringMatching(/restarted/) } });
  });

  it('when a table is never read', () => {
    const stage = metStage(10);
    stage.b.readsTables = false;
    expect(compare(stage, 0, 70_000)).toBe('it takes too long');
  });
});
