/** Our own numbers are known again, those of others never. */
import { describe, expect, it } from 'vitest';
import { AdvertisementCounter } from '../../../firmware/core/election/advertisement-counter.ts';

describe('the counter of advertisements', () => {
  it('knows what it gave out, and nothing it did not', () => {
    const counter = new AdvertisementCounter(2n ** 64n - 1n);
    expect(counter.isRecent(2n ** 64n - 1n)).toBe(false);
    const taken = Array.from({ length: 5 }, () => counter.take());
    for (const each of taken) expect(counter.isRecent(each)).toBe(true);
    // FreeBSD and ucarp go on from what they heard by ones.
    for (const each of taken) expect(counter.isRecent((each + 1n) % 2n ** 64n)).toBe(false);
    expect(counter.isRecent((taken[0] ?? 0n) - 2n ** 32n)).toBe(false);
  });

  it('stays within 64 bits and never repeats itself soon', () => {
    const counter = new AdvertisementCounter(2n ** 64n - 5n);
    const taken = Array.from({ length: 1000 }, () => counter.take());
    expect(taken.every((each) => each >= 0n && each < 2n ** 64n)).toBe(true);
    expect(new Set(taken).size).toBe(1000);
  });

  it('forgets what is minutes old', () => {
    const counter = new AdvertisementCounter(0n);
    const first = counter.take();
    for (let sent = 1; sent < 256; sent += 1) counter.take();
    expect(counter.isRecent(first)).toBe(true);
    counter.take();
    expect(counter.isRecent(first)).toBe(false);
  });
});
