// Planned changes of master cost nothing. A few of them; `handovers.ts` does hundreds.
import { expect, test } from 'vitest';
import { HandoverSeries, type HandoverWay, totalCost } from './handover-series.ts';
import { HANDOVER_WAYS } from './handover-ways.ts';
import { Rack } from './rack.ts';

const STREAMS = 50;
const ROUNDS = 3;
const NOTHING = { up: 0, down: 0 };

test.each(HANDOVER_WAYS)('$way.name: nothing is lost, nothing is doubled', async (planned) => {
  using rack = await Rack.build();
  const series = await HandoverSeries.start(rack, planned.pair, STREAMS);
  const costs = await rounds(series, planned.way);

  expect(costs).toMatchObject({ lost: NOTHING, doubled: NOTHING, arpDoubled: 0 });
  expect(await series.streamReport()).toMatchObject({ flowing: STREAMS, reset: 0, corrupt: 0 });
  expect(await series.watch.missedFrames()).toBe(0);
});

async function rounds(series: HandoverSeries, way: HandoverWay) {
  const costs = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { away, back } = await series.round(way);
    costs.push(away, back);
  }
  return totalCost(costs);
}
