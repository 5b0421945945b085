/** The window against the plainest model of it: a set of everything that was taken. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayWindow } from '../../firmware/wire/replay-window.ts';

/** How many numbers, with the newest, are told apart. */
const WINDOW = 63 * 32;

describe('the replay window', () => {
  it('reaches back more than a thousand numbers', () => {
    const window = new ReplayWindow();
    window.take(5_000);
    expect(window.isFresh(5_001 - WINDOW)).toBe(true);
    expect(window.isFresh(5_000 - WINDOW)).toBe(false);
    expect(window.isFresh(5_000)).toBe(false);
    expect(window.isFresh(5_001)).toBe(true);
  });

  it('begins with nothing taken', () => {
    const window = new ReplayWindow();
    expect(window.isFresh(0)).toBe(true);
    window.take(0);
    expect(window.isFresh(0)).toBe(false);
  });

  it('forgets all of the ring when it is passed at once', () => {
    const window = new ReplayWindow();
    window.take(5);
    window.take(2_048 + 40);
    expect(window.isFresh(2_048 + 5)).toBe(true);
  });

  it('lets each number through once, in any order', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: -70, max: 70 }) },
      { weight: 2, arbitrary: fc.integer({ min: -WINDOW - 40, max: WINDOW + 40 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 5 * WINDOW }) },
    );
    const start = fc.constantFrom(0, 31, 2_047, 2 ** 32 - 5, 2 ** 53 - 2 ** 24);
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 400 }), (from, steps) => {
        const window = new ReplayWindow();
        const taken = new Set<number>();
        let newest = -1;
        for (const by of [0, ...steps]) {
          const number = Math.max(0, Math.max(newest, from) + by);
          const expected = number > newest - WINDOW && !taken.has(number);
          expect(window.isFresh(number)).toBe(expected || number > newest);
          if (!window.isFresh(number)) continue;
          window.take(number);
          taken.add(number);
          newest = Math.max(newest, number);
        }
      }),
    );
  });
});
