import { describe, expect, test } from 'vitest';
import type { NetlinkMessage } from '../../firmware/wire/netlink-message.ts';
import * as rtnetlink from '../../firmware/wire/rtnetlink.ts';
import { bytes } from './frames/recorded-frames.ts';
import { attributeTree, requestTree } from './netlink-tree.ts';

/** What strace saw `ip` (iproute2 6.1) send, from the family header on. */
const RECORDED = {
  // ip link add vip7.2 link lan address 00:00:5e:00:01:07 group 1 type macvlan mode bridge
  // and, as if by `bclim -1` of a newer iproute2, the attribute 9 with -1 (linux/if_link.h)
  create: [
    '00000000000000000000000000000000',
    '0a00010000005e0001070000 08001b0001000000 0800050003000000 0b000300766970372e320000' +
      '240012800b0001006d6163766c616e00 14000280080001000400000008000900ffffffff',
  ],
  // ip link set vip7.2 group 5 alias hello addrgenmode none
  mark: [
    '00000000040000000000000000000000',
    '08001b0005000000 0900140068656c6c6f000000 10001a800c000a800500080001000000',
  ],
  // ip link set vip7.2 up
  raise: ['00000000040000000100000001000000', ''],
  // ip address add 2001:db8::1/64 dev vip7.2 nodad noprefixroute
  vip: [
    '0a40000004000000',
    '1400020020010db8000000000000000000000001 0800080002020000' +
      '1400010020010db8000000000000000000000001',
  ],
  // ip address add 10.5.0.2/24 brd + dev lan
  real: ['0218000003000000', '080002000a050002 080001000a050002 080004000a0500ff'],
  // ip route del local 10.5.0.2 dev lan table local
  route: ['02200000ff00fe0200000000', '080001000a050002 0800040003000000'],
  // ip neigh get 10.5.0.9 dev lan
  neighbour: ['020000000300000000000000', '080001000a050009'],
} as const;

function recorded(name: keyof typeof RECORDED): unknown[] {
  const [header, attributes] = RECORDED[name];
  return [header, attributeTree(bytes(attributes.replaceAll(' ', '')))];
}

const unchecked = { withoutRoute: true, unchecked: true };
const real = { withoutRoute: false, unchecked: false };

describe('requests are what `ip` sends', () => {
  const macvlan = { name: 'vip7.2', parent: 3, mac: '00:00:5e:00:01:07', group: 1 };
  test.each([
    ['create', rtnetlink.createMacvlan(macvlan)],
    ['mark', rtnetlink.markLink(4, { group: 5, alias: 'hello', ipv6: true })],
    ['raise', rtnetlink.raiseLink(4)],
    ['vip', rtnetlink.addAddress({ index: 4, address: '2001:db8::1', prefix: 64, ...unchecked })],
    ['real', rtnetlink.addAddress({ index: 3, address: '10.5.0.2', prefix: 24, ...real })],
    ['route', rtnetlink.deleteLocalRoute(3, '10.5.0.2')],
    ['neighbour', rtnetlink.getNeighbour(3, '10.5.0.9')],
  ] as const)('%s', (name, request) => {
    const [, header, tree] = requestTree(request);
    // Ours carry the flag "nested" everywhere, iproute2 leaves it out at places.
    expect([header, tree]).toEqual(recorded(name));
  });

  test('an address alone in its network has no broadcast address', () => {
    const request = rtnetlink.addAddress({ index: 3, address: '10.5.0.2', prefix: 32, ...real });
    expect(requestTree(request)[2].map(([type]) => type)).toEqual([1, 2]);
  });

  test('IPv6 settings are left out where there is no IPv6', () => {
    const request = rtnetlink.markLink(4, { group: 5, alias: 'hello', ipv6: false });
    expect(requestTree(request)[2].map(([type]) => type)).toEqual([20, 27]);
  });
});

const message = (type: number, payload: string): NetlinkMessage => ({
  type,
  flags: 0,
  sequence: 0,
  port: 0,
  payload: bytes(payload.replaceAll(' ', '')),
});

const LINK_HEADER = '0000 0100 04000000 43100100 00000000';
const LINK = `${LINK_HEADER} 0a00010000005e0001070000 0b000300766970372e320000 0800050003000000
  08001b0005000000 0500210001000000 0800230003000000 0900140068656c6c6f000000
  1c0012000b0001006d6163766c616e000c0002000800010004000000 10001a000c000a000500080001000000`
  .replaceAll('\n', '')
  .replaceAll(' ', '');

describe('links', () => {
  test('are read with all that matters here', () => {
    expect(rtnetlink.decodeLink(message(16, LINK))).toEqual({
      index: 4,
      name: 'vip7.2',
      mac: '00:00:5e:00:01:07',
      up: true,
      carrier: true,
      carrierChanges: 3,
      parent: 3,
      group: 5,
      kind: 'macvlan',
      bridgeMode: true,
      generatesNoAddress: true,
      alias: 'hello',
    });
  });

  test('cut anywhere are read as far as they go, or not at all', () => {
    const whole = bytes(LINK);
    for (let length = 0; length < whole.length; length++) {
      const link = rtnetlink.decodeLink({ ...message(16, ''), payload: whole.subarray(0, length) });
      expect(link === undefined).toBe(length < 16);
    }
  });

  test('as a bridge or a radio sees them are not the link', () => {
    expect(rtnetlink.decodeLink(message(16, LINK.replace('00', '07')))).toBeUndefined();
    const radio = `${LINK_HEADER} 08000300 6c616e00 08000b0000000000`;
    expect(rtnetlink.decodeLink(message(16, radio))).toBeUndefined();
  });
});

describe('addresses', () => {
  test('are read with their flags', () => {
    const vip = RECORDED.vip.join('');
    expect(rtnetlink.decodeAddress(message(20, vip))).toEqual({
      index: 4,
      address: '2001:db8::1',
      prefix: 64,
      withoutRoute: true,
      unchecked: true,
      unusable: false,
    });
  });

  test.each([
    ['tentative', '40'],
    ['a duplicate', '08'],
  ])('that are %s are not usable', (_, flags) => {
    const text = `0a400000040000001400010020010db8000000000000000000000001 08000800${flags}000000`;
    expect(rtnetlink.decodeAddress(message(20, text))?.unusable).toBe(true);
  });

  test('without an IP address are none', () => {
    expect(rtnetlink.decodeAddress(message(20, '0a40000004000000'))).toBeUndefined();
    expect(rtnetlink.decodeAddress(message(20, '0a400000 04'))).toBeUndefined();
    expect(rtnetlink.decodeAddress(message(16, RECORDED.vip.join('')))).toBeUndefined();
  });
});

describe('neighbours', () => {
  const neighbour = (state: string, rest = '0a000200020000000099 0000') =>
    rtnetlink.decodeNeighbour(message(28, `02000000 03000000 ${state}00 0000 ${rest}`));

  test.each([
    ['reachable', '02', '02:00:00:00:00:99', true],
    ['stale', '04', '02:00:00:00:00:99', false],
    ['failed', '20', undefined, false],
    ['incomplete', '01', undefined, false],
    ['permanent', '80', '02:00:00:00:00:99', true],
  ])('%s', (_, state, mac, confirmed) => {
    expect(neighbour(state)).toEqual({ mac, confirmed });
  });

  test('without a MAC have none', () => {
    expect(neighbour('02', '')?.mac).toBeUndefined();
  });
});
