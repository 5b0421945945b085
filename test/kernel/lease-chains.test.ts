import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NetworkPlan, PlannedVip } from '../../firmware/kernel/kernel.ts';
import { encodeEthernetHeader, ethertypes } from '../../firmware/wire/ethernet-frame.ts';
import type { NamespaceProcess } from './json-lines.ts';
import { Segment } from './segment.ts';

const MAC = '00:00:5e:00:01:07';
const HOST_MAC = '02:00:00:00:00:99';
const VIPS = ['10.5.0.1', '2001:db8::1'];
/** Somebody behind the node, at the host's MAC. */
const REMOTE = ['10.5.0.77', '2001:db8::77'];
const HOST = ['10.5.0.99', '2001:db8::99'];
const LONG = 60_000_000;

function plan(): NetworkPlan {
  const addresses = VIPS.map((address) => ({
    address,
    prefix: address.includes(':') ? 64 : 24,
    ownsSubnet: false,
  }));
  const vip: PlannedVip = { vhid: 7, device: 'lan', group: 1, addresses };
  const lan = { device: 'lan', addresses: [], families: [], beats: [] };
  return { interfaces: [lan], vips: [vip], leaseMilliseconds: 45, keepMilliseconds: 45 };
}

let segment: Segment;
let node: NamespaceProcess;
let host: NamespaceProcess;

