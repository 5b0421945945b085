/** The table against the plainest model of it: a map from key to marks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OWN_SIDE, PEER_SIDE } from '../../../firmware/core/flows/bucket-digests.ts';
import { BUCKETS } from '../../../firmware/core/flows/bucket-set.ts';
import { bucketOf, DEAD, FlowTable, marks } from '../../../firmware/core/flows/flow-table.ts';
import { Prng } from '../../simulator/prng.ts';
import { keyOf } from './flow-stage.ts';

const signedKey = (id: number): [number, number] => {
  const [low, high] = keyOf(id);
  return [low | 0, high | 0];
};

function put(table: FlowTable, id: number, flowMarks: number): number {
  const [low, high] = signedKey(id);
  const found = table.find(low, high);
  const slot = found < 0 ? table.insert(low, high) : found;
  if (slot >= 0) table.set(slot, flowMarks | marks.used);
  return slot;
}

function marksOf(table: FlowTable, id: number): number | undefined {
  const slot = table.find(...signedKey(id));
  return slot < 0 ? undefined : table.marks(slot);
}

/** Ids all of whose flows have their home in the last bucket, so that they wrap round the end. */
function idsOfLastBucket(count: number): number[] {
  const ids: number[] = [];
  for (let id = 0; ids.length < count; id += 1) {
    if (bucketOf(...signedKey(id)) === BUCKETS - 1) ids.push(id);
  }
  return ids;
}

const step = fc.record({
  id: fc.integer({ min: 0, max: 60 }),
  marks: fc.constantFrom(0, marks.own, marks.established, marks.own | marks.closing, marks.buried),
  removes: fc.boolean(),
});

describe('the table of flows', () => {
  it('is a map, with counts and digests that only depend on what is in it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, inOneBucket) => {
        const table = new FlowTable(1, 1_000);
        const model = new Map<number, number>();
        const crowded = inOneBucket ? CROWD : undefined;
        for (const { id: number, marks: flowMarks, removes } of steps) {
          const id = crowded?.[number] ?? number;
          if (removes && model.delete(id)) table.remove(table.find(...signedKey(id)));
          else if (!removes) {
            put(table, id, flowMarks);
            model.set(id, flowMarks | marks.used);
          }
        }
        for (const id of crowded ?? Array.from({ length: 61 }, (_, index) => index)) {
          expect(marksOf(table, id)).toBe(model.get(id));
        }
        expectCounts(table, model);
        const again = new FlowTable(1, 1_000);
        for (const [id, flowMarks] of [...model].reverse()) put(again, id, flowMarks);
        expect(digestsOf(again)).toEqual(digestsOf(table));
      }),
      { seed: 1 },
    );
  });

  it('grows as needed, keeps everything, and takes less than 64 bytes a flow', () => {
    const table = new FlowTable(1, 1_000_000);
    const count = 100_000;
    for (let id = 0; id < count; id += 1) put(table, id, marks.own);
    for (let id = 0; id < count; id += 97) expect(marksOf(table, id)).toBe(marks.own | marks.used);
    expect(table.bytes / count).toBeLessThan(64);
    let seen = 0;
    table.each((slot) => {
      seen += (table.marks(slot) & marks.own) === 0 ? 0 : 1;
    });
    expect(seen).toBe(count);
  });

  it('takes no more than its bound', () => {
    const table = new FlowTable(1, 3);
    expect([1, 2, 3, 4].map((id) => put(table, id, 0) >= 0)).toEqual([true, true, true, false]);
    expect(table.isFull).toBe(true);
    table.remove(table.find(...signedKey(2)));
    expect(put(table, 4, 0)).toBeGreaterThanOrEqual(0);
  });

  it('shows a bucket whole, even round the end and while it is emptied', () => {
    const table = new FlowTable(1, 10_000);
    for (const id of CROWD) put(table, id, marks.established);
    for (let id = 1_000_000; id < 1_001_500; id += 1) put(table, id, 0);
    const others = bucketIds(table).length - CROWD.length;
    let shown = 0;
    table.eachOf(BUCKETS - 1, (slot) => {
      shown += 1;
      if ((table.marks(slot) & marks.established) !== 0) table.remove(slot);
    });
    expect(shown).toBe(CROWD.length + others);
    expect(bucketIds(table)).toHaveLength(others);
    for (let id = 1_000_000; id < 1_001_500; id += 1) expect(marksOf(table, id)).toBe(marks.used);
  });

  it('wipes marks that do not count', () => {
    const table = new FlowTable(1, 100);
    put(table, 1, marks.own | marks.told | marks.present);
    table.wipe(marks.told);
    expect(marksOf(table, 1)).toBe(marks.used | marks.own | marks.present);
  });

  it('remembers what has gone only while the table of the kernel is walked', () => {
    const table = new FlowTable(1, 100);
    put(table, 1, marks.own);
    put(table, 2, marks.own);
    table.isWalked = true;
    table.bury(table.find(...signedKey(1)));
    table.isWalked = false;
    table.bury(table.find(...signedKey(2)));
    expect(marksOf(table, 1)).toBe(marks.used | marks.buried);
    expect(marksOf(table, 2)).toBeUndefined();
    expect(table.count(OWN_SIDE)).toBe(0);
  });

  it('tells content apart in its digests', () => {
    const [one, other] = [new FlowTable(1, 100), new FlowTable(1, 100)];
    put(one, 1, marks.established);
    put(other, 1, marks.established | marks.closing);
    expect(digestsOf(one)).not.toEqual(digestsOf(other));
  });
});

const CROWD = idsOfLastBucket(61);

function bucketIds(table: FlowTable): number[] {
  const slots: number[] = [];
  table.eachOf(BUCKETS - 1, (slot) => slots.push(slot));
  return slots;
}

function digestsOf(table: FlowTable): string[] {
  const all: string[] = [];
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    for (const side of [OWN_SIDE, PEER_SIDE] as const) {
      const { digests } = table;
      const print = digests.digest(side, bucket);
      const flows = digests.flows(side, bucket);
      const counts = `${flows} flows, ${digests.established(side, bucket)} established`;
      if (flows + print > 0) all.push(`${bucket} of ${side}: ${print}, ${counts}`);
    }
  }
  return all;
}

function expectCounts(table: FlowTable, model: ReadonlyMap<number, number>): void {
  const living = [...model.values()].filter((flowMarks) => (flowMarks & DEAD) === 0);
  const own = living.filter((flowMarks) => (flowMarks & marks.own) !== 0).length;
  expect([table.count(OWN_SIDE), table.count(PEER_SIDE)]).toEqual([own, living.length - own]);
  expect(table.size).toBe(model.size);
}

it('spreads the keys of the tests', () => {
  const prng = new Prng(5);
  const buckets = new Set(
    Array.from({ length: 500 }, () => bucketOf(...signedKey(prng.between(0, 1e6)))),
  );
  expect(buckets.size).toBeGreaterThan(400);
});
