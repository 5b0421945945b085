/** Too many changes of MASTER hold the pair for a while, longer each time. */
import { describe, expect, it } from 'vitest';
import { FlapGuard } from '../../../firmware/core/peer/flap-guard.ts';
import { seconds } from '../../../firmware/core/time.ts';
import { at } from './relation-stage.ts';

const RULE = { changes: 4, hold: seconds(60) };
const SECOND = 1_000;

/** How long it holds after so many changes, a second apart. */
function heldAfter(changes: number, guard = new FlapGuard(RULE)): number | undefined {
  let last = at(0);
  for (let count = 0; count < changes; count += 1) {
    last = at(count * SECOND);
    guard.record(last);
  }
  const until = guard.heldUntil(last);
  return until === undefined ? undefined : (until - last) / 1_000_000;
}

describe('the guard', () => {
  it('holds after four changes, and twice as long after each further one', () => {
    expect([3, 4, 5, 6, 7, 8, 9].map((count) => heldAfter(count))).toEqual([
      undefined,
      60,
      120,
      240,
      480,
      900,
      900,
    ]);
    expect(heldAfter(100)).toBe(900);
  });

  it('forgets what is ten minutes old', () => {
    const guard = new FlapGuard(RULE);
    for (let count = 0; count < 4; count += 1) guard.record(at(count * 250 * SECOND));
    expect(guard.recent(at(750 * SECOND))).toBe(3);
    expect(guard.heldUntil(at(750 * SECOND))).toBeUndefined();
  });

  it('lets go when the time is over', () => {
    const guard = new FlapGuard(RULE);
    heldAfter(4, guard);
    expect(guard.heldUntil(at(62 * SECOND))).toBe(at(63 * SECOND));
    expect(guard.heldUntil(at(63 * SECOND))).toBeUndefined();
  });

  it('can be switched off, also while it holds', () => {
    const guard = new FlapGuard(RULE);
    heldAfter(4, guard);
    guard.change({ changes: 0, hold: seconds(60) });
    expect(guard.heldUntil(at(4 * SECOND))).toBeUndefined();
    expect(heldAfter(20, guard)).toBeUndefined();
  });
});
