/** What the node wants to say, as frames on a simulated segment. */
import { describe, expect, it } from 'vitest';
import type { VipConfiguration } from '../../firmware/core/configuration/pair-configuration.ts';
import { Advertiser } from '../../firmware/service/advertiser.ts';
import { decodeAddressClaim } from '../../firmware/wire/address-claim.ts';
import { decodeCarpFrame } from '../../firmware/wire/carp-frame.ts';
import { receiveCarp } from '../../firmware/wire/carp-reception.ts';
import { nodeConfiguration, PLAIN_PAIR, pairVips } from '../simulator/pair-plan.ts';
import { Prng } from '../simulator/prng.ts';
import { Schedule } from '../simulator/schedule.ts';
import { SimulatedKernel } from '../simulator/simulated-kernel.ts';
import { SimulatedDevice, SimulatedMachine } from '../simulator/simulated-machine.ts';
import { SimulatedSegment } from '../simulator/simulated-segment.ts';

const pair = { ...PLAIN_PAIR, dualStack: true };
const { vips } = nodeConfiguration({ role: 'primary', pair, vips: pairVips(pair) });
const lan = vips.find(({ name }) => name === 'lan') as VipConfiguration;

function scene() {
  const schedule = new Schedule();
  const segment = new SimulatedSegment('lan', schedule, new Prng(1));
  const machine = new SimulatedMachine('node', schedule, 0);
  machine.devices.set('eth1', new SimulatedDevice('node', 'eth1', segment, '02:00:00:00:00:01'));
  const peer = new SimulatedDevice('peer', 'eth1', segment, '02:00:00:00:00:02');
  peer.addresses = [{ address: '192.168.1.3', prefix: 24 }];
  const kernel = new SimulatedKernel(machine, new Prng(2), { transmitted: () => undefined });
  kernel.apply({
    interfaces: [{ device: 'eth1', addresses: [], families: [4, 6], beats: [] }],
    vips: [
      {
        vhid: lan.vhid,
        device: 'eth1',
        group: 1,
        addresses: lan.addresses.map((each) => ({ ...each, ownsSubnet: false })),
      },
    ],
    leaseMilliseconds: 45,
    keepMilliseconds: 45,
  });
  const heard: Uint8Array[] = [];
  peer.onFrame = (frame) => heard.push(frame.bytes);
  const frames = (): Uint8Array[] => {
    schedule.runUntil(schedule.now + 1_000);
    return heard.splice(0);
  };
  return { kernel, machine, frames, advertiser: new Advertiser(kernel) };
}

const advertisement = (vip: VipConfiguration) =>
  ({
    kind: 'advertise',
    vip,
    device: 'eth1',
    family: 4,
    source: '192.168.1.2',
    sourceMac: undefined,
    pace: { advbase: 1, advskew: 7 },
    counter: 99n,
  }) as const;

describe('an advertisement', () => {
  it('is what the peer accepts', () => {
    const { advertiser, frames } = scene();
    expect(advertiser.advertise('eth1', advertisement(lan))).toBe(true);
    const [frame] = frames();
    const addresses = lan.addresses.map(({ address }) => address);
    const verdict = receiveCarp(frame ?? new Uint8Array(), {
      ownAddresses: new Set(['192.168.1.3']),
      groups: new Map([[lan.vhid, { password: lan.password, addresses, peers: [] }]]),
      isRecentCounter: () => false,
    });
    expect(verdict).toMatchObject({
      ok: true,
      advertisement: { source: '192.168.1.2', advbase: 1, advskew: 7, counter: 99n, demote: 0 },
    });
  });

  it('goes to the unicast peer by its MAC address', () => {
    const { advertiser, frames } = scene();
    advertiser.advertise('eth1', advertisement({ ...lan, peer: '192.168.1.3' }));
    const carp = decodeCarpFrame(frames()[0] ?? new Uint8Array());
    expect(carp?.destinationMac).toBe('02:00:00:00:00:02');
    expect(carp?.ip.destination).toBe('192.168.1.3');
  });

  it('goes to everybody while the MAC address of the peer is not known', () => {
    const { advertiser, frames } = scene();
    advertiser.advertise('eth1', advertisement({ ...lan, peer: '192.168.1.77' }));
    const carp = decodeCarpFrame(frames()[0] ?? new Uint8Array());
    expect(carp?.destinationMac).toBe('ff:ff:ff:ff:ff:ff');
    expect(carp?.ip.destination).toBe('192.168.1.77');
  });

  it('comes from the virtual MAC address, or from the one that is asked for', () => {
    const { advertiser, frames } = scene();
    advertiser.advertise('eth1', advertisement(lan));
    advertiser.advertise('eth1', { ...advertisement(lan), sourceMac: '02:00:00:00:00:01' });
    const sources = frames().map((frame) => decodeCarpFrame(frame)?.sourceMac);
    expect(sources).toEqual(['00:00:5e:00:01:01', '02:00:00:00:00:01']);
  });

  it('that does not leave is reported', () => {
    const { advertiser, machine } = scene();
    const device = machine.devices.get('eth1');
    if (device !== undefined) device.sendFails = true;
    expect(advertiser.advertise('eth1', advertisement(lan))).toBe(false);
  });
});

describe('an announcement', () => {
  it('claims every address, in both ways for IPv4, under the lease', () => {
    const { advertiser, kernel, frames } = scene();
    kernel.claim(1);
    advertiser.announce('eth1', lan);
    const mac = '00:00:5e:00:01:01';
    expect(frames().map((frame) => decodeAddressClaim(frame))).toEqual([
      { kind: 'arp-request', address: '192.168.1.1', mac },
      { kind: 'arp-reply', address: '192.168.1.1', mac },
      { kind: 'neighbour-advertisement', address: '2001:db8:1::1', mac, router: true },
    ]);
  });

  it('without the lease does not leave', () => {
    const { advertiser, frames } = scene();
    advertiser.announce('eth1', lan);
    expect(frames()).toEqual([]);
  });
});
