/** Routes and rules in a real kernel: what is applied is there, twice is once, and nothing else. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { routeText } from '../../../firmware/core/gateways/route-text.ts';
import {
  exampleGateway,
  exampleGroup,
  exampleRouting,
  routed,
} from '../../core/gateways/example-routing.ts';
import type { NamespaceProcess } from '../json-lines.ts';
import { Segment } from '../segment.ts';

/** Both gateways are neighbours on the one cable of the segment. */
const GATEWAYS = [
  exampleGateway({
    name: 'a',
    device: 'lan',
    address: '10.5.0.98',
    sources: ['10.5.0.2'],
    virtualSources: [],
  }),
  exampleGateway({
    name: 'b',
    device: 'lan',
    address: '10.5.0.99',
    sources: ['10.5.0.3'],
    virtualSources: [],
  }),
  exampleGateway({
    name: 'six',
    device: 'lan',
    address: '2001:db8::99',
    family: 6,
    sources: ['2001:db8::2'],
    virtualSources: [],
  }),
];
const member = (gateway: string, tier: number, weight = 1) => ({ gateway, tier, weight });
const ROUTING = exampleRouting({
  gateways: GATEWAYS,
  groups: [
    exampleGroup({ name: 'main', members: [member('a', 1), member('b', 2)] }),
    exampleGroup({ name: 'shared', members: [member('a', 1, 3), member('b', 1)] }),
  ],
  defaults: ['main', 'six'],
  routes: [
    { to: { address: '10.8.0.0', prefix: 16 }, via: '10.5.0.99', device: 'lan' },
    { to: { address: '10.9.9.9', prefix: 32 }, via: '10.5.0.99', device: 'lan' },
    { to: { address: '2001:db8:9::', prefix: 48 }, via: '2001:db8::99', device: 'lan' },
  ],
});
const TEXT = routeText(routed(ROUTING));

const DRIVER = new URL('../engine-driver.ts', import.meta.url).pathname;

let segment: Segment;
let driver: NamespaceProcess;

beforeEach(() => {
  segment = new Segment();
  driver = segment.startProgram(DRIVER);
});

afterEach(() => segment.remove());

const call = (name: string, text: string) => driver.call<string | null>(name, 'routes', text);

/** What would become of a packet. */
const way = (what: string) => segment.ip(`route get ${what}`);

function tables(): string {
  return [
    segment.ip('rule show'),
    segment.ip('-6 rule show'),
    segment.ip('route show table all'),
    segment.ip('-6 route show table all'),
  ].join('\n');
}

describe('the routes of a configuration', () => {
  test('are there after they were applied, and no drift is seen', async () => {
    expect(await call('check', TEXT)).toBeNull();
    expect(await call('drift', TEXT)).toContain('missing');
    expect(await call('apply', TEXT)).toBeNull();
    expect(await call('drift', TEXT)).toBeNull();
    expect(way('198.18.0.1')).toContain('via 10.5.0.98');
    expect(way('198.18.0.1 mark 0x20000')).toContain('via 10.5.0.99');
    expect(way('198.18.0.1 from 10.5.0.3')).toContain('via 10.5.0.99');
    expect(way('10.8.0.1 mark 0x10000')).toContain('via 10.5.0.99');
    expect(way('10.5.0.7 mark 0x10000')).not.toContain('via');
    expect(way('2001:db8:ffff::1')).toContain('via 2001:db8::99');
    expect(segment.ip('route show table 1129').replaceAll('\n', ' ')).toMatch(/weight 3.*weight 1/);
    expect(segment.run('sysctl -n net.ipv4.fib_multipath_hash_policy').trim()).toBe('3');
  });

  test('applied twice change nothing the second time', async () => {
    await call('apply', TEXT);
    const once = tables();
    expect(await call('apply', TEXT)).toBeNull();
    expect(tables()).toBe(once);
  });

  test('follow the gateways in use, and go when nothing is wanted', async () => {
    const before = tables();
    await call('apply', TEXT);
    await driver.call('choose', [
      ['main', ['b']],
      ['shared', ['b']],
    ]);
    expect(await driver.call('reapply')).toBeNull();
    expect(way('198.18.0.1')).toContain('via 10.5.0.99');
    expect(way('198.18.0.1 mark 0x800000')).toContain('via 10.5.0.99');
    expect(segment.ip('route show table 1129')).not.toContain('weight');
    expect(await call('drift', TEXT)).toBeNull();
    expect(await call('apply', '')).toBeNull();
    expect(tables()).toBe(before);
  });

  test('of other programs are left alone', async () => {
    segment.ip('route add 10.77.0.0/16 via 10.5.0.99 dev lan');
    segment.ip('rule add pref 50 to 10.78.0.0/16 lookup 77');
    await call('apply', TEXT);
    await call('apply', '');
    expect(segment.ip('route show 10.77.0.0/16')).toContain('via 10.5.0.99');
    expect(segment.ip('rule show')).toContain('10.78.0.0/16');
  });

  test('that somebody changed are seen, and put back', async () => {
    await call('apply', TEXT);
    const right = tables();
    segment.ip('route del default proto 121 metric 20');
    segment.ip('rule del pref 100');
    segment.ip('route add 10.66.0.0/16 via 10.5.0.99 dev lan proto 121 metric 20');
    const drift = await call('drift', TEXT);
    expect(drift).toContain('route missing: default proto 121 metric 20 via 10.5.0.98');
    expect(drift).toContain('rule missing: pref 100');
    expect(drift).toContain('route too many: 10.66.0.0/16');
    expect(await driver.call('repair')).toMatchObject({ drift });
    expect(tables().split('\n').sort()).toEqual(right.split('\n').sort());
    expect(await driver.call('repair')).toBeNull();
  });

  test('that the kernel refuses half way change nothing', async () => {
    await call('apply', TEXT);
    const right = tables();
    const wrong = `${TEXT}route add 10.99.0.0/16 proto 121 metric 20 via 10.1.1.1 dev lan\n`;
    const other = wrong.replace('metric 20 via 10.5.0.99', 'metric 20 via 10.5.0.98');
    expect(await call('apply', other)).toMatch(/invalid gateway|Network is unreachable/i);
    expect(tables().split('\n').sort()).toEqual(right.split('\n').sort());
  });

  test('with what no kernel takes are refused before anything changes', async () => {
    const before = tables();
    const wrong = `${TEXT}route add 10.8.0.1/16 proto 121 metric 20 via 10.5.0.99 dev lan\n`;
    expect(await call('check', wrong)).toContain('Invalid');
    expect(tables()).toBe(before);
  });
});
