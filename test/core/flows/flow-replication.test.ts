/** The whole machine, two of them: over a bad cable, through restarts, takeovers and splits. */
import { describe, expect, it } from 'vitest';
import { after, seconds } from '../../../firmware/core/time.ts';
import { measureFlowBulk, measureFlowCore } from '../../bench/flow-core.ts';
import {
  established,
  type FlowNode,
  FlowStage,
  kernelText,
  type StageOptions,
  singular,
} from './flow-stage.ts';

/** Both nodes have met, and `a`, which serves, has so many flows. */
function metStage(flows = 0, options: Partial<StageOptions> = {}): FlowStage {
  const stage = new FlowStage(1, options);
  for (let id = 0; id < flows; id += 1) stage.a.change(id);
  stage.run(500);
  return stage;
}

const kinds = (node: FlowNode): string[] => node.outputs.map(({ kind }) => kind);

function churn(stage: FlowStage, node: FlowNode, count = 10, ids = 3_000): void {
  for (let index = 0; index < count; index += 1) {
    const id = stage.prng.between(0, ids);
    if (stage.prng.chance(0.3)) node.end(id);
    else node.change(id, stage.prng.pick([0, established, established | singular]));
  }
}

/** `owner` owns everything, and the other one has exactly the same. */
function expectSame(stage: FlowStage, owner = stage.a): void {
  const other = owner === stage.a ? stage.b : stage.a;
  expect(stage.wrongs).toEqual([]);
  expect(kernelText(other)).toEqual(kernelText(owner));
  const [mine, its] = [owner, other].map((node) => node.machine.status(stage.now));
  expect([mine?.own, mine?.copies]).toEqual([owner.kernel.size, 0]);
  expect([its?.own, its?.copies]).toEqual([0, owner.kernel.size]);
}

describe('two nodes', () => {
  it('meet, and the one that has nothing is told everything', () => {
    const stage = metStage(5_000);
    stage.run(500);
    expectSame(stage);
    expect(kinds(stage.a)).toEqual(['walk', 'session', 'walk', 'joined', 'copied']);
    expect(kinds(stage.b)).toEqual(['walk', 'session', 'copied', 'joined']);
  });

  it('replicate what begins, changes and ends', () => {
    const stage = metStage();
    stage.run(300, () => churn(stage, stage.a));
    stage.run(50);
    expectSame(stage);
    expect(stage.a.kernel.size).toBeGreaterThan(500);
  });

  it.each([1, 0xffff_fff0])('lose nothing to a bad cable, from number %i on', (firstNumber) => {
    const stage = metStage(100, { firstNumber });
    stage.faults = { loss: 0.1, repeat: 0.1, delay: 4_000 };
    stage.run(2_000, () => churn(stage, stage.a));
    stage.run(1_000);
    expectSame(stage);
    expect(stage.a.machine.status(stage.now).framesResent).toBeGreaterThan(10);
  });

  it('keep memory bounded through a long outage, and catch up after it', () => {
    const stage = metStage(100, { backlogBytes: 64 * 1024, flowsAtMost: 8_192 });
    stage.isJoined = false;
    let most = 0;
    stage.run(10_000, () => {
      churn(stage, stage.a, 5);
      most = Math.max(most, stage.a.machine.status(stage.now).memoryBytes);
    });
    const { outbound } = stage.a.machine.status(stage.now);
    expect(outbound.overflowed).toBeGreaterThan(0);
    expect(outbound.coalesced).toBeGreaterThan(0);
    expect(most).toBeLessThan(2 * 2 ** 20);
    stage.isJoined = true;
    stage.run(5_000, () => churn(stage, stage.a, 5));
    stage.run(200);
    expectSame(stage);
  });

  it('take no more flows than they may, say so, and take the rest when there is room', () => {
    const stage = metStage(300, { flowsAtMost: 200 });
    const { outbound, own } = stage.a.machine.status(stage.now);
    expect(own).toBe(200);
    expect(outbound.tableFull).toBeGreaterThanOrEqual(100);
    expect(stage.a.outputs).toContainEqual({ kind: 'crowded', full: true });
    stage.run(5_000);
    const { walks } = stage.a.machine.status(stage.now).walks;
    for (let id = 0; id < 150; id += 1) stage.a.end(id);
    stage.run(5_000);
    expect(stage.a.outputs).toContainEqual({ kind: 'crowded', full: false });
    expectSame(stage);
    // A table that is full does not have the kernel's read again and again.
    expect(walks).toBe(2);
  });

  it('wait for a kernel that takes nothing, and acknowledge nothing meanwhile', () => {
    const stage = metStage();
    stage.b.injects = false;
    stage.run(300, () => churn(stage, stage.a, 40, 20_000));
    expect(stage.b.machine.delivery.length).toBeGreaterThan(200_000);
    expect(stage.a.machine.status(stage.now).framesOutstanding).toBeGreaterThan(200);
    stage.b.injects = true;
    stage.run(1_000);
    expectSame(stage);
  });
});

