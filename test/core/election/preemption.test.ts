/** When a better BACKUP may replace a living MASTER. */
import { describe, expect, it } from 'vitest';
import { Preemption } from '../../../firmware/core/election/preemption.ts';
import { instant, seconds } from '../../../firmware/core/time.ts';

const HEALTHY = { advbase: 1, advskew: 100 };
const DEMOTED = { advbase: 1, advskew: 240 };
const at = (second: number) => instant(second * 1_000_000);

describe('preemption', () => {
  it('waits the delay from the last improvement', () => {
    const preemption = new Preemption({ enabled: true, delay: seconds(10) }, at(0));
    expect(preemption.permits(HEALTHY, at(9))).toBe(false);
    expect(preemption.permits(HEALTHY, at(10))).toBe(true);
    preemption.improved(at(15));
    expect(preemption.permits(HEALTHY, at(24))).toBe(false);
    expect(preemption.permits(HEALTHY, at(25))).toBe(true);
  });

  it('replaces a demoted master at once, even when failback is switched off', () => {
    const eager = new Preemption({ enabled: true, delay: seconds(10) }, at(0));
    const never = new Preemption({ enabled: false, delay: seconds(0) }, at(0));
    expect(eager.permits(DEMOTED, at(0))).toBe(true);
    expect(never.permits(DEMOTED, at(0))).toBe(true);
  });

  it('leaves a healthy master alone when switched off, until the rule changes', () => {
    const preemption = new Preemption({ enabled: false, delay: seconds(0) }, at(0));
    expect(preemption.permits(HEALTHY, at(999))).toBe(false);
    preemption.change({ enabled: true, delay: seconds(1) });
    expect(preemption.permits(HEALTHY, at(999))).toBe(true);
  });
});
