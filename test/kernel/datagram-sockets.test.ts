import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KernelEvent, NetworkPlan, PlannedVip } from '../../firmware/kernel/kernel.ts';
import type { NamespaceProcess } from './json-lines.ts';
import { Segment } from './segment.ts';

const PEER = { 4: '10.5.0.9', 6: '2001:db8::9' };
const PEER_LINK_LOCAL = 'fe80::ff:fe00:99';
const VIP = { vhid: 7, device: 'lan', group: 1 };

type Datagram = Extract<KernelEvent, { kind: 'datagram' }>;

function plan(
  devices: readonly string[],
  beats: readonly (4 | 6)[],
  vips: readonly PlannedVip[] = [],
): NetworkPlan {
  const interfaces = devices.map((device) => ({ device, addresses: [], families: [], beats }));
  return { interfaces, vips, leaseMilliseconds: 45, keepMilliseconds: 45 };
}

const BOTH = plan(['lan'], [4, 6]);

let segment: Segment;
let node: NamespaceProcess;
let peer: NamespaceProcess;

beforeEach(() => {
  segment = new Segment();
  segment.hostIp(`address add ${PEER[4]}/24 dev host`);
  segment.hostIp(`address add ${PEER[6]}/64 dev host nodad`);
  node = segment.startNode();
  peer = segment.startPeer();
});

afterEach(() => segment.remove());

async function arrived(at: NamespaceProcess): Promise<Datagram[]> {
  const events = await at.call<KernelEvent[]>('waitFor', 'datagram');
  return events.filter((each) => each.kind === 'datagram');
}

/** A new link-local address cannot be used for its first second. */
async function sendFromNode(destination: string, bytes: readonly number[]): Promise<void> {
  for (let tries = 0; tries < 10_000; tries++) {
    if (await node.call('sendDatagram', 'lan', destination, bytes)) return;
  }
  throw new Error(`nothing can be sent to ${destination}`);
}

const sockets = (): string => segment.run('cat /proc/net/udp /proc/net/udp6');
const DROPS_OUTPUT = '{ type filter hook output priority 0 ; policy drop ; }';
const OPEN = /:1BC8 /g;

describe('datagrams', () => {
  test.each([PEER[4], PEER[6], PEER_LINK_LOCAL])('to %s and back', async (destination) => {
    await node.call('apply', BOTH);
    await peer.call('apply', plan(['host'], [4, 6]));
    await sendFromNode(destination, [1, 2, 3]);
    const [there] = await arrived(peer);
    expect(there).toMatchObject({ device: 'host', bytes: [1, 2, 3] });
    const source = there?.source ?? '';
    expect(segment.ip('address show lan')).toContain(` ${source}/`);
    expect(await peer.call('sendDatagram', 'host', source, [4])).toBe(true);
    const [back] = await arrived(node);
    expect(back).toMatchObject({ device: 'lan', bytes: [4] });
    expect(segment.hostIp('address show host')).toContain(` ${back?.source}/`);
  });

  test('carry a real address while VIPs are held, and do not arrive at a VIP', async () => {
    const addresses = ['10.5.0.1', '2001:db8::1'].map((address) => ({
      address,
      prefix: address.includes(':') ? 64 : 24,
      ownsSubnet: false,
    }));
    await node.call('apply', plan(['lan'], [4, 6], [{ ...VIP, addresses }]));
    await peer.call('apply', plan(['host'], [4, 6]));
    await node.call('hold', 1);
    for (const [destination, vip] of [
      [PEER[4], '10.5.0.1'],
      [PEER[6], '2001:db8::1'],
    ] as const) {
      await sendFromNode(destination, [1]);
      const [there] = await arrived(peer);
      expect(there?.source).toMatch(/^(10\.5\.0|2001:db8:)[.:][23]$/);
      expect(await peer.call('sendDatagram', 'host', vip, [2])).toBe(true);
      expect(await peer.call('sendDatagram', 'host', there?.source, [3])).toBe(true);
      expect(await arrived(node)).toMatchObject([{ bytes: [3] }]);
    }
  });

  test('are kept apart by device', async () => {
    segment.ip('link add wan type veth peer name wan-end');
    segment.ip('link set wan up');
    expect(await node.call('apply', plan(['lan', 'wan'], [4, 6]))).toEqual([]);
    expect(sockets().match(OPEN)).toHaveLength(4);
    await peer.call('apply', plan(['host'], [4, 6]));
    expect(await peer.call('sendDatagram', 'host', '10.5.0.2', [7])).toBe(true);
    expect(await arrived(node)).toMatchObject([{ device: 'lan', bytes: [7] }]);
  });

  test('come in batches, and none is lost', async () => {
    await node.call('apply', BOTH);
    await peer.call('apply', plan(['host'], [4]));
    for (let mark = 0; mark < 50; mark++) {
      expect(await peer.call('sendDatagram', 'host', '10.5.0.2', [mark])).toBe(true);
    }
    const marks: (number | undefined)[] = [];
    while (marks.length < 50) marks.push(...(await arrived(node)).map(({ bytes }) => bytes[0]));
    expect(marks).toEqual(Array.from({ length: 50 }, (_, mark) => mark));
  });

  test('go nowhere without a socket, and none is open without a plan for it', async () => {
    await node.call('apply', plan(['lan'], [4]));
    expect(await node.call('sendDatagram', 'lan', PEER[6], [1])).toBe(false);
    expect(await node.call('sendDatagram', 'wan', PEER[4], [1])).toBe(false);
    expect(sockets().match(OPEN)).toHaveLength(1);
    await node.call('apply', plan(['lan'], []));
    expect(sockets()).not.toMatch(OPEN);
    expect(await node.call('sendDatagram', 'lan', PEER[4], [1])).toBe(false);
  });
});

