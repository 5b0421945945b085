/** When a silence is suspicious, and when it is death. */
import { describe, expect, it } from 'vitest';
import { Liveness } from '../../../firmware/core/peer/liveness.ts';
import { milliseconds } from '../../../firmware/core/time.ts';
import { at } from './relation-stage.ts';

const RULE = { interval: milliseconds(10), deadTime: milliseconds(32) };
const heard = (rule = RULE): Liveness => {
  const liveness = new Liveness(rule);
  liveness.heard(at(0));
  return liveness;
};

/** What is said at each moment it asks to be woken at. */
function wakes(liveness: Liveness, severed = false): string[] {
  const said: string[] = [];
  for (let next = liveness.nextTimeout(); next !== undefined; next = liveness.nextTimeout()) {
    const news = liveness.settle(next, severed);
    said.push(`${(next - at(0)) / 1000}: ${news}, ${liveness.verdict}`);
  }
  return said;
}

describe('a peer', () => {
  it('is unknown until it is heard, and nothing is waited for', () => {
    const liveness = new Liveness(RULE);
    expect([liveness.verdict, liveness.nextTimeout()]).toEqual(['unknown', undefined]);
    expect(liveness.settle(at(0), true)).toBeUndefined();
    expect(liveness.heard(at(1))).toBe(true);
    expect(liveness.heard(at(2))).toBe(false);
  });

  it('is asked twice when three beats are missing, and is dead when it does not answer', () => {
    expect(wakes(heard())).toEqual(['32: ask, suspect', '37: ask, suspect', '42: died, dead']);
  });

  it('is asked at once when the cable is cut, but is not dead before its time', () => {
    const liveness = heard();
    expect(liveness.settle(at(1), true)).toBe('ask');
    expect(wakes(liveness, true)).toEqual(['6: ask, suspect', '32: died, dead']);
  });

  it('is never dead before the dead time, however fast the beats are', () => {
    const fast = heard({ interval: milliseconds(4), deadTime: milliseconds(60) });
    expect(wakes(fast).at(-1)).toBe('60: died, dead');
  });

  it('is asked in rounds of 10 ms at most when beats are slow', () => {
    const slow = heard({ interval: milliseconds(100), deadTime: milliseconds(320) });
    expect(wakes(slow)).toEqual(['320: ask, suspect', '330: ask, suspect', '340: died, dead']);
  });

  it('that answers lives', () => {
    const liveness = heard();
    liveness.settle(at(32), false);
    liveness.settle(at(37), false);
    liveness.heard(at(38));
    expect(liveness.settle(at(42), false)).toBeUndefined();
    expect([liveness.verdict, liveness.nextTimeout()]).toEqual(['alive', at(70)]);
  });

  it('is asked before it is judged by one that slept itself', () => {
    const liveness = heard();
    expect(liveness.settle(at(5_000), false)).toBe('ask');
    expect(liveness.verdict).toBe('suspect');
  });

  it('that takes its leave is dead at once', () => {
    const liveness = heard();
    liveness.left(at(1));
    expect([liveness.verdict, liveness.nextTimeout()]).toEqual(['dead', undefined]);
  });

  it('that speaks otherwise is unknown again', () => {
    const liveness = heard();
    liveness.forget();
    expect([liveness.verdict, liveness.heardAt]).toEqual(['unknown', undefined]);
  });
});
