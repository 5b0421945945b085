import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KernelEvent, NetworkPlan, PlannedVip } from '../../firmware/kernel/kernel.ts';
import {
  encodeEthernetHeader,
  ethertypes,
  multicastMac,
} from '../../firmware/wire/ethernet-frame.ts';
import type { NamespaceProcess } from './json-lines.ts';
import { Segment } from './segment.ts';

const MAC = '00:00:5e:00:01:07';
const REAL = { 4: '10.5.0.2', 6: '2001:db8::2' };
const VIPS = ['10.5.0.1', '2001:db8::1', 'fe80::7'];

const address = (text: string, prefix = text.includes(':') ? 64 : 24) => ({
  address: text,
  prefix,
  ownsSubnet: false,
});

function vip(vhid: number, addresses: readonly string[], group = 1): PlannedVip {
  return { vhid, device: 'lan', group, addresses: addresses.map((each) => address(each)) };
}

function plan(...vips: readonly PlannedVip[]): NetworkPlan {
  return {
    interfaces: [
      {
        device: 'lan',
        addresses: [
          { address: REAL[4], prefix: 24 },
          { address: REAL[6], prefix: 64 },
        ],
        families: [4, 6],
        beats: [],
      },
    ],
    vips,
    leaseMilliseconds: 45,
    keepMilliseconds: 45,
  };
}

const DUAL = plan(vip(7, VIPS));

let segment: Segment;
let node: NamespaceProcess;
let host: NamespaceProcess;

beforeEach(() => {
  segment = new Segment();
  node = segment.startNode();
  host = segment.startHost();
});

afterEach(() => segment.remove());

/** An address of the node that always answers and is no part of a plan. */
const reference = (target: string): string => (target.includes(':') ? '2001:db8::3' : '10.5.0.3');

/** MACs that answer a question to everybody or to one MAC. */
const ask = (target: string, to?: string): Promise<string[]> =>
  host.call('ask', target, reference(target), to);

const answers = async (target: string): Promise<boolean> => (await ask(target, MAC)).length > 0;

/** Asks until nobody answers for the target; then it has to stay so. */
async function fallsSilent(target: string): Promise<boolean> {
  for (let turn = 0; turn < 5_000; turn++) {
    if (await answers(target)) continue;
    for (let again = 0; again < 50; again++) if (await answers(target)) return false;
    return true;
  }
  return false;
}

const isUp = (name: string): boolean => segment.ip(`link show ${name}`).includes('UP');
const vipName = (vhid: number): string => {
  const index = /^(\d+): lan/m.exec(segment.ip('link show lan'))?.[1];
  return `vip${vhid}.${index}`;
};

