import { expect, test } from 'vitest';
import { VipAskers, watchVips } from './client-traffic.ts';
import { Faults } from './faults.ts';
import { Rack } from './rack.ts';
import { type NodeLetter, VIPS } from './rack-plan.ts';

const VIP = `${VIPS.lan.address}/24`;

function giveVip(rack: Rack, letter: NodeLetter): Promise<void> {
  return rack.nodes[letter].namespace.ip(`addr add ${VIP} dev lan`);
}

test('one answer to each request is no violation, and names its station', async () => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  await giveVip(rack, 'a');
  const first = await watch.untilOwner('lan', 'a');
  await watch.untilOwner('lan', 'a', { after: first.t + 200_000 });
  expect(watch.doubleAnswers).toEqual([]);
  expect(await watch.missedFrames()).toBe(0);
});

test('two stations that answer the same request are found, by monitor and by asker', async () => {
  using rack = await Rack.build();
  const watch = await rack.watchArp();
  const askers = await VipAskers.start(rack);
  await giveVip(rack, 'a');
  await watch.untilOwner('lan', 'a');
  expect(watch.doubleAnswers).toEqual([]);

  await giveVip(rack, 'b');
  const second = await watch.untilOwner('lan', 'b');
  await watch.untilOwner('lan', 'a', { after: second.t });

  const stations = watch.doubleAnswers[0]?.answers.map((answer) => answer.station).sort();
  expect(stations).toEqual(['a', 'b']);
  expect((await askers.lan.report()).duplicates).toBeGreaterThan(0);
  expect((await askers.wan.report()).duplicates).toBe(0);
});

test('one station that answers twice is found too', async () => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  // The classical mistake: the same address on a second interface on the same wire.
  await rack.nodes.a.namespace.ip(
    'link add vip link lan type macvlan mode bridge',
    'link set vip up',
    `addr add ${VIP} dev vip`,
  );
  await watch.untilOwner('lan', 'a');
  const owner = await watch.untilOwner('lan', 'a', {
    after: (watch.owner('lan')?.t ?? 0) + 50_000,
  });
  expect(owner.station).toBe('a');
  expect(watch.doubleAnswers[0]?.answers.map((answer) => answer.station)).toEqual(['a', 'a']);
});

test('the monitor keeps watching a port that was made again', async () => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  const faults = new Faults(rack);
  await giveVip(rack, 'a');
  await watch.untilOwner('lan', 'a');
  const at = await faults.powerLoss('a');
  await faults.boot('a');
  await giveVip(rack, 'a');
  expect((await watch.untilOwner('lan', 'a', { after: at })).station).toBe('a');
});
