/** Alerts begin once, last, and end. */
import { describe, expect, it } from 'vitest';
import { AlertLedger } from '../../../firmware/core/telemetry/alert-ledger.ts';
import { instant, microseconds } from '../../../firmware/core/time.ts';

describe('the ledger of alerts', () => {
  it('keeps the beginning and takes the newest words', () => {
    const ledger = new AlertLedger();
    expect(ledger.raise('digest:lan', 'from a', instant(1))).toBe(true);
    expect(ledger.raise('digest:lan', 'from b', instant(5))).toBe(false);
    expect(ledger.list()).toEqual([
      { code: 'digest:lan', text: 'from b', since: 1, expires: undefined },
    ]);
    expect(ledger.has('digest:lan')).toBe(true);
  });

  it('is cleared once', () => {
    const ledger = new AlertLedger();
    ledger.raise('claim', 'refused', instant(1));
    expect(ledger.clear('claim')).toBe(true);
    expect(ledger.clear('claim')).toBe(false);
    expect(ledger.list()).toEqual([]);
  });

  it('ends by itself when it is not seen again', () => {
    const ledger = new AlertLedger();
    ledger.raise('loop:lan', 'loop', instant(0), microseconds(60));
    ledger.raise('claim', 'refused', instant(0));
    ledger.raise('loop:lan', 'loop', instant(30), microseconds(60));
    expect(ledger.nextExpiry()).toBe(90);
    expect(ledger.expire(instant(89))).toEqual([]);
    expect(ledger.expire(instant(90))).toEqual(['loop:lan']);
    expect(ledger.nextExpiry()).toBeUndefined();
    expect(ledger.has('claim')).toBe(true);
  });
});
