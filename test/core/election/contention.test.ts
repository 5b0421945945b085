/** Who is better: CARP.md 4.2 and 4.3, ties included. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Contender,
  isGoodbye,
  judgeStanding,
  type Standing,
} from '../../../firmware/core/election/contention.ts';

const contender = (pace: string, source: string | undefined): Contender => {
  const [advbase = 0, advskew = 0] = pace.split('/').map(Number);
  return { pace: { advbase, advskew }, source };
};

describe('standing', () => {
  const cases: [string, string, string, string, Standing][] = [
    ['1/100', '10.0.0.2', '1/0', '10.0.0.1', 'better'],
    ['1/0', '10.0.0.2', '1/100', '10.0.0.1', 'worse'],
    ['1/0', '10.0.0.1', '1/0', '10.0.0.2', 'equal'],
    ['1/0', '10.0.0.2', '1/0', '10.0.0.1', 'better'],
    ['1/0', '10.0.0.9', '1/0', '10.0.0.10', 'equal'],
    ['1/100', '10.0.0.2', '3/100', '10.0.0.1', 'worse'],
    ['1/100', '10.0.0.2', '3/101', '10.0.0.1', 'hopeless'],
    ['1/100', '10.0.0.2', '4/0', '10.0.0.1', 'hopeless'],
    ['0/5', '10.0.0.2', '4/0', '10.0.0.1', 'worse'],
    ['1/0', '10.0.0.2', '255/255', '10.0.0.1', 'hopeless'],
    ['90/0', '10.0.0.2', '255/255', '10.0.0.1', 'hopeless'],
    ['1/0', 'fe80::1', '1/0', 'fe80::2', 'equal'],
  ];
  it.each(cases)(
    'we %s from %s, they %s from %s: %s',
    (own, ownSource, peer, peerSource, standing) =>
      expect(
        judgeStanding({
          own: contender(own, ownSource),
          peer: contender(peer, peerSource),
          ties: 'yoke',
        }),
      ).toBe(standing),
  );

  it('a tie is lost among BSDs, and without an own address', () => {
    const own = contender('1/0', '10.0.0.1');
    const peer = contender('1/0', '10.0.0.2');
    expect(judgeStanding({ own, peer, ties: 'bsd' })).toBe('better');
    const homeless = contender('1/0', undefined);
    expect(judgeStanding({ own: homeless, peer, ties: 'yoke' })).toBe('better');
  });

  it('two nodes never both find the other one better, nor both themselves', () => {
    const octet = fc.integer({ min: 1, max: 254 });
    const pace = fc.record({ advbase: fc.nat({ max: 3 }), advskew: fc.nat({ max: 254 }) });
    fc.assert(
      fc.property(pace, pace, octet, octet, (one, other, a, b) => {
        fc.pre(a !== b);
        const first = { pace: one, source: `10.0.0.${a}` };
        const second = { pace: other, source: `10.0.0.${b}` };
        const verdicts = [
          judgeStanding({ own: first, peer: second, ties: 'yoke' }),
          judgeStanding({ own: second, peer: first, ties: 'yoke' }),
        ];
        expect(verdicts.filter((verdict) => verdict === 'better')).toHaveLength(1);
      }),
    );
  });
});

describe('a good-bye', () => {
  it('is 255/255 and nothing else', () => {
    expect(isGoodbye({ advbase: 255, advskew: 255 })).toBe(true);
    expect(isGoodbye({ advbase: 255, advskew: 254 })).toBe(false);
    expect(isGoodbye({ advbase: 254, advskew: 255 })).toBe(false);
  });
});
