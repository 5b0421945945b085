// What people may ask of the beats, and the silence that follows from it.
import { describe, expect, test } from 'vitest';
import { beatPace } from '../../../firmware/core/configuration/beat-pace.ts';

describe('the pace of the beats', () => {
  test.each([
    ['normal', 'node', 10_000, 28_000],
    ['fast', 'node', 4_000, 24_000],
    [{ interval: '3ms' }, 'node', 3_000, 24_000],
    [{ interval: '100ms' }, 'node', 100_000, 280_000],
    ['normal', 'vip', 10_000, 90_000],
    ['fast', 'vip', 4_000, 90_000],
    [{ interval: '100ms' }, 'vip', 100_000, 280_000],
  ] as const)('%j with failover: %s', (beats, failover, interval, deadTime) => {
    expect(beatPace({ beats, failover })).toEqual({ interval, deadTime });
  });

  test('off', () => {
    expect(beatPace({ beats: 'off', failover: 'node' })).toBeUndefined();
  });
});
