// Durations as people write them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatDuration,
  parseDuration,
} from '../../../firmware/core/configuration/duration-text.ts';
import { milliseconds } from '../../../firmware/core/time.ts';

describe('durations', () => {
  test('what is written reads back, for every whole number of milliseconds', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), (count) => {
        const duration = milliseconds(count);
        expect(parseDuration(formatDuration(duration))).toBe(duration);
      }),
    );
  });

  test('a count and a unit are their product', () => {
    const units = { ms: 1_000, s: 1_000_000, m: 60_000_000, h: 3_600_000_000 };
    fc.assert(
      fc.property(fc.nat(999_999), fc.constantFrom('ms', 's', 'm', 'h'), (count, unit) => {
        expect(parseDuration(`${count}${unit}`)).toBe(count * units[unit]);
      }),
    );
  });

  test('nothing else is a duration', () => {
    const pattern = /^(0|(0|[1-9]\d{0,8})(ms|s|m|h))$/;
    const near = fc.string({ unit: fc.constantFrom(...'0123456789smh.-+ e'), maxLength: 6 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        expect(parseDuration(text) !== undefined).toBe(pattern.test(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([10, 0.5, -1, Number.NaN, '999999999999s', '10 s', '1.5s', '1m30s', '', '٣s'])(
    '%s is refused',
    (value) => expect(parseDuration(value)).toBeUndefined(),
  );

  test.each([0, '0', '0s', '0ms'])('%j is no time at all', (value) => {
    expect(parseDuration(value)).toBe(0);
  });

  test.each([
    [90_000, '90ms'],
    [60_000_000, '1m'],
    [90_000_000, '90s'],
    [0, '0'],
    [1_500, '1.5ms'],
  ])('%i microseconds are shown as %s', (count, text) => {
    expect(formatDuration(milliseconds(count / 1_000))).toBe(text);
  });
});
