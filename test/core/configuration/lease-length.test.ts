// The lease is always over before anybody may take over.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  leaseLength,
  SHORTEST_DEAD_TIME,
} from '../../../firmware/core/configuration/lease-length.ts';
import { masterDownInterval } from '../../../firmware/core/election/interval.ts';

const pace = fc.record({ advbase: fc.nat(255), advskew: fc.nat(254) });

describe('the lease', () => {
  test('is at most half of every dead time and at most 45 ms', () => {
    fc.assert(
      fc.property(fc.array(pace), (paces) => {
        const lease = leaseLength(paces);
        expect(lease).toBeLessThanOrEqual(45_000);
        for (const each of paces) expect(2 * lease).toBeLessThanOrEqual(masterDownInterval(each));
      }),
    );
  });

  test.each([
    [
      [
        { advbase: 1, advskew: 0 },
        { advbase: 1, advskew: 100 },
      ],
      45_000,
    ],
    [
      [
        { advbase: 0, advskew: 5 },
        { advbase: 0, advskew: 10 },
      ],
      29_296,
    ],
    [[{ advbase: 0, advskew: 2 }], 11_718],
    [[], 45_000],
  ])('%j: %i microseconds', (paces, length) => {
    expect(leaseLength(paces)).toBe(length);
  });

  test('an accepted configuration leaves at least 10 ms', () => {
    fc.assert(
      fc.property(
        fc.array(pace.filter((each) => masterDownInterval(each) >= SHORTEST_DEAD_TIME)),
        (paces) => {
          expect(leaseLength(paces)).toBeGreaterThanOrEqual(10_000);
        },
      ),
    );
  });
});
