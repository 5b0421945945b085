import { expect, test } from 'vitest';
import { FloodGuard } from '../../firmware/kernel/flood-guard.ts';

const BATCH = 16;

/** Reads whole batches every so many microseconds; how many until it counts as flooded. */
function readsUntilFlooded(guard: FloodGuard, each: number, from = 0): number {
  for (let reads = 1; reads <= 10_000; reads++) {
    guard.took(BATCH, from + reads * each);
    if (guard.nextRead !== undefined) return reads;
  }
  return Infinity;
}

test('a burst of 64 batches passes, the next is a flood', () => {
  expect(readsUntilFlooded(new FloodGuard(BATCH), 1)).toBe(65);
});

test('a quarter of a batch every 2 ms passes for ever', () => {
  expect(readsUntilFlooded(new FloodGuard(BATCH), 8_000)).toBe(Infinity);
});

test('twice as many do not, nor one datagram at a time', () => {
  expect(readsUntilFlooded(new FloodGuard(BATCH), 4_000)).toBeLessThan(200);
  const guard = new FloodGuard(BATCH);
  let now = 0;
  for (; guard.nextRead === undefined && now < 1_000_000; now += 20) guard.took(1, now);
  expect(now).toBeLessThan(100_000);
});

test('a flooded socket is read every 2 ms until a read finds less than a batch', () => {
  const guard = new FloodGuard(BATCH);
  readsUntilFlooded(guard, 1);
  guard.took(BATCH, 10_000);
  expect(guard.nextRead).toBe(12_000);
  guard.took(BATCH, 12_500);
  expect(guard.nextRead).toBe(14_500);
  guard.took(BATCH - 1, 14_500);
  expect(guard.nextRead).toBeUndefined();
});

test('a burst is earned anew only by a pause', () => {
  const guard = new FloodGuard(BATCH);
  readsUntilFlooded(guard, 1);
  guard.took(0, 1_000);
  expect(readsUntilFlooded(guard, 1, 1_000)).toBe(1);
  guard.took(0, 2_000);
  expect(readsUntilFlooded(guard, 1, 600_000)).toBe(65);
});
