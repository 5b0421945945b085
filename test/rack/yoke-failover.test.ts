import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../firmware/core/telemetry/snapshot.ts';
import type { ArpWatch } from './arp-watch.ts';
import { ClientTraffic, watchVips } from './client-traffic.ts';
import { type DrillName, Drills } from './drill.ts';
import { eventually } from './eventually.ts';
import { Faults } from './faults.ts';
import { inventoryDifference, takeInventory } from './inventory.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import { VIP_SEGMENTS } from './rack-plan.ts';
import type { YokeOptions } from './yoke-configuration.ts';
import { YokePair, type YokeSpeaker } from './yoke-pair.ts';

const STREAMS = 10;
/** OpenBSD's sub-second rule: base 0, the skew alone counts. The pair starts soon, too. */
const FAST: YokeOptions = { advertise: { base: 0, skew: { primary: 5, secondary: 10 } } };
const CLASSICAL: YokeOptions = { beats: 'off' };
const FAST_CLASSICAL: YokeOptions = { ...FAST, ...CLASSICAL };

interface Stage {
  readonly watch: ArpWatch;
  readonly pair: Pair<YokeSpeaker>;
  readonly faults: Faults;
}

async function stage(rack: Rack, options: YokeOptions = FAST): Promise<Stage> {
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair(options));
  return { watch, pair, faults: new Faults(rack) };
}

async function proveInvariant(watch: ArpWatch): Promise<void> {
  expect(await watch.missedFrames()).toBe(0);
  expect(watch.answersSeen).toBeGreaterThan(0);
  expect(watch.doubleAnswers).toEqual([]);
}

test('the primary serves from the virtual MACs, the secondary is silent', async () => {
  using rack = await Rack.build();
  const { watch, pair } = await stage(rack, {});
  expect(await pair.settled()).toBe('a');
  expect(watch.owner('lan')).toMatchObject({ station: 'a', mac: '00:00:5e:00:01:01' });
  expect(watch.owner('wan')).toMatchObject({ station: 'a', mac: '00:00:5e:00:01:c8' });
  expect(new Set(watch.speakers.map(({ port }) => port))).toEqual(new Set(['lan.a', 'wan.a']));
  await proveInvariant(watch);
});

describe('every fault moves all VIPs, keeps the streams, and ends where it began', () => {
  const cases: readonly [DrillName, YokeOptions][] = [
    ['planned handover', {}],
    ['LAN cable', {}],
    ['WAN cable', {}],
    ['power loss', {}],
    ['silent node', {}],
    ['silent node', { beats: 'fast' }],
    ['daemon killed', {}],
    ['daemon stopped', {}],
    ['planned handover', FAST_CLASSICAL],
    ['LAN cable', FAST_CLASSICAL],
    ['WAN cable', FAST_CLASSICAL],
    ['power loss', FAST_CLASSICAL],
    ['power loss', CLASSICAL],
    ['silent node', FAST_CLASSICAL],
    ['daemon killed', FAST_CLASSICAL],
    ['daemon stopped', FAST_CLASSICAL],
    ['daemon stopped', CLASSICAL],
  ];

  test.each(cases)('%s, %j', async (name, options) => {
    using rack = await Rack.build();
    const { watch, pair } = await stage(rack, options);
    const drills = new Drills(rack, pair, watch, await ClientTraffic.start(rack, STREAMS));

    const result = await drills.run(name);

    expect(result).toMatchObject({ from: 'a', recovered: true, streamsPreserved: STREAMS });
    expect(result.states.b).toBe('MASTER');
    await drills.undo(name, 'a');
    expect(await pair.settled()).toBe('a');
    await proveInvariant(watch);
  });
});

test('the reasons are in the status and in the event log', async () => {
  using rack = await Rack.build();
  const { pair, faults } = await stage(rack);
  const { a, b } = pair.speakers;

  await faults.pull('a', 'lan');
  await b.untilState('MASTER');
  const unplugged = await a.untilStatus('is demoted for its cable', ({ demotions }) =>
    demotions.some(({ reason }) => reason === 'link:lan'),
  );
  expect(unplugged.links.find(({ name }) => name === 'lan')).toMatchObject({ carrier: false });

  await faults.plug('a', 'lan');
  await pair.settled('a');
  await a.handover();
  const isMaintained = ({ state, maintenance, demotions }: Snapshot) =>
    state === 'BACKUP' && maintenance && demotions.some(({ reason }) => reason === 'maintenance');
  await a.untilStatus('is in maintenance', isMaintained);

  for (const reason of ['link:lan', 'maintenance']) {
    await a.untilEvent(
      `the demotion ${reason}`,
      ({ kind, text }) => kind === 'demotion' && text.includes(reason),
    );
  }
});