describe('a plan', () => {
  test('applied twice changes nothing the second time', async () => {
    expect(await node.call('apply', DUAL)).toEqual([]);
    const before = segment.picture();
    expect(before).toContain(MAC);
    expect(await node.call('apply', DUAL)).toEqual([]);
    expect(segment.picture()).toBe(before);
  });

  test('leaves nothing behind when it is retired', async () => {
    const before = segment.picture();
    await node.call('apply', DUAL);
    await node.call('hold', 1);
    await node.call('retire');
    expect(segment.picture()).toBe(before);
  });

  test('survives a crash, and the next life makes the machine equal to it', async () => {
    await node.call('apply', DUAL);
    const before = segment.picture();
    await node.call('claim', 1);
    await node.kill();
    segment.ip(`link set ${vipName(7)} group 99`);
    const next = segment.startNode();
    expect(await next.call('apply', DUAL)).toEqual([]);
    expect(neutral(segment.picture())).toEqual(neutral(before));
    await next.call('retire');
    expect(segment.run('sysctl -n net.ipv4.conf.lan.arp_ignore')).toBe('0\n');
  });

  test('of another life is cleared away', async () => {
    await node.call('apply', plan(vip(7, VIPS), vip(8, ['10.5.0.8'])));
    await node.kill();
    const next = segment.startNode();
    const nine = plan(vip(9, ['10.5.0.9']));
    await next.call('apply', nine);
    await next.call('pass', 300_000);
    const links = segment.ip('-brief link show type macvlan');
    expect(links.trim().split('\n')).toHaveLength(1);
    expect(links).toContain(vipName(9));
    expect(segment.run('nft list ruleset').match(/chain vip/g)).toHaveLength(2);
    const before = segment.picture();
    await next.call('apply', nine);
    expect(segment.picture()).toBe(before);
  });

  test('is refused to a second process while the first lives', async () => {
    await node.call('apply', DUAL);
    await expect(segment.startNode().call('apply', DUAL)).rejects.toMatchObject({
      code: 'lease-refused',
    });
  });

  test('does not disturb the VIPs that stay', async () => {
    await node.call('apply', plan(vip(7, ['10.5.0.1'])));
    await node.call('hold', 1);
    const name = vipName(7);
    const index = segment.ip(`-o link show ${name}`).split(':')[0];
    await node.call('apply', plan(vip(7, ['10.5.0.1', '10.5.0.4']), vip(8, ['10.5.0.8'])));
    expect(isUp(name)).toBe(true);
    expect(await answers('10.5.0.1')).toBe(true);
    await node.call('apply', plan(vip(7, ['10.5.0.4'])));
    expect(await ask('10.5.0.8', '00:00:5e:00:01:08')).toEqual([]);
    expect(await ask('10.5.0.4', MAC)).toEqual([MAC]);
    expect(await answers('10.5.0.1')).toBe(false);
    expect(segment.ip(`-o link show ${name}`).split(':')[0]).toBe(index);
  });

  test('that wants fewer VIPs does not cost the lease of the others', async () => {
    const strays = Array.from({ length: 8 }, (_, at) => vip(at + 20, [`10.5.0.${at + 20}`]));
    await node.call('apply', plan(vip(7, ['10.5.0.1']), ...strays));
    await node.call('enterRealtime', 10);
    await node.call('claim', 1);
    await node.call('apply', plan(vip(7, ['10.5.0.1'])));
    expect(await node.call('keep', 1, 400_000)).toBe(true);
    expect(segment.ip('-brief link show type macvlan').trim().split('\n')).toHaveLength(1);
  });

  test('adds real addresses, and names what it may not change', async () => {
    segment.ip('address flush dev lan');
    segment.ip('address add 10.5.0.2/16 dev lan');
    const problems = await node.call('apply', {
      ...DUAL,
      interfaces: [...DUAL.interfaces, { device: 'wan', addresses: [], families: [4], beats: [] }],
    });
    expect(problems).toEqual([
      expect.objectContaining({ code: 'wrong-prefix', device: 'lan' }),
      expect.objectContaining({ code: 'no-device', device: 'wan' }),
    ]);
    expect(segment.ip('address show lan')).toContain('2001:db8::2/64');
  });

  test.each([
    ['100 addresses on one VHID', [vip(7, hundred())]],
    ['20 VHIDs', Array.from({ length: 20 }, (_, at) => vip(at + 7, [`10.5.0.${at + 100}`]))],
  ])('of %s is claimed as a whole', async (_, vips) => {
    expect(await node.call('apply', plan(...vips))).toEqual([]);
    await node.call('hold', 1);
    for (const { vhid, addresses } of vips) {
      const mac = `00:00:5e:00:01:${vhid.toString(16).padStart(2, '0')}`;
      for (const each of addresses) expect(await ask(each.address, mac)).toEqual([mac]);
    }
    await node.call('letGo');
    await node.call('retire');
    expect(segment.ip('-brief link show type macvlan')).toBe('');
  });
});

function hundred(): string[] {
  return Array.from({ length: 100 }, (_, at) =>
    at % 2 === 0 ? `10.5.0.${at + 100}` : `2001:db8::1:${at}`,
  );
}