beforeEach(() => {
  segment = new Segment();
  segment.run('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
  neighbours('lan');
  node = segment.startNode();
  host = segment.startHost();
});

afterEach(() => segment.remove());

function neighbours(device: string): void {
  for (const address of [...REMOTE, ...HOST]) {
    segment.ip(`neigh replace ${address} lladdr ${HOST_MAC} dev ${device} nud permanent`);
  }
}

const reference = (target: string): string => (target.includes(':') ? '2001:db8::3' : '10.5.0.3');
const call = (name: string, target: string, to?: string): Promise<string[]> =>
  host.call(name, target, reference(target), to);
const parentMac = (): string => /link\/ether (\S+)/.exec(segment.ip('link show lan'))?.[1] ?? '';
const vipName = (): string => `vip7.${/^(\d+): lan/m.exec(segment.ip('link show lan'))?.[1]}`;
const isUp = (): boolean => segment.ip(`link show ${vipName()}`).includes('UP');

/** Takes the lease, and lets it go but for a while. */
async function linger(microseconds: number): Promise<void> {
  await node.call('hold', 1);
  await node.call('letGo');
  await node.call('claim', 1);
  await node.call('linger', 1, microseconds);
}

/** How many of the VIPs still answer an echo request and let a datagram through. */
async function passes(): Promise<boolean[]> {
  const macs: string[][] = [];
  for (const vip of VIPS) macs.push(await call('echo', vip, MAC));
  for (const remote of REMOTE) macs.push(await call('relay', remote, MAC));
  return macs.map((each) => each.length > 0);
}

const ALL = [true, true, true, true];
const NONE = [false, false, false, false];

async function closes(): Promise<boolean> {
  for (let turn = 0; turn < 2_000; turn++) {
    if ((await passes()).some((each) => each)) continue;
    return (await passes()).every((each) => !each);
  }
  return false;
}

describe('a group that lingers', () => {
  test('forwards and answers IP, but neither ARP nor neighbour discovery', async () => {
    await node.call('apply', plan());
    await linger(LONG);
    expect(await passes()).toEqual(ALL);
    for (const vip of VIPS) {
      expect(await call('ask', vip, MAC)).toEqual([]);
      expect(await call('ask', vip)).toEqual([]);
    }
    expect(await passes()).toEqual(ALL);
    expect(await node.call('renew', 1)).toBe(false);
    expect(isUp()).toBe(true);
  });

  test('sends nothing from its virtual MAC, and claims no address', async () => {
    await node.call('apply', plan());
    await node.call('hold', 1);
    neighbours(vipName());
    // As a VIP that owns its subnet has it: the way back is by the macvlan.
    for (const address of HOST) segment.ip(`route replace ${address} dev ${vipName()}`);
    for (const vip of VIPS) expect(await call('echo', vip, MAC)).toEqual([MAC]);
    await node.call('letGo');
    await linger(LONG);
    await host.call('heard', MAC, 0x88b5);
    for (const vip of VIPS) expect(await call('echo', vip, MAC)).toEqual([parentMac()]);
    for (const frame of [ARP, NEIGHBOUR_ADVERTISEMENT, CARP]) {
      expect(await node.call('transmitFromVip', 'lan', 7, frame)).toBe(false);
    }
    for (const frame of [ARP, NEIGHBOUR_ADVERTISEMENT]) {
      expect(await node.call('transmit', 'lan', frame)).toBe(false);
    }
    await call('ask', '10.5.0.1');
    expect(await host.call('heard', MAC, 0x88b5)).toBe(0);
  });

  test('ends by itself; the interface follows', async () => {
    await node.call('apply', plan());
    await linger(300_000);
    expect(await closes()).toBe(true);
    await node.call('pass', 700_000);
    expect(isUp()).toBe(false);
  });

  test('ends by itself after SIGKILL', async () => {
    await node.call('apply', plan());
    await linger(500_000);
    await node.kill();
    expect(await closes()).toBe(true);
    expect(isUp()).toBe(true);
  });

  test('ends when it is released', async () => {
    await node.call('apply', plan());
    await linger(LONG);
    await node.call('release', 1);
    expect(await passes()).toEqual(NONE);
    await node.call('pass', 300_000);
    expect(isUp()).toBe(false);
  });

  test('ends when the lease is claimed, and is not left behind when that lapses', async () => {
    await node.call('apply', plan());
    await linger(LONG);
    await node.call('hold', 1);
    expect(await call('ask', '10.5.0.1', MAC)).toEqual([MAC]);
    await node.call('letGo');
    expect(await closes()).toBe(true);
  });

  test('may be claimed after its end', async () => {
    await node.call('apply', plan());
    await linger(20_000);
    expect(await closes()).toBe(true);
    await node.call('hold', 1);
    expect(await call('ask', '10.5.0.1', MAC)).toEqual([MAC]);
  });

  test('goes on when the table is written anew', async () => {
    await node.call('apply', plan());
    await linger(LONG);
    await node.call('apply', { ...plan(), leaseMilliseconds: 50 });
    expect(await passes()).toEqual(ALL);
    expect(isUp()).toBe(true);
  });

  test.each([
    ['a group without a lease', LONG, false],
    ['less than the kernel can count', 3_000, true],
  ])('does not come of %s', async (_, microseconds, claimed) => {
    await node.call('apply', plan());
    if (claimed) await node.call('claim', 1);
    await node.call('linger', 1, microseconds);
    expect(await passes()).toEqual(NONE);
  });
});

function frame(ethertype: number, payload: readonly number[]): number[] {
  const bytes = new Uint8Array(80);
  encodeEthernetHeader({ destination: HOST_MAC, source: MAC, ethertype }, bytes);
  bytes.set(payload, 14);
  return [...bytes];
}

const VIP4 = [10, 5, 0, 1];
const VIP6 = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const ARP = frame(ethertypes.arp, [0, 1, 8, 0, 6, 4, 0, 2, 0, 0, 0x5e, 0, 1, 7, ...VIP4]);
const NEIGHBOUR_ADVERTISEMENT = frame(ethertypes.ipv6, [
  ...[0x60, 0, 0, 0, 0, 24, 58, 255, ...VIP6, ...VIP6],
  136,
]);
const CARP = frame(ethertypes.ipv4, [
  ...[0x45, 0, 0, 56, 0, 0, 0, 0, 255, 112, 0, 0, ...VIP4, 224, 0, 0, 18],
]);
