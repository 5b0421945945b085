import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKETS, BucketSet } from '../../../firmware/core/flows/bucket-set.ts';

const bucket = fc.integer({ min: 0, max: BUCKETS - 1 });

describe('a set of buckets', () => {
  it('is what was put in and not taken out', () => {
    fc.assert(
      fc.property(fc.array(bucket), fc.array(bucket), (added, removed) => {
        const set = new BucketSet();
        for (const one of added) set.add(one);
        for (const one of removed) set.remove(one);
        const expected = new Set(added.filter((one) => !removed.includes(one)));
        expect(set.list()).toEqual([...expected].sort((one, other) => one - other));
        expect(set.size).toBe(expected.size);
        expect(set.isEmpty).toBe(expected.size === 0);
      }),
      { seed: 1 },
    );
  });

  it('is copied by its bits', () => {
    const set = new BucketSet();
    for (const one of [0, 9, BUCKETS - 1]) set.add(one);
    const copy = new BucketSet(set.bits);
    set.clear();
    expect(copy.list()).toEqual([0, 9, BUCKETS - 1]);
    expect(set.isEmpty).toBe(true);
  });

  it('may hold all', () => {
    const set = new BucketSet();
    set.fill();
    expect([set.isFull, set.size, set.list().length]).toEqual([true, BUCKETS, BUCKETS]);
    set.remove(3);
    expect([set.isFull, set.has(3), set.has(4)]).toEqual([false, false, true]);
  });
});
