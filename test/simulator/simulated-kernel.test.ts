/** The twin keeps the promises of kernel.ts that the simulations rely on. */
import { describe, expect, it } from 'vitest';
import type { NetworkPlan } from '../../firmware/kernel/kernel.ts';
import { encodeAddressClaim } from '../../firmware/wire/address-claim.ts';
import { virtualMac } from '../../firmware/wire/ethernet-frame.ts';
import { Prng } from './prng.ts';
import { Schedule } from './schedule.ts';
import { SimulatedKernel } from './simulated-kernel.ts';
import { SimulatedDevice, SimulatedMachine, TICK, virtualMacNumber } from './simulated-machine.ts';
import { SimulatedSegment } from './simulated-segment.ts';

const PLAN: NetworkPlan = {
  interfaces: [
    {
      device: 'eth0',
      addresses: [{ address: '192.0.2.2', prefix: 24 }],
      families: [4],
      beats: [4],
    },
  ],
  vips: [
    {
      vhid: 7,
      device: 'eth0',
      group: 1,
      addresses: [{ address: '192.0.2.1', prefix: 24, ownsSubnet: false }],
    },
  ],
  leaseMilliseconds: 45,
  keepMilliseconds: 45,
};

const CLAIM = encodeAddressClaim({ kind: 'arp-request', address: '192.0.2.1', mac: virtualMac(7) });

const WATCH = { transmitted: () => undefined };
const VIRTUAL = virtualMacNumber(7);

function scene() {
  const schedule = new Schedule();
  const segment = new SimulatedSegment('lan', schedule, new Prng(1));
  const machine = new SimulatedMachine('node', schedule, 1_234);
  const device = new SimulatedDevice('node', 'eth0', segment, '02:00:00:00:00:01');
  machine.addDevice(device);
  device.onCarrier = () => {
    machine.linkVersion += 1;
  };
  const client = new SimulatedDevice('client', 'eth9', segment, '02:00:00:00:00:99');
  const received: Uint8Array[] = [];
  client.onFrame = (frame) => received.push(frame.bytes);
  const kernel = new SimulatedKernel(machine, new Prng(2), WATCH);
  kernel.apply(PLAN);
  const advance = (span: number): void => schedule.runUntil(schedule.now + span);
  return { segment, machine, device, client, kernel, received, advance };
}

describe('the lease', () => {
  it('lapses by itself, within a tick of its length', () => {
    const { kernel, machine, advance } = scene();
    kernel.claim(1);
    advance(45_000 - TICK);
    expect(machine.answers('eth0', 7)).toBe(true);
    advance(2 * TICK);
    expect(machine.answers('eth0', 7)).toBe(false);
  });

  it('is prolonged by a renewal in time and not by a late one', () => {
    const { kernel, machine, advance } = scene();
    kernel.claim(1);
    advance(30_000);
    expect(kernel.renew(1)).toBe(true);
    advance(30_000);
    expect(machine.answers('eth0', 7)).toBe(true);
    advance(30_000);
    expect(kernel.renew(1)).toBe(false);
    expect(machine.answers('eth0', 7)).toBe(false);
    kernel.claim(1);
    expect(machine.answers('eth0', 7)).toBe(true);
  });

  it('ends with a release', () => {
    const { kernel, machine } = scene();
    kernel.claim(1);
    kernel.release(1);
    expect(machine.answers('eth0', 7)).toBe(false);
  });

  it('lets frames of the VIP out only while it is held', () => {
    const { kernel, received, advance } = scene();
    expect(kernel.transmitFromVip('eth0', 7, CLAIM)).toBe(false);
    kernel.claim(1);
    expect(kernel.transmitFromVip('eth0', 7, CLAIM)).toBe(true);
    advance(100_000);
    expect(kernel.transmitFromVip('eth0', 7, CLAIM)).toBe(false);
    expect(received).toEqual([CLAIM]);
  });
});

describe('a plan', () => {
  it('applied twice leaves a served VIP as it is', () => {
    const { kernel, machine } = scene();
    kernel.claim(1);
    kernel.apply(PLAN);
    expect(machine.answers('eth0', 7)).toBe(true);
  });

  it('of a new process lowers what a killed one left up', () => {
    const { kernel, machine } = scene();
    kernel.claim(1);
    new SimulatedKernel(machine, new Prng(3), WATCH).apply(PLAN);
    expect(machine.answers('eth0', 7)).toBe(false);
  });

  it('tells the state of each link once, and then only what changed', () => {
    const { kernel, segment, device } = scene();
    expect(kernel.wait()).toMatchObject([
      { kind: 'link', link: { device: 'eth0', carrier: true } },
    ]);
    expect(kernel.wait()).toEqual([]);
    segment.unplug(device);
    expect(kernel.wait()).toMatchObject([
      { kind: 'link', link: { device: 'eth0', carrier: false } },
    ]);
  });
});

describe('frames', () => {
  it('are read sixteen at once, with word of the rest', () => {
    const { kernel } = scene();
    kernel.wait();
    for (let count = 0; count < 20; count += 1) kernel.enqueue('eth0', Uint8Array.of(count));
    const kinds = (): string[] => kernel.wait().map(({ kind }) => kind);
    expect(kinds()).toEqual([...Array.from({ length: 16 }, () => 'frame'), 'more']);
    expect(kinds()).toEqual(['frame', 'frame', 'frame', 'frame']);
    expect(kinds()).toEqual([]);
  });

  it('leave only devices of the plan', () => {
    const { kernel, received, advance } = scene();
    kernel.apply({ ...PLAN, interfaces: [] });
    expect(kernel.transmit('eth0', CLAIM)).toBe(false);
    advance(1_000);
    expect(received).toEqual([]);
  });
});

describe('a segment', () => {
  it('separates what it is told to', () => {
    const { kernel, segment, received, advance } = scene();
    kernel.claim(1);
    segment.partition(['client']);
    kernel.transmitFromVip('eth0', 7, CLAIM);
    advance(1_000);
    expect(received).toEqual([]);
    segment.heal();
    kernel.transmitFromVip('eth0', 7, CLAIM);
    advance(1_000);
    expect(received).toEqual([CLAIM]);
  });

  it('learns where a MAC address is from its frames', () => {
    const { kernel, segment, device, client } = scene();
    expect(segment.leadsTo(VIRTUAL, client)).toBe(true);
    kernel.claim(1);
    kernel.transmitFromVip('eth0', 7, CLAIM);
    expect(segment.leadsTo(VIRTUAL, device)).toBe(true);
    expect(segment.leadsTo(VIRTUAL, client)).toBe(false);
  });
});
