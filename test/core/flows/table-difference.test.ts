/** What two readings of kernel tables differ in, as sets would tell it. */
import { describe, expect, it } from 'vitest';
import {
  keyOf,
  lastingDifference,
  sortedEntries,
  tableDifference,
} from '../../../firmware/core/flows/table-difference.ts';
import { Prng } from '../../simulator/prng.ts';

const entries = (...words: bigint[]): BigUint64Array => BigUint64Array.from(words).sort();

describe('the difference of two tables', () => {
  it.each([
    ['of two empty ones is none', [], [], [[], [], []]],
    ['of equal ones is none', [2n, 5n], [2n, 5n], [[], [], []]],
    ['names what only this node has', [2n, 5n, 8n], [8n], [[2n, 5n], [], []]],
    ['names what only the peer has', [4n], [2n, 4n, 9n], [[], [2n, 9n], []]],
    ['names what is established at one only', [2n, 5n], [3n, 4n], [[], [], [2n, 5n]]],
    ['does not mind flows that are shown twice', [2n, 2n, 5n], [2n, 4n, 5n], [[], [], [5n]]],
  ] as const)('%s', (_, own, peer, [missing, surplus, changed]) => {
    const found = tableDifference(entries(...own), entries(...peer));
    const [, , change] = [missing, surplus, changed];
    expect({ ...found, changed: found.changed.map(keyOf) }).toEqual({
      missing,
      surplus,
      changed: change.map(keyOf),
    });
  });

  it('is that of sets, whatever the tables', () => {
    const prng = new Prng(4);
    for (let run = 0; run < 200; run += 1) {
      const table = (): bigint[] =>
        Array.from({ length: prng.between(0, 60) }, () => BigInt(2 * prng.between(0, 80) + 1));
      const [own, peer] = [table(), table()];
      const [mine, its] = [new Set(own), new Set(peer)];
      const order = (one: bigint, other: bigint): number => Number(one - other);
      expect(tableDifference(entries(...own), entries(...peer))).toEqual({
        missing: [...mine].filter((key) => !its.has(key)).sort(order),
        surplus: [...its].filter((key) => !mine.has(key)).sort(order),
        changed: [],
      });
    }
  });

  it('that lasts is what was there before in the same way', () => {
    const before = { missing: [3n, 5n], surplus: [9n], changed: [12n] };
    const later = { missing: [2n, 9n], surplus: [9n, 13n], changed: [] };
    const lasting = { missing: [2n], surplus: [9n], changed: [] };
    expect(lastingDifference(before, later)).toEqual(lasting);
  });
});

it('entries are read as they lie in a datagram, and put in order', () => {
  const bytes = new Uint8Array(17).subarray(1);
  bytes.set([7, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]);
  expect([...sortedEntries(bytes)]).toEqual([8n, 0x1_0000_0007n]);
  expect(() => sortedEntries(bytes.subarray(1))).toThrow(RangeError);
});
