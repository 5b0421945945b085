/** At once, then less and less often, then at once again. */
import { describe, expect, it } from 'vitest';
import { RepairSchedule } from '../../../firmware/core/node/repair-schedule.ts';
import { instant } from '../../../firmware/core/time.ts';

describe('repairs', () => {
  it('of damage that does not end are 0.1 s apart, then up to 5 s', () => {
    const schedule = new RepairSchedule();
    const repaired: number[] = [];
    for (let time = 0; time < 20_000; time += 50) {
      schedule.demand(instant(time * 1_000));
      if (schedule.due(instant(time * 1_000))) repaired.push(time);
    }
    const gaps = repaired.slice(1).map((time, index) => time - (repaired[index] ?? 0));
    expect(gaps).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });

  it('are at once again after a quiet time, and none when nothing is asked for', () => {
    const schedule = new RepairSchedule();
    expect(schedule.due(instant(0))).toBe(false);
    for (const time of [0, 50_000]) schedule.demand(instant(time));
    expect(schedule.due(instant(50_000))).toBe(true);
    schedule.demand(instant(60_000));
    expect(schedule.nextTimeout()).toBe(150_000);
    expect(schedule.due(instant(150_000))).toBe(true);
    schedule.demand(instant(20_000_000));
    expect(schedule.due(instant(20_000_000))).toBe(true);
    expect(schedule.nextTimeout()).toBeUndefined();
  });
});
