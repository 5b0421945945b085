import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NamespaceProcess } from './json-lines.ts';
import { Segment } from './segment.ts';

let segment: Segment;
let driver: NamespaceProcess;

beforeEach(() => {
  segment = new Segment();
  segment.ip('link add vip7 link lan type macvlan mode bridge');
  segment.ip('link add vip8 link lan type macvlan mode bridge');
  driver = segment.startProgram('lease-driver.ts');
});

afterEach(() => segment.remove());

const SEVEN = { macvlans: ['vip7'], parents: ['lan'], vips: [{ address: '10.5.0.1', group: 7 }] };
const BOTH = {
  macvlans: ['vip7', 'vip8'],
  parents: ['lan'],
  vips: [
    { address: '10.5.0.1', group: 7 },
    { address: '2001:db8::1', group: 8 },
  ],
};

const rules = (): string => segment.run('nft list ruleset');
/** Without the remaining times of elements. */
const still = (): string => rules().replaceAll(/expires \w+/g, '');

describe('the table', () => {
  test('is one that `nft list` prints in full', async () => {
    await driver.call('install', BOTH);
    for (const line of [
      'iifgroup @lease accept',
      '@ll,96,16 0x88b5 oifgroup @lease update @lease { oifgroup timeout 1m } fwd to "lo"',
      'oifgroup @lease accept',
      'iifgroup @linger goto lingering',
      'oifgroup @linger @ll,48,48 set 0x20000000001 goto lingering',
      'ip6 nexthdr ipv6-icmp @nh,320,8 0x85-0x89 drop',
      'ip saddr vmap @vips4',
      'ip6 saddr vmap @vips6',
      'arp saddr ip vmap @vips4',
      '10.5.0.1 : goto group-7',
      '2001:db8::1 : goto group-8',
      'hook egress device "vip8" priority -500; policy drop;',
      'hook ingress device "vip8" priority -500; policy drop;',
      'hook egress device "lan" priority -500; policy accept;',
    ]) {
      expect(rules()).toContain(line);
    }
  });

  test('changes only where the layout does, and back again', async () => {
    await driver.call('install', SEVEN);
    await driver.call('claim', 7);
    const before = still();
    await driver.call('install', BOTH);
    expect(still()).toContain('chain vip8-in');
    expect(still()).toContain('elements = { 7');
    await driver.call('install', SEVEN);
    expect(still()).toBe(before);
  });

  test('belongs to its socket, and to nobody when that is gone', async () => {
    await driver.call('install', SEVEN);
    expect(await driver.call('owned')).toBe(true);
    expect(await driver.call('quiet')).toBe('not watched');
    expect(() => segment.run('nft delete table netdev yoke')).toThrow('Operation not permitted');
    segment.run('nft flush ruleset');
    expect(rules()).toContain('chain vip7-out');
    await driver.kill();
    expect(rules()).toContain('chain vip7-out');
    const next = segment.startProgram('lease-driver.ts');
    await next.call('install', SEVEN);
    expect(() => segment.run('nft delete table netdev yoke')).toThrow('Operation not permitted');
    await next.call('remove');
    await next.call('remove');
    expect(rules()).toBe('');
  });

  test('has a group either hold its lease or linger', async () => {
    const lists = (set: string): boolean =>
      new RegExp(`set ${set} {[^}]*elements = { 7`).test(rules());
    await driver.call('install', SEVEN);
    expect(await driver.call('linger', 7, 60_000_000)).toBe(false);
    await driver.call('claim', 7);
    expect(await driver.call('linger', 7, 60_000_000)).toBe(true);
    expect([lists('lease'), lists('linger')]).toEqual([false, true]);
    await driver.call('claim', 7);
    expect([lists('lease'), lists('linger')]).toEqual([true, false]);
    expect(await driver.call('linger', 7, 60_000_000)).toBe(true);
    expect(await driver.call('linger', 7, 60_000_000)).toBe(false);
    expect([lists('lease'), lists('linger')]).toEqual([false, false]);
  });

  test('cannot be claimed from before it is there', async () => {
    await expect(driver.call('claim', 7)).rejects.toMatchObject({ code: 'lease-refused' });
  });

  test('refused for want of a device says so, and can be written afterwards', async () => {
    const broken = {
      ...SEVEN,
      macvlans: ['vip7'],
      parents: ['lan', 'a-name-too-long-for-a-device'],
    };
    await expect(driver.call('install', broken)).rejects.toMatchObject({ code: 'lease-refused' });
    await expect(driver.call('claim', 7)).rejects.toMatchObject({ code: 'lease-refused' });
    await driver.call('install', SEVEN);
    await driver.call('claim', 7);
  });
});

describe('an ordinary table, as older kernels have it', () => {
  beforeEach(() => driver.call('beOrdinary'));

  test('is watched, and its own changes are no damage', async () => {
    await driver.call('install', SEVEN);
    expect(await driver.call('owned')).toBe(false);
    await driver.call('install', BOTH);
    await driver.call('claim', 7);
    await driver.call('release', 7);
    await driver.call('release', 7);
    expect(await driver.call('quiet')).toEqual([]);
  });

  test('flushed by an administrator is damage; written anew it keeps the lease', async () => {
    await driver.call('install', SEVEN);
    await driver.call('claim', 7);
    const before = still();
    segment.run('nft flush ruleset');
    expect(await driver.call('damage')).toEqual(['the lease table was changed']);
    await driver.call('install', SEVEN, [{ group: 7, milliseconds: 30_000 }]);
    expect(still()).toBe(before);
  });

  test('does not care for the tables of others', async () => {
    await driver.call('install', SEVEN);
    segment.run('nft add table inet filter');
    segment.run('nft delete table inet filter');
    expect(await driver.call('quiet')).toEqual([]);
  });

  test('becomes protected when a kernel can do so', async () => {
    await driver.call('install', SEVEN);
    await driver.kill();
    const next = segment.startProgram('lease-driver.ts');
    await next.call('install', SEVEN);
    segment.run('nft flush ruleset');
    expect(rules()).toContain('chain vip7-out');
  });
});
