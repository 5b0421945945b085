/** The whole machine, two of them: over a bad cable, through restarts, takeovers and splits. */
import { describe, expect, it } from 'vitest';
import { established, FlowStage, kernelText, singular } from './flow-stage.ts';

/** Both nodes have met and told each other what they have. */
function metStage(seed = 1, options = {}): FlowStage {
  const stage = new FlowStage(seed, options);
  stage.run(500);
  return stage;
}

function kinds(stage: FlowStage, node: 'a' | 'b'): string[] {
  return stage[node].outputs.map(({ kind }) => kind);
}

function expectSame(stage: FlowStage): void {
  expect(stage.wrongs).toEqual([]);
  expect(kernelText(stage.b)).toEqual(kernelText(stage.a));
  const [a, b] = [stage.a.machine.status(stage.now), stage.b.machine.status(stage.now)];
  expect([b.copies, b.own]).toEqual([a.own, a.copies]);
  expect(a.own + a.copies).toBe(stage.a.kernel.size);
}

describe('two nodes', () => {
  it('meet, and the one that has nothing is told everything', () => {
    const stage = new FlowStage(1);
    for (let id = 0; id < 5_000; id += 1) stage.a.change(id);
    stage.run(1_000);
    expectSame(stage);
    expect(kinds(stage, 'b')).toContain('joined');
    expect(kinds(stage, 'a')).toContain('copied');
    expect(kinds(stage, 'a')).toContain('joined');
  });

  it('replicate what begins, changes and ends', () => {
    const stage = metStage();
    stage.run(300, (turn) => {
      for (let id = turn * 10; id < turn * 10 + 10; id += 1) stage.a.change(id, 0);
      for (let id = Math.max(0, turn * 10 - 50); id < turn * 10 - 40; id += 1) stage.a.change(id);
      for (let id = Math.max(0, turn * 10 - 300); id < turn * 10 - 290; id += 1) stage.a.end(id);
    });
    stage.run(50);
    expectSame(stage);
    expect(stage.a.kernel.size).toBeGreaterThan(250);
  });

  it('lose nothing to a cable that loses, repeats and overtakes', () => {
    const stage = metStage(7);
    stage.faults = { loss: 0.1, repeat: 0.1, delay: 4_000 };
    stage.run(2_000, () => {
      for (let count = 0; count < 20; count += 1) {
        const id = stage.prng.between(0, 3_000);
        if (stage.prng.chance(0.3)) stage.a.end(id);
        else stage.a.change(id, stage.prng.pick([0, established, established | singular]));
      }
    });
    stage.run(1_000);
    expectSame(stage);
    expect(stage.a.machine.status(stage.now).framesResent).toBeGreaterThan(10);
  });
});
