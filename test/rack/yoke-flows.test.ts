// Connections through a stateful gateway with source NAT to the WAN VIP, where only what the kernel
// knows passes: they live on at the other node as if nothing had happened.
import { expect, test } from 'vitest';
import { ClientTraffic, watchVips } from './client-traffic.ts';
import { Drills } from './drill.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import { YokePair, type YokeSpeaker } from './yoke-pair.ts';

const STREAMS = 200;

async function stage(
  rack: Rack,
): Promise<{ watch: Awaited<ReturnType<typeof watchVips>>; pair: Pair<YokeSpeaker> }> {
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair());
  for (const speaker of Object.values(pair.speakers)) {
    await speaker.untilStatus('has the flows of the peer', ({ flows }) => flows?.synced === true);
  }
  return { watch, pair };
}

test('TCP through NAT survives a power loss, and the way back', async () => {
  using rack = await Rack.build({ firewall: 'snat' });
  const { watch, pair } = await stage(rack);
  const traffic = await ClientTraffic.start(rack, STREAMS);
  const drills = new Drills(rack, pair, watch, traffic);

  const result = await drills.run('power loss');
  expect(result).toMatchObject({ from: 'a', recovered: true, streamsPreserved: STREAMS });

  await drills.undo('power loss', 'a');
  const report = await traffic.report(15_000);
  expect(report.streams).toMatchObject({ flowing: STREAMS });
});
