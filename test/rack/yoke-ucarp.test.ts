import { expect, test } from 'vitest';
import { watchVips } from './client-traffic.ts';
import { Faults } from './faults.ts';
import { Pair } from './pair.ts';
import type { Speaker } from './pair-kind.ts';
import { UcarpPair } from './peers/ucarp-pair.ts';
import { Rack } from './rack.ts';
import { type NodeLetter, VIP_SEGMENTS } from './rack-plan.ts';
import { YokePair } from './yoke-pair.ts';

// Per-VHID elections and the VIP set ucarp knows: one IPv4 address for each VHID.
const YOKE = new YokePair({ failover: 'vip', ipv6: false });

type Takeover = (letter: NodeLetter, after: number) => Promise<unknown>;

function takeoverSeenBy(watch: Awaited<ReturnType<typeof watchVips>>): Takeover {
  return (letter, after) =>
    Promise.all(VIP_SEGMENTS.map((segment) => watch.untilOwner(segment, letter, { after })));
}

test('yoke is master, ucarp takes over when it dies, and gives back when it returns', async () => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  const takeover = takeoverSeenBy(watch);
  const faults = new Faults(rack);
  const pair = await Pair.start<Speaker>(rack, watch, YOKE, new UcarpPair());
  expect(watch.doubleAnswers).toEqual([]);

  await takeover('b', await faults.powerLoss('a'));
  expect(watch.doubleAnswers).toEqual([]);

  await faults.boot('a');
  await pair.restart('a');
  // ucarp answers on until it has read the better advertisement: up to a second of two masters is
  // ucarp's, so only the outcome is judged here.
  expect(await pair.settled('a')).toBe('a');
});

test('yoke says good-bye and ucarp hears it', async () => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  const pair = await Pair.start<Speaker>(rack, watch, YOKE, new UcarpPair());
  const goodbye = watch.nextAdvert(({ port, bytes }) => port === 'lan.a' && /^2101ff/.test(bytes));
  await pair.speakers.a.stop();
  await takeoverSeenBy(watch)('b', (await goodbye).t);
  expect(watch.doubleAnswers).toEqual([]);
});

test('ucarp is master, yoke takes over when it dies, and yields when it returns', async () => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  const takeover = takeoverSeenBy(watch);
  const faults = new Faults(rack);
  const ucarp = new UcarpPair({ preempt: true });
  const pair = await Pair.start<Speaker>(rack, watch, ucarp, YOKE);

  await takeover('b', await faults.powerLoss('a'));
  expect(watch.doubleAnswers).toEqual([]);

  await faults.boot('a');
  await pair.restart('a');
  expect(await pair.settled('a')).toBe('a');
});
