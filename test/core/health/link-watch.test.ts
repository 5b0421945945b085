/** Loss counts at once, return after it has lasted. */
import { describe, expect, it } from 'vitest';
import { type LinkObservation, LinkWatch } from '../../../firmware/core/health/link-watch.ts';
import { instant, seconds } from '../../../firmware/core/time.ts';

const UP: LinkObservation = { present: true, carrier: true, addressed: true };
const DOWN: LinkObservation = { ...UP, carrier: false };
const at = (milliseconds: number) => instant(milliseconds * 1_000);

describe('a link', () => {
  it('seen up first is usable at once', () => {
    const watch = new LinkWatch(seconds(1));
    expect(watch.observed).toBe(false);
    expect(watch.explanation).toBe('not looked at yet');
    watch.observe(UP, at(0));
    expect([watch.observed, watch.usable, watch.explanation]).toEqual([true, true, 'usable']);
    expect(watch.nextTimeout()).toBeUndefined();
  });

  it('lost is unusable at once and usable after the debounce time', () => {
    const watch = new LinkWatch(seconds(1));
    watch.observe(UP, at(0));
    watch.observe(DOWN, at(10));
    expect(watch.usable).toBe(false);
    watch.observe(UP, at(100));
    expect(watch.explanation).toBe('carrier is back, waiting for it to stay');
    expect(watch.nextTimeout()).toBe(at(1_100));
    watch.settle(at(1_099));
    expect(watch.usable).toBe(false);
    watch.settle(at(1_100));
    expect(watch.usable).toBe(true);
  });

  it('that flaps starts its wait anew', () => {
    const watch = new LinkWatch(seconds(1));
    watch.observe(UP, at(0));
    watch.observe(DOWN, at(10));
    watch.observe(UP, at(100));
    watch.observe(DOWN, at(1_000));
    watch.settle(at(1_100));
    expect([watch.usable, watch.nextTimeout()]).toEqual([false, undefined]);
    watch.observe(UP, at(2_000));
    watch.observe(UP, at(2_500));
    expect(watch.nextTimeout()).toBe(at(3_000));
  });

  it.each([
    [{ ...UP, present: false, carrier: false }, 'no such device'],
    [DOWN, 'no carrier'],
    [{ ...UP, addressed: false }, 'no real address'],
  ])('%o: %s', (seen, words) => {
    const watch = new LinkWatch(seconds(1));
    watch.observe(seen, at(0));
    expect([watch.usable, watch.explanation]).toEqual([false, words]);
  });
});
