/**
 * Who takes over from whom and when: each rule by itself; then never both and never nobody,
 * whatever two relations go through (lossy cables, stops at any point of a turn, restarts, changes
 * of standing).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Accord, type AccordMove } from '../../../firmware/core/peer/accord.ts';
import { milliseconds } from '../../../firmware/core/time.ts';
import { calm, live } from './relation-life.ts';
import { alive, at, dead, own } from './relation-stage.ts';

/** How long until the pair has found its place after the last fault, with delays of preemption. */
const QUIET = 1_500_000;

const kind = (move: AccordMove | undefined): string | undefined => move?.kind;

describe('a claim', () => {
  it('is made of a vacancy by the better one at once, and granted', () => {
    const accord = new Accord();
    expect(accord.judge(own(), alive(), at(0))).toBeUndefined();
    expect(accord.claim).toBe(1);
    expect(accord.judge(own(), alive({ grant: 1 }), at(1))).toMatchObject({
      kind: 'take',
      ground: 'preference',
    });
    expect(accord.claim).toBe(0);
  });

  it('is made of a vacancy by the other one after 300 ms', () => {
    const accord = new Accord();
    const worse = own({ preference: 400 });
    accord.judge(worse, alive(), at(0));
    expect(accord.claim).toBe(0);
    expect(accord.nextTimeout()).toBe(at(300));
    accord.judge(worse, alive(), at(300));
    expect(accord.claim).toBe(1);
  });

  it('is made anew after 100 ms: the grant of the old one is refused', () => {
    const accord = new Accord();
    accord.judge(own(), alive(), at(0));
    expect(accord.nextTimeout()).toBe(at(100));
    expect(kind(accord.judge(own(), alive({ grant: 1 }), at(101)))).toBeUndefined();
    expect(accord.claim).toBe(2);
    expect(kind(accord.judge(own(), alive({ grant: 1 }), at(102)))).toBeUndefined();
    expect(kind(accord.judge(own(), alive({ grant: 2 }), at(103)))).toBe('take');
  });

  it('is withdrawn when there is no reason left', () => {
    const accord = new Accord();
    const peer = { serving: true, demotion: 240 };
    accord.judge(own({ mayPreemptAt: undefined }), alive(peer), at(0));
    expect(accord.claim).toBe(1);
    accord.judge(own({ mayPreemptAt: undefined }), alive({ serving: true }), at(5));
    expect(accord.claim).toBe(0);
    const late = accord.judge(own({ mayPreemptAt: undefined }), alive({ grant: 1 }), at(6));
    expect(kind(late)).toBeUndefined();
  });

  it('of both at once is settled by who is better', () => {
    const accord = new Accord();
    accord.judge(own(), alive(), at(0));
    accord.judge(own(), alive({ claim: 9 }), at(1));
    expect([accord.claim, accord.grant]).toEqual([1, 0]);
    const other = new Accord();
    const worse = own({ preference: 400 });
    other.judge(worse, alive(), at(0));
    other.judge(worse, alive(), at(300));
    other.judge(worse, alive({ claim: 9 }), at(301));
    expect([other.claim, other.grant]).toEqual([0, 9]);
  });

  it('by preference waits for the delay and while this node is held, by health it does not', () => {
    const accord = new Accord();
    const serving = alive({ serving: true });
    accord.judge(own({ mayPreemptAt: at(50) }), serving, at(0));
    expect(accord.nextTimeout()).toBe(at(50));
    accord.judge(own({ mayPreemptAt: at(50), heldUntil: at(90) }), serving, at(50));
    expect([accord.claim, accord.nextTimeout()]).toEqual([0, at(90)]);
    const weak = alive({ serving: true, health: 1 });
    accord.judge(own({ mayPreemptAt: undefined, heldUntil: at(90) }), weak, at(51));
    expect(accord.claim).toBe(1);
  });

  it('is not made by one that leaves, can serve nothing, or was just refused by its kernel', () => {
    const idle = [{ leaving: true }, { health: 0 }, { mayTakeFreeAt: at(1_000) }];
    for (const part of idle) {
      const accord = new Accord();
      accord.judge(own(part), alive(), at(0));
      expect(accord.claim).toBe(0);
    }
    const accord = new Accord();
    const lapsed = own({ state: 'LAPSED', since: at(0), mayTakeFreeAt: at(1_000) });
    accord.judge(lapsed, alive(), at(0));
    expect(accord.claim).toBe(0);
  });

  it('of what the peer serves is put off for longer than one of what nobody serves', () => {
    const refused = own({ mayTakeFreeAt: at(1_000), mayTakeHeldAt: at(60_000) });
    const accord = new Accord();
    accord.judge(refused, alive({ serving: true, health: 1 }), at(1_000));
    expect([accord.claim, accord.nextTimeout()]).toEqual([0, at(60_000)]);
    accord.judge(refused, alive(), at(1_000));
    expect(accord.claim).toBe(1);
  });
});