describe('a process that comes back', () => {
  it('as the owner tells everything anew, and what ended meanwhile is ended', () => {
    const stage = metStage(400);
    stage.a.isRunning = false;
    for (let id = 0; id < 100; id += 1) stage.a.end(id);
    for (let id = 400; id < 500; id += 1) stage.a.change(id);
    stage.run(300);
    stage.a.restart();
    stage.run(1_000);
    expectSame(stage);
    expect(kinds(stage.b).filter((kind) => kind === 'session')).toHaveLength(2);
  });

  it('as the keeper of copies finds its copies again, and learns what is not true any more', () => {
    const stage = metStage(400);
    stage.b.isRunning = false;
    stage.run(300, (turn) => {
      if (turn < 100) stage.a.end(turn);
      else stage.a.change(300 + turn);
    });
    stage.b.restart();
    stage.run(1_000);
    expectSame(stage);
    const { removed } = stage.b.machine.status(stage.now).walks;
    expect(removed).toBe(100);
  });

  it('says so when the peer’s table does not come', () => {
    const stage = new FlowStage(1);
    stage.isJoined = false;
    stage.run(60_100);
    expect(kinds(stage.b)).toEqual(['walk', 'join-overdue']);
    stage.isJoined = true;
    stage.run(500);
    expect(kinds(stage.b)).toContain('joined');
  });
});

