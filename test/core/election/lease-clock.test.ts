/** When a lease is renewed and when it counts as lapsed. */
import { describe, expect, it } from 'vitest';
import { LeaseClock } from '../../../firmware/core/election/lease-clock.ts';
import { instant, milliseconds } from '../../../firmware/core/time.ts';

describe('the clock of a lease', () => {
  it('says nothing while none is held', () => {
    const clock = new LeaseClock(milliseconds(45));
    expect(clock.renewAt).toBeUndefined();
    expect(clock.lapsedFor(instant(1_000_000))).toBeUndefined();
    clock.renewed(instant(0));
    clock.released();
    expect(clock.renewAt).toBeUndefined();
  });

  it.each([
    [45, 10_000],
    [20, 5_000],
  ])('of %i ms is renewed after %i us and lapses at its end', (length, renewAt) => {
    const clock = new LeaseClock(milliseconds(length));
    clock.renewed(instant(0));
    expect(clock.renewAt).toBe(renewAt);
    expect(clock.lapsedFor(instant(length * 1_000 - 1))).toBeUndefined();
    expect(clock.lapsedFor(instant(length * 1_000))).toBe(length * 1_000);
  });
});
