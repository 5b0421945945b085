// Planned changes of master cost nothing. A few of them; `handovers.ts` does hundreds.
import { expect, test } from 'vitest';
import {
  type HandoverCost,
  HandoverSeries,
  type HandoverWay,
  totalCost,
} from './handover-series.ts';
import { HANDOVER_WAYS } from './handover-ways.ts';
import { Rack } from './rack.ts';

const STREAMS = 50;
const ROUNDS = 3;
const NOTHING = { up: 0, down: 0 };

test.each(HANDOVER_WAYS)('$way.name: nothing is lost, nothing is doubled', async (planned) => {
  using rack = await Rack.build();
  const series = await HandoverSeries.start(rack, planned.pair, STREAMS);
  const costs = await halves(series, planned.way);

  expect(totalCost(costs)).toMatchObject({ doubled: NOTHING, arpDoubled: 0 });
  // Where the machine was too slow for a lease or a claim, a datagram may be lost.
  const clean = costs.filter(({ disturbed }) => disturbed === 0);
  expect(clean.length).toBeGreaterThan(0);
  expect(totalCost(clean)).toMatchObject({ lost: NOTHING });
  expect(await series.streamReport()).toMatchObject({ flowing: STREAMS, reset: 0, corrupt: 0 });
  expect(await series.watch.missedFrames()).toBe(0);
});

async function halves(series: HandoverSeries, way: HandoverWay): Promise<HandoverCost[]> {
  const costs: HandoverCost[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { away, back } = await series.round(way);
    costs.push(away, back);
  }
  return costs;
}
