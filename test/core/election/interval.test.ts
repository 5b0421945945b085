/** The numbers of CARP.md section 3. */
import { describe, expect, it } from 'vitest';
import {
  advertisementInterval,
  effectiveAdvskew,
  masterDownInterval,
  rank,
} from '../../../firmware/core/election/interval.ts';

describe('intervals in microseconds', () => {
  it.each([
    { advbase: 1, advskew: 0, interval: 1_000_000, down: 3_000_000 },
    { advbase: 1, advskew: 100, interval: 1_390_625, down: 3_390_625 },
    { advbase: 1, advskew: 240, interval: 1_937_500, down: 3_937_500 },
    { advbase: 0, advskew: 5, interval: 19_531, down: 58_593 },
    { advbase: 0, advskew: 10, interval: 39_062, down: 117_186 },
    { advbase: 0, advskew: 0, interval: 3_906, down: 11_718 },
    { advbase: 255, advskew: 254, interval: 255_992_187, down: 765_992_187 },
  ])('$advbase/$advskew', ({ interval, down, ...pace }) => {
    expect(advertisementInterval(pace)).toBe(interval);
    expect(masterDownInterval(pace)).toBe(down);
  });
});

describe('rank', () => {
  it('orders by interval', () => {
    const paces = [
      { advbase: 0, advskew: 254 },
      { advbase: 1, advskew: 0 },
      { advbase: 1, advskew: 254 },
      { advbase: 2, advskew: 0 },
    ];
    expect([...paces].reverse().sort((a, b) => rank(a) - rank(b))).toEqual(paces);
  });
});

describe('the effective skew', () => {
  it.each([
    [0, 0, 0],
    [100, 0, 100],
    [0, 240, 240],
    [100, 240, 240],
    [254, 0, 240],
    [10, -20, 0],
  ])('of %i demoted by %i is %i', (skew, demotion, effective) =>
    expect(effectiveAdvskew(skew, demotion)).toBe(effective),
  );
});