describe('a MASTER', () => {
  const master = own({ state: 'MASTER' });
  const weak = { ...master, health: 1 };

  it('lets go for a better one, and grants only then', () => {
    const accord = new Accord();
    expect(kind(accord.judge(weak, alive({ claim: 5 }), at(0)))).toBe('hand-over');
    const gone = { ...weak, state: 'BACKUP' as const };
    expect(kind(accord.judge(gone, alive({ claim: 5 }), at(0)))).toBeUndefined();
    expect(accord.grant).toBe(0);
    accord.lettingGo(true, gone, at(1));
    expect(accord.grant).toBe(5);
    accord.judge(gone, alive({ serving: true }), at(2));
    expect(accord.grant).toBe(0);
    expect(accord.promisedUntil).toBe(at(2));
  });

  it('whose kernel cannot let go grants when the lease must be over', () => {
    const accord = new Accord();
    accord.judge(weak, alive({ claim: 5 }), at(0));
    const gone = { ...weak, state: 'BACKUP' as const };
    accord.lettingGo(false, gone, at(1));
    accord.judge(gone, alive({ claim: 5 }), at(2));
    expect([accord.grant, accord.nextTimeout()]).toEqual([0, at(27)]);
    accord.judge(gone, alive({ claim: 5 }), at(27));
    expect(accord.grant).toBe(5);
  });

  it('refuses a worse one, unless it leaves', () => {
    const claim = alive({ claim: 5 });
    expect(kind(new Accord().judge(master, claim, at(0)))).toBeUndefined();
    const leaving = { ...master, leaving: true };
    expect(kind(new Accord().judge(leaving, claim, at(0)))).toBe('hand-over');
  });

  it('that is held stays against preference only', () => {
    const held = { ...master, preference: 400, heldUntil: at(90) };
    expect(kind(new Accord().judge(held, alive({ claim: 5 }), at(0)))).toBeUndefined();
    expect(kind(new Accord().judge(held, alive({ claim: 5 }), at(90)))).toBe('hand-over');
    const ill = { ...held, demotion: 240 };
    expect(kind(new Accord().judge(ill, alive({ claim: 5 }), at(0)))).toBe('hand-over');
  });
});

describe('a MASTER and one that woke late', () => {
  it('does not let go for it because it is preferred', () => {
    const master = own({ state: 'MASTER', preference: 400 });
    const late = alive({ state: 'LAPSED', claim: 5, preference: 256 });
    expect(kind(new Accord().judge(master, late, at(0)))).toBeUndefined();
    const ill = { ...master, demotion: 240 };
    expect(kind(new Accord().judge(ill, late, at(0)))).toBe('hand-over');
  });
});

describe('a promise', () => {
  it('is kept when the peer dies right after the grant', () => {
    const accord = new Accord();
    const worse = own({ preference: 400 });
    accord.judge(worse, alive({ claim: 5 }), at(0));
    expect(accord.grant).toBe(5);
    expect(kind(accord.judge(worse, dead({ claim: 5 }), at(42)))).toBeUndefined();
    expect(accord.nextTimeout()).toBe(at(176));
    expect(kind(accord.judge(worse, dead({ claim: 5 }), at(176)))).toBe('take');
  });

  it('keeps the granter from claiming', () => {
    const accord = new Accord();
    accord.judge(own({ preference: 400 }), alive({ claim: 5 }), at(0));
    accord.judge(own(), alive(), at(1));
    expect([accord.claim, accord.grant, accord.nextTimeout()]).toEqual([0, 0, at(176)]);
  });

  it('of a grant to another life is forgotten, the time of it is not', () => {
    const accord = new Accord();
    accord.judge(own({ preference: 400 }), alive({ claim: 5 }), at(0));
    accord.forget();
    expect([accord.grant, accord.promisedUntil]).toEqual([0, at(176)]);
  });
});