describe('a lease', () => {
  test('claimed lets the virtual MAC, and nobody else, answer ARP and ND at once', async () => {
    await node.call('apply', DUAL);
    for (const each of VIPS) expect(await answers(each)).toBe(false);
    await node.call('hold', 1);
    for (const each of VIPS) {
      expect(await ask(each, MAC)).toEqual([MAC]);
      expect(await host.call('find', each)).toBe(MAC);
      // Late second answers would come before those to the next questions.
      const later = [await ask(each, MAC), await ask(each, MAC)].flat();
      expect(later).toEqual([MAC, MAC]);
    }
  });

  test('leaves the real addresses to the real MAC', async () => {
    await node.call('apply', DUAL);
    await node.call('hold', 1);
    const real = /link\/ether (\S+)/.exec(segment.ip('link show lan'))?.[1];
    for (const each of [REAL[4], REAL[6]]) {
      expect(await host.call('find', each)).toBe(real);
      expect(await answers(each)).toBe(false);
    }
  });

  test('released silences at once; the interface follows', async () => {
    await node.call('apply', DUAL);
    await node.call('hold', 1);
    await node.call('letGo');
    await node.call('release', 1);
    for (const each of VIPS) expect(await answers(each)).toBe(false);
    expect(await node.call('renew', 1)).toBe(false);
    await node.call('pass', 300_000);
    expect(isUp(vipName(7))).toBe(false);
    expect(segment.ip('route get 10.5.0.1')).not.toContain('local');
    await node.call('release', 1);
  });

  test.each(['SIGSTOP', 'SIGKILL'] as const)('lapses by itself after %s', async (signal) => {
    await node.call('apply', DUAL);
    await node.call('hold', 1);
    for (const each of VIPS) expect(await answers(each)).toBe(true);
    node.signal(signal);
    for (const each of VIPS) expect(await fallsSilent(each)).toBe(true);
    expect(isUp(vipName(7))).toBe(true);
  });

  test('lapses by itself while the process is caught in an endless loop', async () => {
    await node.call('apply', DUAL);
    await node.call('hold', 1);
    for (const each of VIPS) expect(await answers(each)).toBe(true);
    node.tell('loopForEver');
    for (const each of VIPS) expect(await fallsSilent(each)).toBe(true);
  });

  test('that has lapsed is not renewed, only claimed again', async () => {
    await node.call('apply', DUAL);
    await node.call('claim', 1);
    expect(await node.call('renew', 1)).toBe(true);
    await node.call('pass', 100_000);
    expect(await node.call('renew', 1)).toBe(false);
    expect(await node.call('renew', 1)).toBe(false);
    expect(await answers('10.5.0.1')).toBe(false);
    await node.call('claim', 1);
    expect(await node.call('renew', 1)).toBe(true);
  });

  test('of one group says nothing about another', async () => {
    await node.call('apply', plan(vip(7, ['10.5.0.1'], 1), vip(8, ['10.5.0.8'], 2)));
    await node.call('hold', 1);
    expect(await answers('10.5.0.1')).toBe(true);
    expect(await ask('10.5.0.8', '00:00:5e:00:01:08')).toEqual([]);
    expect(await node.call('renew', 2)).toBe(false);
  });

  test('survives that an administrator flushes all rules', async () => {
    await node.call('apply', DUAL);
    await node.call('hold', 1);
    segment.run('nft flush ruleset');
    expect(await answers('10.5.0.1')).toBe(true);
    await node.call('letGo');
    expect(await fallsSilent('10.5.0.1')).toBe(true);
  });

  test('is needed to send with a VIP as source, also from the real device', async () => {
    await node.call('apply', DUAL);
    const heard = (): Promise<number> => host.call('heard', MAC, 0x88b6);
    const frame = (source: string, ethertype: number) => {
      const bytes = new Uint8Array(60);
      encodeEthernetHeader({ destination: '02:00:00:00:00:99', source, ethertype }, bytes);
      bytes.set([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 5, 0, 1, 10, 5, 0, 99], 14);
      return [...bytes];
    };
    const fromVip = frame(MAC, ethertypes.ipv4);
    expect(await node.call('transmit', 'lan', fromVip)).toBe(false);
    expect(await node.call('transmitFromVip', 'lan', 7, fromVip)).toBe(false);
    await answers('10.5.0.1');
    await heard();
    await node.call('hold', 1);
    expect(await node.call('transmit', 'lan', fromVip)).toBe(true);
    expect(await node.call('transmitFromVip', 'lan', 7, fromVip)).toBe(true);
    expect(await node.call('transmit', 'lan', frame(MAC, 0x88b5))).toBe(false);
    expect(await heard()).toBeGreaterThanOrEqual(2);
  });

  test('is renewed without a frame reaching the cable', async () => {
    await node.call('apply', DUAL);
    await node.call('claim', 1);
    await host.call('heard', '', 0x88b5);
    for (let turn = 0; turn < 20; turn++) expect(await node.call('renew', 1)).toBe(true);
    await answers('10.5.0.1');
    expect(await host.call('heard', '', 0x88b5)).toBe(0);
  });

  test('cannot be had when no interface is there', async () => {
    await node.call('apply', DUAL);
    await expect(node.call('claim', 2)).rejects.toMatchObject({ code: 'lease-refused' });
  });
});

/** What has a meaning: not the numbers of links, not the order of chains. */
function neutral(picture: string): string[] {
  const lines = picture.replace(/^\d+: vip|qdisc \w+|handle \d+/gm, '').split('\n');
  return lines.sort();
}

