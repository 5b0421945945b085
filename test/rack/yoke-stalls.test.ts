// Daemons that do not get the processor. A stopped master may lose its VIPs or keep them, according
// to the span; what may never happen is that both nodes serve. `stalls.ts` counts and compares.
import { expect, test } from 'vitest';
import { Rack } from './rack.ts';
import { StallStand } from './stall-stand.ts';
import { YokePair } from './yoke-pair.ts';

test.each([50, 500])('stopped for %i ms: never two masters, then as before', async (span) => {
  using rack = await Rack.build();
  const stand = await StallStand.build(rack, new YokePair());
  const { doubleAnswers } = await stand.stall(span);
  expect(doubleAnswers).toBe(0);
  expect(await stand.pair.settled()).toBe('a');
  expect(await stand.watch.missedFrames()).toBe(0);
});

test('stopped for ever: the other node takes over, once', async () => {
  using rack = await Rack.build();
  const stand = await StallStand.build(rack, new YokePair());
  expect(await stand.stop(2000)).toMatchObject({ takeovers: 1, doubleAnswers: 0 });
  expect(await stand.pair.settled()).toBe('a');
});

test('eight busy loops: never two masters', async () => {
  using rack = await Rack.build();
  const stand = await StallStand.build(rack, new YokePair());
  expect(await stand.saturate(8, 5000)).toMatchObject({ doubleAnswers: 0 });
  expect(await stand.pair.settled()).toBe('a');
});
