/** Worse at once, better only after the hold, however the measurement jumps. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type GatewayLevel, isWorse } from '../../../firmware/core/gateways/gateway-states.ts';
import { LevelWatch } from '../../../firmware/core/gateways/level-watch.ts';
import { instant, milliseconds, seconds } from '../../../firmware/core/time.ts';

const HOLD = seconds(10);
const at = (count: number) => instant(count * 1_000_000);

test('what is worse counts at once, what is better after the hold', () => {
  const watch = new LevelWatch(HOLD);
  watch.measure('down', at(1));
  expect(watch.level).toBe('down');
  watch.measure('up', at(2));
  watch.measure('up', at(11.9));
  expect(watch.level).toBe('down');
  expect(watch.nextTimeout()).toBe(at(12));
  watch.settle(at(12));
  expect([watch.level, watch.nextTimeout()]).toEqual(['up', undefined]);
});

test('a relapse begins the hold anew', () => {
  const watch = new LevelWatch(HOLD);
  watch.measure('down', at(1));
  watch.measure('up', at(2));
  watch.measure('down', at(9));
  watch.measure('up', at(10));
  watch.settle(at(19));
  expect(watch.level).toBe('down');
  watch.settle(at(20));
  expect(watch.level).toBe('up');
});

test('after the hold it is as good as the worst within it', () => {
  const watch = new LevelWatch(HOLD);
  watch.measure('down', at(0));
  watch.measure('up', at(1));
  watch.measure('warn', at(5));
  watch.measure('up', at(6));
  watch.settle(at(11));
  expect(watch.level).toBe('warn');
});

test('without a hold everything counts at once', () => {
  const watch = new LevelWatch(seconds(0));
  for (const level of ['down', 'up', 'warn', 'up'] as const) {
    watch.measure(level, at(1));
    expect(watch.level).toBe(level);
  }
});

test('no sequence of measurements makes it better within a hold of getting worse', () => {
  const steps = fc.array(
    fc.record({
      pause: fc.integer({ min: 0, max: 15_000 }),
      level: fc.constantFrom<GatewayLevel>('up', 'warn', 'down'),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (measured) => {
      const watch = new LevelWatch(HOLD);
      let now = instant(0);
      let gotWorseAt = -Infinity;
      for (const { pause, level } of measured) {
        now = instant(now + milliseconds(pause));
        const before = watch.level;
        watch.measure(level, now);
        if (isWorse(watch.level, before)) gotWorseAt = now;
        if (isWorse(before, watch.level)) expect(now - gotWorseAt).toBeGreaterThanOrEqual(HOLD);
        expect(isWorse(level, watch.level)).toBe(false);
      }
    }),
    { seed: 7, numRuns: 500 },
  );
});
