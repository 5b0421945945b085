import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordBacklog } from '../../../firmware/core/flows/record-backlog.ts';
import { writeRecord } from './flow-stage.ts';

/** A record of flow `id`, and the version it carries. */
function record(id: number, version: number, padding = 0): Uint8Array {
  const bytes = new Uint8Array(200);
  return bytes.subarray(0, writeRecord(bytes, 0, 1, id, { version, flags: 0 }, padding));
}

const versionAt = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 16, true);
const idAt = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 12, true);

function takeAll(backlog: RecordBacklog): number[] {
  const versions: number[] = [];
  for (let at = backlog.first(); at >= 0; at = backlog.first()) {
    versions.push(versionAt(backlog.buffer, at));
    backlog.drop();
  }
  return versions;
}

describe('the backlog', () => {
  it('gives back in order what still stands', () => {
    const backlog = new RecordBacklog(10_000, (_bytes, _at, stamp) => stamp % 2 === 0);
    for (let stamp = 0; stamp < 10; stamp += 1) backlog.push(record(stamp, stamp), 0, stamp);
    expect(takeAll(backlog)).toEqual([0, 2, 4, 6, 8]);
    expect(backlog.isEmpty).toBe(true);
  });

  it('keeps of each flow the newest, in as much memory as that takes', () => {
    const newest = new Map<number, number>();
    const backlog = new RecordBacklog(64 * 1024, (bytes, at, stamp) => {
      return newest.get(idAt(bytes, at)) === stamp;
    });
    for (let stamp = 1; stamp <= 50_000; stamp += 1) {
      newest.set(stamp % 100, stamp);
      expect(backlog.push(record(stamp % 100, stamp), 0, stamp)).toBe(true);
    }
    expect(backlog.bytes).toBeLessThanOrEqual(64 * 1024);
    expect(takeAll(backlog)).toEqual(Array.from({ length: 100 }, (_, index) => 49_901 + index));
  });

  it('says so when it is full, and takes again when half is free', () => {
    const backlog = new RecordBacklog(128 * 1024, () => true);
    let taken = 0;
    while (backlog.push(record(taken, taken), 0, taken)) taken += 1;
    expect(backlog.bytes).toBe(128 * 1024);
    expect(backlog.size).toBeLessThanOrEqual(128 * 1024);
    backlog.drop();
    expect(backlog.push(record(1, 1), 0, taken)).toBe(false);
    while (backlog.size > 64 * 1024) backlog.drop();
    expect(backlog.push(record(1, 7), 0, taken)).toBe(true);
    expect(takeAll(backlog).at(-1)).toBe(7);
    expect(backlog.bytes).toBe(0);
  });

  it('knows when what was put in by a stamp has left, across the wrap of stamps', () => {
    const backlog = new RecordBacklog(10_000, () => true);
    const stamps = [0x7fff_fffe, 0x7fff_ffff, -0x8000_0000, -0x7fff_ffff];
    for (const stamp of stamps) backlog.push(record(1, 1), 0, stamp);
    const passed: boolean[][] = [];
    for (; !backlog.isEmpty; backlog.drop()) {
      backlog.first();
      passed.push(stamps.map((stamp) => backlog.hasPassed(stamp)));
    }
    expect(passed).toEqual([
      [false, false, false, false],
      [true, false, false, false],
      [true, true, false, false],
      [true, true, true, false],
    ]);
    expect(backlog.hasPassed(stamps[3]!)).toBe(true);
  });

  it('is a queue whatever is put in and taken out', () => {
    const step = fc.record({ push: fc.boolean(), padding: fc.integer({ min: 0, max: 20 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const backlog = new RecordBacklog(4_096, () => true);
        const model: number[] = [];
        steps.forEach(({ push, padding }, version) => {
          if (push) {
            if (backlog.push(record(version, version, padding), 0, version)) model.push(version);
          } else if (model.length > 0) {
            expect(versionAt(backlog.buffer, backlog.first())).toBe(model.shift());
            backlog.drop();
          }
        });
        expect(takeAll(backlog)).toEqual(model);
        expect(backlog.bytes).toBeLessThanOrEqual(4_096);
      }),
      { seed: 1 },
    );
  });
});
