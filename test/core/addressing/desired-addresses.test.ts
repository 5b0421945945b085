/** What must exist in the kernel for a configuration. */
import { describe, expect, it } from 'vitest';
import {
  desiredAddresses,
  familiesOf,
} from '../../../firmware/core/addressing/desired-addresses.ts';
import { microseconds } from '../../../firmware/core/time.ts';
import { nodeConfiguration, PLAIN_PAIR, pairVips } from '../../simulator/pair-plan.ts';

const pair = { ...PLAIN_PAIR, dualStack: true };
const guest = { name: 'guest', interface: 'lan', vhid: 9, addresses: ['10.9.0.1/16'] };
const vips = [...pairVips(pair), guest];
const configuration = nodeConfiguration({ role: 'primary', pair, vips });

describe('desired addresses', () => {
  const plan = desiredAddresses(configuration, ({ vhid }) => vhid * 10, microseconds(29_296));

  it('name every interface with its real addresses and the families of its VIPs', () => {
    expect(plan.interfaces.map(({ device, families }) => [device, families])).toEqual([
      ['eth0', [4]],
      ['eth1', [4, 6]],
      ['eth2', []],
    ]);
    expect(plan.interfaces[0]?.addresses).toEqual([{ address: '198.51.100.201', prefix: 24 }]);
  });

  it('name every VIP with its device and lease', () => {
    expect(plan.vips.map(({ vhid, device, group }) => [vhid, device, group])).toEqual([
      [200, 'eth0', 2_000],
      [1, 'eth1', 10],
      [9, 'eth1', 90],
    ]);
    expect(plan.leaseMilliseconds).toBe(29);
  });

  it('say which VIP brings its subnet along', () => {
    const owning = plan.vips.map(({ addresses }) => addresses.map(({ ownsSubnet }) => ownsSubnet));
    expect(owning).toEqual([[false], [false, false], [true]]);
  });
});

describe('families', () => {
  it('come IPv4 first', () => {
    const six = { address: '2001:db8::1', prefix: 64 };
    const four = { address: '192.0.2.1', prefix: 24 };
    expect(familiesOf([six, four, six])).toEqual([4, 6]);
    expect(familiesOf([six])).toEqual([6]);
    expect(familiesOf([])).toEqual([]);
  });
});
