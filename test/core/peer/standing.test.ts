/** Which node should be MASTER: health, then demotions, then preference; never undecided. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareStandings, type Standing } from '../../../firmware/core/peer/standing.ts';
import { own } from './relation-stage.ts';

describe('of two nodes the better one', () => {
  it.each([
    ['serves more, whatever else', { health: 1, demotion: 0 }, { demotion: 480 }, 'health'],
    ['is less demoted', { demotion: 240 }, { preference: 400 }, 'demotion'],
    ['is preferred', { preference: 400 }, {}, 'preference'],
    ['is the primary', { role: 'secondary' }, {}, 'preference'],
    ['has the lower name', { node: 'gw2' }, {}, 'preference'],
    ['began with the lower number', { bootId: 9n }, {}, 'preference'],
  ] as const)('%s', (_what, worse, better, ground) => {
    expect(compareStandings(own(better), own(worse))).toEqual({ better: true, ground });
    expect(compareStandings(own(worse), own(better))).toEqual({ better: false, ground });
  });

  it('is the same for both', () => {
    const standing: fc.Arbitrary<Standing> = fc.record({
      health: fc.nat({ max: 2 }),
      demotion: fc.constantFrom(0, 1, 240),
      preference: fc.constantFrom(256, 356),
      role: fc.constantFrom('primary' as const, 'secondary' as const),
      node: fc.constantFrom('gw1', 'gw2'),
      bootId: fc.bigInt({ min: 0n, max: 3n }),
    });
    fc.assert(
      fc.property(standing, standing, (one, other) => {
        fc.pre(one.bootId !== other.bootId);
        const here = compareStandings(one, other);
        const there = compareStandings(other, one);
        expect(here.better).toBe(!there.better);
        expect(here.ground).toBe(there.ground);
      }),
    );
  });
});