describe('mastership', () => {
  it('moves with everything the old MASTER had when it dies', () => {
    const stage = metStage(300);
    stage.a.isRunning = false;
    stage.b.serve('all');
    stage.run(100);
    expect(stage.b.machine.status(stage.now).own).toBe(300);
    stage.run(200, () => churn(stage, stage.b));
    stage.a.reboot();
    stage.run(1_500);
    expectSame(stage, stage.b);
  });

  it('moves back and forth, twenty times, and no flow is lost', () => {
    const stage = metStage(300);
    stage.judgeOlder = () => undefined;
    let [master, backup] = [stage.a, stage.b];
    for (let count = 0; count < 20; count += 1) {
      stage.run(50, () => churn(stage, master, 3));
      const before = [...master.kernel.keys()];
      backup.serve('all');
      stage.run(3);
      master.serve('none');
      [master, backup] = [backup, master];
      expect(before.filter((id) => !master.kernel.has(id))).toEqual([]);
    }
    stage.run(500);
    expectSame(stage, master);
  });

  it('says when the peer has everything up to a barrier, and not before', () => {
    const stage = metStage(300);
    stage.isJoined = false;
    for (let id = 300; id < 600; id += 1) stage.a.change(id);
    stage.run(5);
    stage.a.machine.handle({ kind: 'barrier', id: 77 }, stage.now);
    stage.run(1_000);
    expect(kinds(stage.a)).not.toContain('barrier');
    stage.isJoined = true;
    stage.run(500);
    expect(stage.a.outputs).toContainEqual({ kind: 'barrier', id: 77 });
    expectSame(stage);
  });

  it('of both in a split leaves each its own flows, and both have all when it heals', () => {
    const stage = metStage(300);
    stage.judgeOlder = () => undefined;
    stage.isJoined = false;
    stage.b.serve('all');
    stage.run(3_000, (turn) => {
      stage.a.change(1_000 + turn);
      stage.b.change(10_000 + turn);
      if (turn < 100) stage.a.end(turn);
      else if (turn < 200) stage.b.end(turn);
    });
    const [ofA, ofB] = [new Set(stage.a.live), new Set(stage.b.live)];
    stage.isJoined = true;
    stage.run(40);
    stage.a.serve('none');
    stage.run(30_000);
    expect(stage.wrongs).toEqual([]);
    for (const id of [...ofA, ...ofB]) expect(stage.b.kernel.has(id)).toBe(true);
    expectSame(stage, stage.b);
  });

  it('of a part each leaves both their own flows, whoever restarts', () => {
    const stage = new FlowStage(1, {}, 'part');
    stage.b.serve('part');
    for (let id = 0; id < 200; id += 1) (id % 2 === 0 ? stage.a : stage.b).change(id);
    stage.run(1_000);
    expect([stage.a.kernel.size, stage.b.kernel.size]).toEqual([200, 200]);
    for (const node of [stage.a, stage.b]) {
      node.isRunning = false;
      stage.run(100);
      node.restart();
      stage.run(25_000);
      expect([stage.a.kernel.size, stage.b.kernel.size]).toEqual([200, 200]);
    }
    for (let id = 0; id < 200; id += 1) (id % 2 === 0 ? stage.a : stage.b).end(id);
    stage.run(25_000);
    expect(stage.wrongs).toEqual([]);
    expect([stage.a.kernel.size, stage.b.kernel.size]).toEqual([0, 0]);
  });

  it('that comes back a moment late does not have its table overwritten', () => {
    const stage = metStage(300);
    stage.a.isRunning = false;
    for (let id = 0; id < 300; id += 1) stage.a.change(id);
    stage.run(100);
    stage.a.serving = 'none';
    stage.a.restart();
    stage.run(300);
    stage.a.serve('all');
    stage.run(3_000);
    expectSame(stage);
  });

  it('that is yielded after a split does not end what only the other side has ended in it', () => {
    const stage = metStage(50);
    stage.isJoined = false;
    stage.run(1_500);
    stage.b.serve('all');
    for (let id = 0; id < 10; id += 1) {
      stage.b.change(id);
      stage.a.end(id);
    }
    stage.run(500);
    stage.b.serve('none');
    stage.isJoined = true;
    stage.run(3_000);
    expect([stage.a.kernel.size, stage.b.kernel.size]).toEqual([50, 50]);
    expectSame(stage);
  });

  it('of nobody, then of the one that kept the flows: whoever comes back empty gets them', () => {
    const stage = metStage(200);
    const before = stage.a.outputs.length;
    stage.a.reboot();
    stage.run(300);
    // It is told nothing yet: it must not believe that this is everything.
    expect(stage.a.outputs.slice(before).map(({ kind }) => kind)).not.toContain('joined');
    stage.b.serve('all');
    stage.run(1_000);
    expect(stage.a.outputs.slice(before).map(({ kind }) => kind)).toContain('joined');
    expectSame(stage, stage.b);
  });

  it('of nobody keeps the flows of a peer that comes back empty', () => {
    const stage = metStage(200);
    stage.a.serve('none');
    stage.run(200);
    stage.a.reboot();
    stage.run(4_000);
    expect([stage.a.kernel.size, stage.b.kernel.size]).toEqual([200, 200]);
    stage.a.serve('all');
    stage.run(1_000);
    expectSame(stage);
  });
});

describe('what kernels do by themselves', () => {
  it('does not end a flow at its owner', () => {
    const stage = metStage(300);
    for (let id = 0; id < 60; id += 1) stage.b.end(id);
    stage.run(100);
    expect(stage.a.kernel.size).toBe(300);
    stage.run(24_000);
    expectSame(stage);
    const percents = stage.b.outputs.flatMap((output) =>
      output.kind === 'divergence' ? [[Math.round(output.percent), output.high]] : [],
    );
    expect(percents).toContainEqual([20, true]);
    expect(percents.at(-1)).toEqual([0, false]);
  });

  it('does not matter for flows that are over, or never were settled', () => {
    const stage = metStage(0);
    for (let id = 0; id < 60; id += 1) stage.a.change(id, 0);
    stage.run(100);
    for (let id = 0; id < 60; id += 1) stage.b.end(id);
    stage.run(24_000);
    expect(stage.b.machine.status(stage.now).copies).toBe(60);
    expect(stage.b.kernel.size).toBe(0);
    stage.a.change(5);
    stage.run(50);
    expect(stage.b.kernel.has(5)).toBe(true);
  });

  it('is kept from quiet flows that the owner still has, by a walk now and then', () => {
    const stage = metStage(300);
    const isWalk = ({ kind }: { readonly kind: string }) => kind === 'walk';
    const before = stage.b.outputs.filter(isWalk).length;
    stage.run(11_000);
    expect(stage.b.renewed.size).toBe(300);
    stage.run(70_000);
    const walks = stage.b.outputs.filter(isWalk).slice(before);
    expect(walks).toEqual([
      { kind: 'walk', full: false },
      { kind: 'walk', full: false },
    ]);
    expect(stage.b.outputs).toContainEqual({ kind: 'divergence', percent: 0, high: false });
  });

  it('may be lost in an overrun, and is made good from the table', () => {
    const stage = metStage(300);
    for (let id = 0; id < 100; id += 1) stage.a.end(id);
    for (let id = 300; id < 400; id += 1) stage.a.change(id);
    stage.a.overrun();
    for (let id = 100; id < 130; id += 1) stage.b.end(id);
    stage.b.overrun();
    stage.run(25_000);
    expectSame(stage);
  });

  it('is asked for again when a walk has failed', () => {
    const stage = metStage(300);
    stage.a.walksFail = true;
    stage.a.overrun();
    stage.run(1_000);
    expect(stage.a.machine.status(stage.now).caughtUp).toBe(false);
    stage.a.walksFail = false;
    stage.run(1_000);
    expect(stage.a.machine.status(stage.now).caughtUp).toBe(true);
    expectSame(stage);
  });

  it('may be to refuse a copy, which is then pulled again', () => {
    const stage = metStage(300);
    const record = new DataView(new ArrayBuffer(8));
    stage.b.kernel.delete(7);
    const [keyLow, keyHigh] = [0, 4].map((at) => record.getUint32(at));
    stage.b.machine.handle({ kind: 'lost', keyLow: keyLow!, keyHigh: keyHigh! }, stage.now);
    stage.b.overrun();
    stage.run(25_000);
    expectSame(stage);
  });
});