describe('a node that woke late', () => {
  const lapsed = own({ state: 'LAPSED', since: at(0), preference: 400 });

  it('asks for the VIPs back', () => {
    const accord = new Accord();
    expect(kind(accord.judge(lapsed, alive(), at(0)))).toBeUndefined();
    expect(accord.claim).toBe(1);
    expect(kind(accord.judge(lapsed, alive({ grant: 1 }), at(1)))).toBe('take');
  });

  it('stands down for a peer that serves, or that does not answer within 60 ms', () => {
    expect(kind(new Accord().judge(lapsed, alive({ serving: true }), at(0)))).toBe('stand-down');
    const accord = new Accord();
    accord.judge(lapsed, alive(), at(0));
    expect(accord.nextTimeout()).toBe(at(60));
    expect(kind(accord.judge(lapsed, alive(), at(60)))).toBe('stand-down');
  });

  it('lets go before it grants: its lease may stand for a moment yet', () => {
    const accord = new Accord();
    const move = accord.judge(lapsed, alive({ claim: 5 }), at(0));
    expect([kind(move), accord.grant]).toEqual(['hand-over', 0]);
  });

  it('is given time by the better one', () => {
    const accord = new Accord();
    accord.judge(own(), alive({ state: 'LAPSED' }), at(0));
    expect([accord.claim, accord.nextTimeout()]).toEqual([0, at(300)]);
  });
});

describe('two masters that meet', () => {
  const master = own({ state: 'MASTER', since: at(-500) });
  const serving = { serving: true, stateAge: 800 };

  it('the worse one yields, and tells for how long there were two', () => {
    const worse = { ...master, preference: 400 };
    const move = new Accord().judge(worse, alive(serving), at(0));
    expect(move).toMatchObject({ kind: 'yield', overlap: milliseconds(500) });
  });

  it('the better one stays, and asserts itself when the other one is gone', () => {
    const accord = new Accord();
    expect(accord.judge(master, alive(serving), at(0))).toBeUndefined();
    const move = accord.judge(master, alive(), at(5));
    expect(move).toMatchObject({ kind: 'reassert', overlap: milliseconds(505) });
    expect(accord.judge(master, alive(), at(6))).toBeUndefined();
  });

  it('are known to have met when the other one has yielded before it is heard', () => {
    const accord = new Accord();
    accord.judge(master, dead(), at(0));
    const move = accord.judge(master, alive({ stateAge: 1 }), at(900));
    expect(move).toMatchObject({ kind: 'reassert', overlap: milliseconds(900) });
    expect(accord.judge(master, alive({ stateAge: 2 }), at(901))).toBeUndefined();
    accord.judge(master, dead(), at(2_000));
    expect(accord.judge(master, alive({ stateAge: 1_100 }), at(2_900))).toBeUndefined();
  });

  it('the better one yields when the other one does not hear it for 60 ms', () => {
    const accord = new Accord();
    const deaf = alive({ ...serving, heardAge: 65_535 });
    expect(accord.judge(master, deaf, at(0))).toBeUndefined();
    expect(accord.nextTimeout()).toBe(at(60));
    expect(kind(accord.judge(master, deaf, at(60)))).toBe('yield');
  });
});

describe('a MASTER that is not heard', () => {
  it('yields at once to a peer that takes over before its eyes', () => {
    const accord = new Accord();
    const master = own({ state: 'MASTER' });
    accord.judge(master, alive({ heardAge: 37 }), at(0));
    const taker = alive({ serving: true, stateAge: 0, heardAge: 62 });
    expect(kind(accord.judge(master, taker, at(5)))).toBe('yield');
  });
});

describe('a peer that is dead', () => {
  it('is succeeded at once, unless there is nothing to serve', () => {
    const silent = dead({ serving: true });
    expect(new Accord().judge(own(), silent, at(0))).toMatchObject({
      kind: 'take',
      ground: undefined,
      cause: 'gw2 is silent on every path',
    });
    expect(new Accord().judge(own({ health: 0 }), silent, at(0))).toBeUndefined();
    expect(new Accord().judge(own({ leaving: true }), silent, at(0))).toBeUndefined();
    expect(new Accord().judge(own({ state: 'INIT' }), silent, at(0))).toBeUndefined();
  });

  it('by its own farewell is named so', () => {
    const move = new Accord().judge(own(), dead({ farewell: true }), at(0));
    expect(move).toMatchObject({ kind: 'take', cause: 'gw2 has left' });
  });

  it('is succeeded later when the kernel has just refused', () => {
    const accord = new Accord();
    const forbidden = own({ mayTakeFreeAt: at(700) });
    expect(accord.judge(forbidden, dead(), at(0))).toBeUndefined();
    expect(accord.nextTimeout()).toBe(at(700));
  });
});

describe('whatever happens', () => {
  const seeds = fc.integer({ min: 0, max: 2 ** 31 });

  it('never both serve', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        live(seed, 30);
      }),
      { numRuns: 60 },
    );
  });

  it('after quiet the better one serves, and stays', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const pair = live(seed, 15);
        calm(pair);
        pair.run(QUIET);
        expect(pair.serving, pair.log.slice(-30).join('\n')).toBe('a');
        const moves = pair.log.length;
        pair.run(QUIET);
        expect(pair.log.length).toBe(moves);
      }),
      { numRuns: 40 },
    );
  });
});
