import { describe, expect, test } from 'vitest';
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
/** OpenBSD's sub-second rule: base 0, the skew alone counts. */
const FAST: YokeOptions = { advertise: { base: 0, skew: { primary: 5, secondary: 10 } } };

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
    ['planned handover', FAST],
    ['LAN cable', FAST],
    ['WAN cable', FAST],
    ['power loss', FAST],
    ['power loss', {}],
    ['silent node', FAST],
    ['daemon killed', FAST],
    ['daemon stopped', FAST],
    ['daemon stopped', {}],
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
  const unplugged = await a.untilStatus('is demoted', ({ demotions }) => demotions.length > 0);
  expect(unplugged.demotions.map(({ reason }) => reason)).toContain('link:lan');
  expect(unplugged.links.find(({ name }) => name === 'lan')).toMatchObject({ carrier: false });

  await faults.plug('a', 'lan');
  await pair.settled('a');
  await a.handover();
  const maintained = await a.untilState('BACKUP');
  expect(maintained.maintenance).toBe(true);
  expect(maintained.demotions.map(({ reason }) => reason)).toContain('maintenance');

  const logged = (await a.events())
    .filter(({ kind }) => kind === 'demotion')
    .map(({ text }) => text);
  expect(logged.some((text) => text.includes('link:lan'))).toBe(true);
  expect(logged.some((text) => text.includes('maintenance'))).toBe(true);
});

test('failover: vip moves the VIP that is not heard and leaves the other', async () => {
  using rack = await Rack.build();
  const { watch, pair, faults } = await stage(rack, { ...FAST, failover: 'vip' });
  // The LAN switch loses everything of a, whose carrier stays: only the LAN election is lost.
  await faults.lose('a', 'lan', 100);
  const at = (await watch.untilOwner('lan', 'b')).t;
  expect((await watch.untilOwner('wan', 'a', { after: at })).station).toBe('a');
  expect((await pair.speakers.b.status()).vips.map(({ state }) => state).sort()).toEqual([
    'BACKUP',
    'MASTER',
  ]);
  await proveInvariant(watch);
});

test('failover: node stays where it is when one segment is broken, and names it', async () => {
  using rack = await Rack.build();
  const { watch, pair, faults } = await stage(rack);
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
  const status = await pair.speakers.a.untilState('BACKUP');
  expect(status.maintenance).toBe(true);
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
  expect(watch.speakers.every(({ port }) => port.endsWith('.a'))).toBe(true);
  await proveInvariant(watch);
});

test('a reload keeps the VIPs that did not change', async () => {
  using rack = await Rack.build();
  const { watch, pair } = await stage(rack);
  const { a } = pair.speakers;
  const before = await a.status();
  new YokePair({ ...FAST, aliases: 2 }).writeConfiguration(rack.nodes.a);
  a.signal('SIGHUP');
  const after = await a.untilStatus('has reloaded', ({ config }) => config.revision > 1);
  expect(after.vips.find(({ name }) => name === 'lan')?.aliases).toHaveLength(3);
  expect(after).toMatchObject({ state: 'MASTER', since: before.since, pid: before.pid });
  await proveInvariant(watch);
});
