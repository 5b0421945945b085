// Problems are one line and never show a secret.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  describeSecret,
  describeValue,
  formatPath,
  formatProblem,
} from '../../../firmware/core/configuration/problem.ts';

describe('problems', () => {
  test.each([
    [[], ''],
    [['vips', 2, 'aliases', 0], 'vips[2].aliases[0]'],
    [['interfaces', 'a.b', 'device'], 'interfaces."a.b".device'],
  ])('the path %j is shown as %s', (path, text) => {
    expect(formatPath(path)).toBe(text);
  });

  test.each([
    [undefined, 'nothing'],
    [null, 'nothing'],
    [0, '0'],
    [false, 'false'],
    ['a"b', '"a\\"b"'],
    [[], 'an empty list'],
    [[1], 'a list'],
    [{}, 'a mapping'],
    ['x'.repeat(100), `"${'x'.repeat(60)}..."`],
  ])('%j is described as %s', (value, text) => {
    expect(describeValue(value)).toBe(text);
  });

  test('whatever was found fits on one line', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (key, value) => {
        const line = formatProblem({ path: [key], found: describeValue(value), expected: 'x' });
        expect(line).not.toMatch(/[\n\r]/);
      }),
    );
  });

  test('a secret is described by its length only', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (secret) => {
        expect(describeSecret(secret)).toBe(`a text of ${Buffer.byteLength(secret)} bytes`);
      }),
    );
    expect(describeSecret(1234)).toBe('a number');
  });
});