describe('events', () => {
  const waitFor = <Kind extends KernelEvent['kind']>(kind: Kind) =>
    node
      .call<KernelEvent[]>('waitFor', kind)
      .then(
        (all) => all.filter((each) => each.kind === kind) as Extract<KernelEvent, { kind: Kind }>[],
      );

  test('tell each device once after a plan, then only what changes', async () => {
    await node.call('apply', DUAL);
    const [first] = await waitFor('link');
    expect(first?.link).toMatchObject({ device: 'lan', present: true, carrier: true });
    expect(first?.link.addresses).toContainEqual({ address: '10.5.0.2', prefix: 24 });
    await node.call('post', 'nothing else');
    const all = await node.call<KernelEvent[]>('waitFor', 'message');
    expect(all.filter(({ kind }) => kind === 'link').length).toBeLessThanOrEqual(1);
  });

  test('tell the carrier as often as it changes', async () => {
    await node.call('apply', DUAL);
    await waitFor('link');
    for (const carrier of [false, true, false, true]) {
      const state = carrier ? 'up' : 'down';
      segment.hostIp(`link set host ${state}`);
      let last: boolean | undefined;
      while (last !== carrier) last = (await waitFor('link')).at(-1)?.link.carrier;
      expect(last).toBe(carrier);
    }
  });

  test('tell when a device goes, and when it is back all works again', async () => {
    await node.call('apply', DUAL);
    await node.call('hold', 1);
    await waitFor('link');
    segment.ip('link del lan');
    let present = true;
    while (present) present = (await waitFor('link')).at(-1)?.link.present ?? present;
    expect(await node.call('renew', 1)).toBe(false);
    expect(await node.call('apply', DUAL)).toMatchObject([{ code: 'no-device' }]);
    await expect(node.call('claim', 1)).rejects.toMatchObject({ code: 'lease-refused' });
    segment.plug();
    while (!present) present = (await waitFor('link')).at(-1)?.link.present ?? present;
    expect(await node.call('apply', DUAL)).toEqual([]);
    await node.call('claim', 1);
    expect(await node.call('renew', 1)).toBe(true);
  });

  test.each([
    ['removed', (name: string) => `link del ${name}`],
    ['raised', (name: string) => `link set ${name} up`],
    ['10.5.0.1 removed', (name: string) => `address del 10.5.0.1/24 dev ${name}`],
  ])('tell that somebody else changed a macvlan: %s', async (text, line) => {
    await node.call('apply', DUAL);
    const before = segment.picture();
    segment.ip(line(vipName(7)));
    const [damage] = await waitFor('damaged');
    expect(damage?.text).toContain(text);
    expect(await node.call('apply', DUAL)).toEqual([]);
    expect(neutral(segment.picture())).toEqual(neutral(before));
  });

  test('tell that somebody else changed a macvlan in use', async () => {
    await node.call('apply', DUAL);
    await node.call('claim', 1);
    segment.ip(`link set ${vipName(7)} group 5`);
    const [damage] = await waitFor('damaged');
    expect(damage?.text).toContain('moved to device group 5');
    await node.call('apply', DUAL);
    await node.call('claim', 1);
    segment.ip(`-6 address del 2001:db8::1/64 dev ${vipName(7)}`);
    const [again] = await waitFor('damaged');
    expect(again?.text).toContain('2001:db8::1 removed');
    await node.call('apply', DUAL);
    await node.call('claim', 1);
    expect(await ask('2001:db8::1', MAC)).toEqual([MAC]);
  });

  test('bring frames of protocol 112, and no others', async () => {
    await node.call('apply', DUAL);
    await waitFor('link');
    const frame = (protocol: number, mark: number) => {
      const bytes = new Uint8Array(60);
      const destination = multicastMac('224.0.0.18');
      encodeEthernetHeader(
        { destination, source: '02:00:00:00:00:99', ethertype: ethertypes.ipv4 },
        bytes,
      );
      bytes.set([0x45, 0, 0, 46, 0, 0, 0, 0, 255, protocol, 0, 0, 10, 5, 0, 99, 224, 0, 0, 18], 14);
      bytes[59] = mark;
      return [...bytes];
    };
    await host.call('send', frame(17, 1));
    await host.call('send', frame(112, 2));
    const frames = await waitFor('frame');
    expect(frames.map(({ bytes }) => bytes[59])).toEqual([2]);
    expect(frames[0]?.device).toBe('lan');
    expect(segment.ip('maddress show lan')).toContain('224.0.0.18');
    expect(segment.ip('maddress show lan')).toContain('ff02::12');
  });

  test('bring messages of the other thread', async () => {
    await node.call('post', { kind: 'stop' });
    await node.call('apply', DUAL);
    expect((await waitFor('message')).map(({ message }) => message)).toEqual([{ kind: 'stop' }]);
  });
});

describe('questions', () => {
  test('a neighbour is found by asking twice', async () => {
    segment.hostIp('address add 10.5.0.9/24 dev host');
    await node.call('apply', DUAL);
    let mac = null;
    while (mac === null) mac = await node.call('neighbour', 'lan', '10.5.0.9');
    expect(mac).toBe('02:00:00:00:00:99');
  });

  test('forwarding is read when it is asked for', async () => {
    expect(await node.call('forwards', 4)).toBe(false);
    segment.run('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
    expect(await node.call('forwards', 4)).toBe(true);
    expect(await node.call('forwards', 6)).toBe(true);
  });

  test('random bytes differ', async () => {
    expect(await node.call('random', 16)).not.toEqual(await node.call('random', 16));
  });
});