test('failover: vip moves the VIP that is not heard and leaves the other', async () => {
  using rack = await Rack.build();
  const { watch, pair, faults } = await stage(rack, { ...FAST_CLASSICAL, failover: 'vip' });
  // The LAN switch loses everything of a, whose carrier stays: only the LAN election is lost.
  await faults.lose('a', 'lan', 100);
  const at = (await watch.untilOwner('lan', 'b')).t;
  expect((await watch.untilOwner('wan', 'a', { after: at })).station).toBe('a');
  await pair.speakers.b.untilStatus('serves one VIP of two', ({ vips }) => {
    return vips.filter(({ state }) => state === 'MASTER').length === 1;
  });
  await proveInvariant(watch);
});

test('without beats a node stays where it is when a segment is broken, and names it', async () => {
  using rack = await Rack.build();
  const { watch, pair, faults } = await stage(rack, FAST_CLASSICAL);
  await faults.lose('a', 'lan', 100);
  const b = await pair.speakers.b.untilStatus('names the path', ({ alerts }) =>
    alerts.some(({ code }) => code === 'path:lan'),
  );
  expect(b.state).toBe('BACKUP');
  await faults.lose('a', 'lan', 0);
  await pair.speakers.b.untilStatus('sees it healed', ({ alerts }) =>
    alerts.every(({ code }) => code !== 'path:lan'),
  );
  expect(await pair.settled()).toBe('a');
  await proveInvariant(watch);
});

test('maintenance survives a restart', async () => {
  using rack = await Rack.build();
  const { watch, pair } = await stage(rack);
  await pair.speakers.a.handover();
  await pair.speakers.b.untilState('MASTER');
  await pair.speakers.a.stop();
  await pair.restart('a');
  await pair.speakers.a.untilStatus(
    'is in maintenance still',
    ({ state, maintenance }) => state === 'BACKUP' && maintenance,
  );
  await pair.speakers.a.release();
  expect(await pair.settled('a')).toBe('a');
  await proveInvariant(watch);
});

test('a clean stop hands over and leaves nothing in the kernel', async () => {
  using rack = await Rack.build();
  const untouched = await takeInventory(rack.nodes.a);
  const { watch, pair } = await stage(rack);
  await pair.speakers.a.stop();
  expect(await pair.speakers.a.exited).toEqual({ code: 0, signal: null });
  await Promise.all(VIP_SEGMENTS.map((segment) => watch.untilOwner(segment, 'b')));
  expect(inventoryDifference(untouched, await takeInventory(rack.nodes.a))).toEqual([]);
  await proveInvariant(watch);
});

test('a deleted VIP interface is made again', async () => {
  using rack = await Rack.build();
  const { watch, pair, faults } = await stage(rack);
  const [device] = await rack.nodes.a.links('macvlan');
  expect(device).toBeDefined();
  await faults.deleteInterface('a', device ?? '');
  await eventually('the interface is back', async () =>
    (await rack.nodes.a.links('macvlan')).length === 2 ? true : undefined,
  );
  expect(await pair.settled('a')).toBe('a');
  await proveInvariant(watch);
});

test('an interface that vanishes moves the node, and its return brings it back', async () => {
  using rack = await Rack.build();
  const { watch, pair, faults } = await stage(rack);
  const at = await faults.vanish('a', 'lan');
  await Promise.all(VIP_SEGMENTS.map((segment) => watch.untilOwner(segment, 'b', { after: at })));
  await faults.comeBack('a', 'lan');
  expect(await pair.settled('a')).toBe('a');
  await proveInvariant(watch);
});

test('a pulled sync cable moves nothing', async () => {
  using rack = await Rack.build();
  const { watch, pair, faults } = await stage(rack);
  const at = await faults.pull('a', 'sync');
  await pair.speakers.b.untilStatus('sees the cable', ({ links }) =>
    links.some(({ name, carrier }) => name === 'sync' && !carrier),
  );
  await Promise.all(VIP_SEGMENTS.map((segment) => watch.untilOwner(segment, 'a', { after: at })));
  expect(await pair.settled()).toBe('a');
  // A machine that stood still for longer than a lease has moved the VIPs; the cable has not.
  const { a, b } = pair.speakers;
  const lapses = (await a.lapses()) + (await b.lapses());
  const isUnmoved = watch.speakers.every(({ port }) => port.endsWith('.a'));
  expect(isUnmoved || lapses > 0).toBe(true);
  await proveInvariant(watch);
});

test('a reload keeps the VIPs that did not change', async () => {
  using rack = await Rack.build();
  const { watch, pair } = await stage(rack);
  const { a } = pair.speakers;
  const before = await a.status();
  const { hash } = before.config;
  new YokePair({ ...FAST, aliases: 2 }).writeConfiguration(rack.nodes.a);
  a.signal('SIGHUP');
  const lanAliases = ({ vips }: Snapshot) => vips.find(({ name }) => name === 'lan')?.aliases;
  const after = await a.untilStatus(
    'has reloaded',
    (status) => status.config.hash !== hash && lanAliases(status)?.length === 3,
  );
  expect(after).toMatchObject({ state: 'MASTER', since: before.since, pid: before.pid });
  await proveInvariant(watch);
});
