// Segments that break between the nodes while somebody still reaches both: the right node serves,
// the other is silent, and whoever looks is told which segment it is.
import { expect, test } from 'vitest';
import { watchVips } from './client-traffic.ts';
import { Faults } from './faults.ts';
import { monotonicUs } from './monotonic.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import { type NodeLetter, VIP_SEGMENTS } from './rack-plan.ts';
import { YokePair } from './yoke-pair.ts';

/** Soon started, and soon at the end of CARP's own patience, which must not decide anything. */
const KIND = new YokePair({ advertise: { base: 0, skew: { primary: 5, secondary: 10 } } });

interface Partition {
  readonly title: string;
  readonly master: NodeLetter;
  /** Codes of the alerts each node must raise. */
  readonly alerts: Readonly<Partial<Record<NodeLetter, readonly string[]>>>;
  begin(faults: Faults): Promise<unknown>;
  end(faults: Faults): Promise<unknown>;
}

const PARTITIONS: readonly Partition[] = [
  {
    title: 'multicast is blocked on the LAN',
    master: 'a',
    alerts: { b: ['path:lan'] },
    begin: (faults) => faults.split('lan', 'CARP'),
    end: (faults) => faults.rejoin('lan'),
  },
  {
    title: 'the LAN is split',
    master: 'a',
    alerts: { a: ['path:lan'], b: ['path:lan'] },
    begin: (faults) => faults.split('lan'),
    end: (faults) => faults.rejoin('lan'),
  },
  {
    title: 'the WAN is split',
    master: 'a',
    alerts: { a: ['path:wan'], b: ['path:wan'] },
    begin: (faults) => faults.split('wan'),
    end: (faults) => faults.rejoin('wan'),
  },
  {
    title: 'the WAN passes nothing from the master to the other node',
    master: 'a',
    alerts: { b: ['path:wan'] },
    begin: (faults) => faults.split('wan', 'all', 'a to b'),
    end: (faults) => faults.rejoin('wan'),
  },
  {
    title: 'LAN and WAN are split, the sync cable is there',
    master: 'a',
    alerts: { a: ['path:lan', 'path:wan'], b: ['path:lan', 'path:wan'] },
    begin: async (faults) => [await faults.split('lan'), await faults.split('wan')],
    end: async (faults) => [await faults.rejoin('lan'), await faults.rejoin('wan')],
  },
  {
    title: 'the sync cable is pulled',
    master: 'a',
    alerts: { a: ['path:sync'], b: ['path:sync'] },
    begin: (faults) => faults.pull('a', 'sync'),
    end: (faults) => faults.plug('a', 'sync'),
  },
  {
    title: 'the sync cable passes nothing, its carrier stays',
    master: 'a',
    alerts: { a: ['path:sync'], b: ['path:sync'] },
    begin: (faults) => faults.split('sync'),
    end: (faults) => faults.rejoin('sync'),
  },
  {
    title: 'the sync cable is pulled and the LAN is split',
    master: 'a',
    alerts: { a: ['path:lan', 'path:sync'], b: ['path:lan', 'path:sync'] },
    begin: async (faults) => [await faults.pull('a', 'sync'), await faults.split('lan')],
    end: async (faults) => [await faults.plug('a', 'sync'), await faults.rejoin('lan')],
  },
  {
    title: 'sync and LAN cable of the master are pulled at once',
    master: 'b',
    alerts: { b: ['path:lan', 'path:sync'] },
    begin: (faults) => faults.pull('a', 'sync', 'lan'),
    end: (faults) => faults.plug('a', 'sync', 'lan'),
  },
  {
    title: 'sync and LAN cable of the other node are pulled at once',
    master: 'a',
    alerts: { a: ['path:lan', 'path:sync'] },
    begin: (faults) => faults.pull('b', 'sync', 'lan'),
    end: (faults) => faults.plug('b', 'sync', 'lan'),
  },
];

test.each(PARTITIONS)('$title: $master serves, alone', async ({ master, alerts, ...partition }) => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, KIND);
  const faults = new Faults(rack);
  await pair.fit();

  await partition.begin(faults);
  for (const letter of ['a', 'b'] as const) {
    for (const wanted of alerts[letter] ?? []) {
      await pair.speakers[letter].untilStatus(`says ${wanted}`, (status) =>
        status.alerts.some(({ code }) => code === wanted),
      );
    }
  }
  await pair.settled(master);
  // What takes the time of several elections would have happened by then.
  const after = monotonicUs() + 1_000_000;
  await Promise.all(VIP_SEGMENTS.map((segment) => watch.untilOwner(segment, master, { after })));
  const { a, b } = pair.speakers;
  const movers = new Set(watch.moves.map(({ to }) => to));
  // A machine too busy for a lease moves VIPs, too.
  if ((await a.lapses()) + (await b.lapses()) === 0) {
    expect(movers).toEqual(new Set(master === 'a' ? [] : [master]));
  }

  await partition.end(faults);
  for (const letter of ['a', 'b'] as const) {
    await pair.speakers[letter].untilStatus('sees it healed', (status) =>
      status.alerts.every(({ code }) => !code.startsWith('path:')),
    );
  }
  expect(await pair.settled('a')).toBe('a');
  expect(await watch.missedFrames()).toBe(0);
  expect(watch.doubleAnswers).toEqual([]);
});
