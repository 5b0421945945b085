/** Reasons stand by themselves and none sticks. */
import { describe, expect, it } from 'vitest';
import { DemotionLedger } from '../../../firmware/core/election/demotion.ts';
import { instant } from '../../../firmware/core/time.ts';

const LINK = { reason: 'link:lan', weight: 240, owner: 'link-watch' };
const LATE = { reason: 'late', weight: 100, owner: 'election', expires: instant(50) };

describe('the ledger of demotions', () => {
  it('adds weights up and takes them back', () => {
    const ledger = new DemotionLedger();
    expect(ledger.raise(LINK, instant(1))).toBe(true);
    expect(ledger.raise(LATE, instant(2))).toBe(true);
    expect(ledger.total()).toBe(340);
    expect(ledger.clear('link:lan')).toBe(true);
    expect(ledger.clear('link:lan')).toBe(false);
    expect(ledger.total()).toBe(100);
    expect(ledger.has('late')).toBe(true);
  });

  it('raised twice counts once, keeps its beginning and takes the new expiry', () => {
    const ledger = new DemotionLedger();
    ledger.raise(LATE, instant(2));
    expect(ledger.raise({ ...LATE, expires: instant(90) }, instant(10))).toBe(false);
    expect(ledger.list()).toEqual([{ ...LATE, since: 2, expires: 90 }]);
    expect(ledger.total()).toBe(100);
  });

  it('lets expire what may, at its moment', () => {
    const ledger = new DemotionLedger();
    ledger.raise(LINK, instant(1));
    expect(ledger.nextExpiry()).toBeUndefined();
    ledger.raise(LATE, instant(2));
    expect(ledger.nextExpiry()).toBe(50);
    expect(ledger.expire(instant(49))).toEqual([]);
    expect(ledger.expire(instant(50))).toEqual(['late']);
    expect(ledger.list().map(({ reason }) => reason)).toEqual(['link:lan']);
  });
});
