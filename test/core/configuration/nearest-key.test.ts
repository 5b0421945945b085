// The known key that was probably meant.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editDistance, nearestKey } from '../../../firmware/core/configuration/nearest-key.ts';

const KNOWN = ['name', 'interface', 'vhid', 'address', 'aliases', 'password', 'advertise', 'peer'];

describe('the nearest key', () => {
  test.each([
    ['adress', 'address'],
    ['vhdi', 'vhid'],
    ['Interface', 'interface'],
    ['interfaces', 'interface'],
    ['pasword', 'password'],
    ['aliasses', 'aliases'],
    ['nmae', 'name'],
  ])('%s means %s', (written, meant) => {
    expect(nearestKey(written, KNOWN)).toBe(meant);
  });

  test.each(['gateway', 'x', 'mtu', '', 'colour'])('%j means none of them', (written) => {
    expect(nearestKey(written, KNOWN)).toBeUndefined();
  });

  test('distance is a metric: zero for the same, symmetric, at most the longer length', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abcd'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance === 0).toBe(a === b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
