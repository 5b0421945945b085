// Networks as text and as numbers, and sets of them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  mergedSpans,
  type Spans,
  spansInclude,
  spansOverlap,
} from '../../../firmware/core/configuration/spans.ts';
import {
  formatNetwork,
  parseNetwork,
} from '../../../firmware/core/configuration/written-network.ts';
import { formatPorts, parsePorts } from '../../../firmware/core/configuration/written-ports.ts';

describe('a network', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7/32', '192.0.2.7'],
    ['192.0.2.7/24', '192.0.2.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['192.0.2.0-192.0.2.255', '192.0.2.0/24'],
    ['192.0.2.1-192.0.2.4', '192.0.2.1-192.0.2.4'],
    ['2001:DB8::5/64', '2001:db8::/64'],
    ['::/0', '::/0'],
    ['2001:db8::1-2001:db8::ff', '2001:db8::1-2001:db8::ff'],
  ])('%s is %s', (text, canonical) => {
    const network = parseNetwork(text);
    expect(network && formatNetwork(network)).toBe(canonical);
  });

  test.each(['', '192.0.2', '192.0.2.1/33', '192.0.2.9-192.0.2.1', '192.0.2.1-::1', 'lan', '-'])(
    '"%s" is none',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined();
    },
  );

  test('is read as it was written', () => {
    const range = fc.tuple(fc.bigInt(0n, 0xffffffffn), fc.bigInt(0n, 0xffffffffn));
    fc.assert(
      fc.property(fc.constantFrom(4, 6), range, (family, [a, b]) => {
        const shift = family === 4 ? 0n : 64n;
        const [first, last] = (a < b ? [a, b] : [b, a]).map((each) => each << shift);
        const network = { family, span: { first: first ?? 0n, last: last ?? 0n } } as const;
        expect(parseNetwork(formatNetwork(network))).toEqual(network);
      }),
    );
  });
});

test.each([
  [80, '80'],
  ['8000-8100', '8000-8100'],
  ['443-443', '443'],
  [0, undefined],
  ['0-5', undefined],
  [65_536, undefined],
  ['9-8', undefined],
  ['http', undefined],
])('port %s is %s', (written, text) => {
  const span = parsePorts(written);
  expect(span && formatPorts(span)).toBe(text);
});

describe('spans are sets', () => {
  const spans = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 4 })).map(([at, more]) => ({
      first: BigInt(at),
      last: BigInt(at + more),
    })),
    { maxLength: 6 },
  );
  const members = (set: Spans): Set<number> =>
    new Set(
      set.flatMap(({ first, last }) =>
        Array.from({ length: Number(last - first) + 1 }, (_, at) => Number(first) + at),
      ),
    );

  test('of the same members, written in one way', () => {
    fc.assert(
      fc.property(spans, (some) => {
        const merged = mergedSpans(some);
        expect(members(merged)).toEqual(members(some));
        for (const [at, span] of merged.entries()) {
          expect(span.first).toBeGreaterThan((merged[at - 1]?.last ?? -2n) + 1n);
        }
      }),
    );
  });

  test('that include and overlap as sets do', () => {
    fc.assert(
      fc.property(spans, spans, (some, others) => {
        const [one, other] = [mergedSpans(some), mergedSpans(others)];
        expect(spansInclude(one, other)).toBe(members(other).isSubsetOf(members(one)));
        expect(spansOverlap(one, other)).toBe(!members(one).isDisjointFrom(members(other)));
      }),
    );
  });
});