describe('replication that has stopped', () => {
  const firstNews = (node: FlowNode, from: number) =>
    node.outputs.slice(from).filter(({ kind }) => kind === 'stopped' || kind === 'resumed');

  it('in one direction is seen and named by both ends within two seconds', () => {
    const stage = metStage(100);
    const [a, b] = [stage.a.outputs.length, stage.b.outputs.length];
    stage.mute.add(stage.a);
    stage.run(2_000, () => churn(stage, stage.a, 1));
    expect(firstNews(stage.a, a)).toEqual([
      { kind: 'stopped', direction: 'out', cause: 'unheard' },
    ]);
    expect(firstNews(stage.b, b)).toEqual([{ kind: 'stopped', direction: 'in', cause: 'silent' }]);
    stage.mute.clear();
    stage.run(500);
    expect(firstNews(stage.a, a).at(-1)).toEqual({ kind: 'resumed', direction: 'out' });
    expect(firstNews(stage.b, b).at(-1)).toEqual({ kind: 'resumed', direction: 'in' });
    expectSame(stage);
  });

  it('for long frames only is seen too', () => {
    const stage = metStage(100);
    const [a, b] = [stage.a.outputs.length, stage.b.outputs.length];
    const carry = stage.carry.bind(stage);
    stage.carry = (from, frame) => {
      if (frame.length < 500) carry(from, frame);
    };
    stage.run(2_000, () => churn(stage, stage.a, 40));
    expect(firstNews(stage.a, a)).toEqual([
      { kind: 'stopped', direction: 'out', cause: 'stalled' },
    ]);
    expect(firstNews(stage.b, b)).toEqual([{ kind: 'stopped', direction: 'in', cause: 'stalled' }]);
  });
});

describe('the machine', () => {
  it('refuses what is no frame, or not for it', () => {
    const stage = metStage();
    expect(stage.a.machine.receive(new Uint8Array(3), stage.now)).toBe('short');
    const own: Uint8Array[] = [];
    stage.carry = (_from, frame) => own.push(Uint8Array.from(frame));
    stage.run(200);
    expect(stage.a.machine.receive(own[0]!, stage.now)).toMatch(/own|overtaken/);
  });

  it('wants to be woken for what it has to do, and not before', () => {
    const stage = metStage(10);
    stage.run(100);
    const next = stage.a.machine.nextTimeout();
    expect(next).toBeGreaterThan(stage.now);
    expect(next).toBeLessThanOrEqual(after(stage.now, seconds(0.1)));
  });

  it('is measured by a bench that still works', () => {
    const costs = measureFlowCore(3_000, 5);
    expect(costs.bytesPerFlow).toBeLessThan(64);
    expect(costs.frames).toBeGreaterThan(0);
    expect(costs.flows).toBe(3_000);
    expect(measureFlowBulk(3_000).there).toBe(3_000);
  });
});
