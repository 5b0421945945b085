import { expect, test } from 'vitest';
import { ClientTraffic } from './client-traffic.ts';
import { eventually } from './eventually.ts';
import { Faults } from './faults.ts';
import { Rack } from './rack.ts';
import { VIPS } from './rack-plan.ts';
import { TcpStreams } from './tcp-streams.ts';

/** Node a alone as a plain router that owns both addresses. */
async function plainRouter(): Promise<Rack> {
  const rack = await Rack.build();
  await rack.nodes.a.namespace.ip(
    `addr add ${VIPS.lan.address}/24 dev lan`,
    `addr add ${VIPS.wan.address}/24 dev wan`,
  );
  return rack;
}

test('traffic through a router flows in both directions, and nothing is lost', async () => {
  using rack = await plainRouter();
  const traffic = await ClientTraffic.start(rack, 10);
  const enough = await eventually('a thousand datagrams', async () => {
    const report = await traffic.report(5000);
    return report.through.asked > 1000 ? report : undefined;
  });
  expect(enough.through.lost).toBe(0);
  expect(enough.vip.lost).toBe(0);
  expect(enough.streams).toMatchObject({ streams: 10, open: 10, flowing: 10, corrupt: 0 });
});

test('an interruption is measured as one gap, and streams survive it', async () => {
  using rack = await plainRouter();
  const faults = new Faults(rack);
  const traffic = await ClientTraffic.start(rack, 10);
  traffic.mark();
  await faults.pull('a', 'wan');
  const broken = await eventually('half a second of silence', async () => {
    const report = await traffic.report(0);
    return report.through.openGapUs > 500_000 ? report : undefined;
  });
  expect(broken.vip.openGapUs).toBeLessThan(broken.through.openGapUs);
  await faults.plug('a', 'wan');
  await eventually('traffic again', async () => ((await traffic.flows()) ? true : undefined));
  const { through, streams } = await traffic.report(20_000);
  expect(through.longestGapUs).toBeGreaterThan(500_000);
  expect(through.longestLossRun).toBeGreaterThan(0);
  expect(through.longestLossRun).toBeLessThanOrEqual(through.lost);
  expect(streams).toMatchObject({ flowing: 10, reset: 0 });
});

test('streams that were reset are not counted as survivors', async () => {
  using rack = await plainRouter();
  const server = await TcpStreams.serve(rack.server, 50);
  const { address } = VIPS.wan;
  expect(address).toBe('198.51.100.200');
  const streams = await TcpStreams.connect(rack.client, '198.51.100.100', 5, 50);
  await eventually('all flow', async () =>
    (await streams.report()).flowing === 5 ? true : undefined,
  );
  await server.process.stop('SIGKILL');
  const report = await streams.settled(10_000);
  expect(report.flowing).toBe(0);
  expect(report.reset + report.closed).toBe(5);
});
