/** A burst at once, then a rate. */
import { describe, expect, it } from 'vitest';
import { Allowance } from '../../../firmware/core/election/allowance.ts';
import { instant, milliseconds } from '../../../firmware/core/time.ts';

describe('an allowance', () => {
  it('is used up by a burst and comes back one by one', () => {
    const allowance = new Allowance(2, milliseconds(100));
    const takeAt = (time: number): boolean => allowance.take(instant(time));
    const times = [0, 0, 0, 99_999, 100_000, 100_001, 1_000_000, 1_000_000, 1_000_000];
    expect(times.map(takeAt)).toEqual([
      ...[true, true, false, false, true, false],
      ...[true, true, false],
    ]);
  });
});
