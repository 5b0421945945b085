/** The foreign speakers behave as CARP.md's tables say their models do. */
import { describe, expect, it } from 'vitest';
import { Chronicle } from './chronicle.ts';
import { type ForeignPlan, ForeignSpeaker } from './foreign-speaker.ts';
import { Prng } from './prng.ts';
import { Schedule } from './schedule.ts';
import { SimulatedSegment } from './simulated-segment.ts';

const PLAIN: ForeignPlan = {
  name: 'a',
  flavour: 'freebsd',
  source: '192.0.2.2',
  vhid: 7,
  vip: '192.0.2.1',
  password: 'secret',
  base: 1,
  skew: 0,
  preempt: false,
};

function pairOf(one: Partial<ForeignPlan>, other: Partial<ForeignPlan>) {
  const schedule = new Schedule();
  const segment = new SimulatedSegment('lan', schedule, new Prng(1));
  const around = { schedule, chronicle: new Chronicle(schedule), onChange: () => undefined };
  const a = new ForeignSpeaker({ ...PLAIN, ...one }, segment, around);
  const b = new ForeignSpeaker(
    { ...PLAIN, name: 'b', source: '192.0.2.3', skew: 100, ...other },
    segment,
    around,
  );
  const run = (seconds: number): void => schedule.runUntil(schedule.now + seconds * 1_000_000);
  return { a, b, run };
}

describe('foreign speakers', () => {
  it('elect the lower skew and stand in for it', () => {
    const { a, b, run } = pairOf({}, {});
    a.start();
    b.start();
    run(5);
    expect([a.state, b.state]).toEqual(['MASTER', 'BACKUP']);
    a.kill();
    run(3.2);
    expect(b.state).toBe('BACKUP');
    run(0.5);
    expect(b.state).toBe('MASTER');
  });

  it.each([
    { preempt: true, after: 'MASTER' },
    { preempt: false, after: 'BACKUP' },
  ])('come back as $after with preempt $preempt', ({ preempt, after }) => {
    const { a, b, run } = pairOf({ preempt }, {});
    b.start();
    run(5);
    a.start();
    run(5);
    expect(a.state).toBe(after);
  });

  it('both yield on a tie as FreeBSD, one as ucarp', () => {
    const bsd = pairOf({}, { skew: 0 });
    bsd.a.start();
    bsd.b.start();
    bsd.run(3.001);
    expect([bsd.a.state, bsd.b.state]).toEqual(['BACKUP', 'BACKUP']);
    const ucarp = pairOf({ flavour: 'ucarp' }, { flavour: 'ucarp', skew: 0 });
    ucarp.a.start();
    ucarp.b.start();
    ucarp.run(3.001);
    expect([ucarp.a.state, ucarp.b.state]).toEqual(['MASTER', 'BACKUP']);
  });

  it('do not believe another password', () => {
    const { a, b, run } = pairOf({}, { password: 'another' });
    a.start();
    b.start();
    run(10);
    expect([a.state, b.state]).toEqual(['MASTER', 'MASTER']);
  });
});