describe('what the kernel refuses', () => {
  test.each([
    ['no route', ['ip -6 route flush dev lan'], '2001:db8:ffff::1'],
    ['a firewall', ['nft add table ip f', `nft add chain ip f o ${DROPS_OUTPUT}`], PEER[4]],
    ['a device that is down', ['ip link set lan down'], PEER[4]],
  ])('is not sent: %s', async (_, lines, destination) => {
    await node.call('apply', BOTH);
    for (const line of lines) segment.run(line);
    expect(await node.call('sendDatagram', 'lan', destination, [1])).toBe(false);
  });

  test('by ICMP breaks neither sending nor receiving', async () => {
    await node.call('apply', BOTH);
    await peer.call('apply', plan(['host'], []));
    for (let turn = 0; turn < 3; turn++) {
      expect(await node.call('sendDatagram', 'lan', PEER[4], [1])).toBe(true);
    }
    await peer.call('apply', plan(['host'], [4]));
    expect(await node.call('sendDatagram', 'lan', PEER[4], [2])).toBe(true);
    expect(await arrived(peer)).toMatchObject([{ bytes: [2] }]);
    expect(await peer.call('sendDatagram', 'host', '10.5.0.2', [3])).toBe(true);
    expect(await arrived(node)).toMatchObject([{ bytes: [3] }]);
  });
});

describe('a device', () => {
  test('that went and came back is listened to from the next plan on', async () => {
    await node.call('apply', BOTH);
    segment.ip('link del lan');
    expect(await node.call('sendDatagram', 'lan', PEER[4], [1])).toBe(false);
    expect(await node.call('receivedFrames', 'lan')).toBe(0);
    await node.call('apply', BOTH);
    expect(sockets()).not.toMatch(OPEN);
    segment.plug();
    segment.hostIp(`address add ${PEER[4]}/24 dev host`);
    expect(await node.call('apply', BOTH)).toEqual([]);
    await peer.call('apply', plan(['host'], [4, 6]));
    await sendFromNode(PEER[4], [5]);
    expect(await arrived(peer)).toMatchObject([{ source: '10.5.0.2', bytes: [5] }]);
  });

  test('counts the frames it received', async () => {
    await node.call('apply', BOTH);
    await peer.call('apply', plan(['host'], [4, 6]));
    const before = await node.call<number>('receivedFrames', 'lan');
    await peer.call('sendDatagram', 'host', '10.5.0.2', [1]);
    await arrived(node);
    expect(await node.call<number>('receivedFrames', 'lan')).toBeGreaterThan(before);
    expect(await node.call('receivedFrames', 'wan')).toBe(0);
  });
});
