import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { watchVips } from './client-traffic.ts';
import { eventually } from './eventually.ts';
import { Faults } from './faults.ts';
import { Pair } from './pair.ts';
import { startVrrpNeighbour } from './peers/keepalived-pair.ts';
import { startUcarp } from './peers/ucarp-pair.ts';
import { Rack } from './rack.ts';
import { VIP_SEGMENTS, VIPS } from './rack-plan.ts';
import { YokePair } from './yoke-pair.ts';

function workplace(rack: Rack, name: string): string {
  const directory = join(rack.directory, name);
  mkdirSync(directory);
  return directory;
}

/** Two ucarps on another VHID, the first with the better skew. */
async function startUcarps(rack: Rack) {
  const neighbours = [];
  for (const [index, advskew] of [0, 100].entries()) {
    const source = `192.168.1.${201 + index}`;
    const station = await rack.addStation(`${source}/24`);
    const directory = workplace(rack, station.name);
    const group = { device: 'lan', source, vhid: 10, address: '192.168.1.203', advskew, directory };
    neighbours.push(startUcarp(station, group));
  }
  return neighbours;
}

test('two ucarps on another VHID and a yoke pair do not see each other', async () => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  const ucarps = await startUcarps(rack);
  const pair = await Pair.start(rack, watch, new YokePair());
  const masters = () => ucarps.map(({ said }) => said.some((line) => line.includes('MASTER')));
  await eventually('a ucarp is master', () => (masters()[0] ? true : undefined));

  const at = await new Faults(rack).powerLoss('a');
  await Promise.all(VIP_SEGMENTS.map((segment) => watch.untilOwner(segment, 'b', { after: at })));

  expect(masters()).toEqual([true, false]);
  expect(watch.doubleAnswers).toEqual([]);
  const { alerts } = await pair.speakers.b.status();
  expect(alerts.filter(({ code }) => /^(digest|loop|ttl|vrrp)/.test(code))).toEqual([]);
});

test.each([
  { title: 'our VHID', id: VIPS.lan.vhid, code: 'vrrp-conflict:lan' },
  { title: 'another id', id: 77, code: 'vrrp:lan' },
])('a VRRP router with $title is named and does no harm', async ({ id, code }) => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  const station = await rack.addStation('192.168.1.205/24');
  const directory = workplace(rack, station.name);
  const pair = await Pair.start(rack, watch, new YokePair());
  const router = { id, priority: 200, advertSeconds: 1, address: '192.168.1.206/24' };
  const vrrp = await startVrrpNeighbour(station, directory, router);

  const named = await pair.speakers.a.untilStatus('names the VRRP router', ({ alerts }) =>
    alerts.some((alert) => alert.code === code),
  );
  // A machine that stood still may have cost a lease: the router has moved nothing then either.
  expect(named.state === 'MASTER' || (await pair.speakers.a.lapses()) > 0).toBe(true);
  await pair.settled();

  const at = await new Faults(rack).powerLoss('a');
  await Promise.all(VIP_SEGMENTS.map((segment) => watch.untilOwner(segment, 'b', { after: at })));
  expect(vrrp.running).toBe(true);
  expect(watch.doubleAnswers).toEqual([]);
});
