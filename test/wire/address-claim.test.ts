import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AddressClaim,
  decodeAddressClaim,
  encodeAddressClaim,
} from '../../firmware/wire/address-claim.ts';
import { virtualMac } from '../../firmware/wire/ethernet-frame.ts';
import { internetChecksum } from '../../firmware/wire/internet-checksum.ts';
import { formatIpAddress } from '../../firmware/wire/ip-address.ts';
import { bytes, hex } from './frames/recorded-frames.ts';

const mac = '00:00:5e:00:01:07';

/** One claim of each kind, its frame laid out a field per line. */
const golden: readonly [AddressClaim, readonly string[]][] = [
  [
    { kind: 'arp-request', address: '192.0.2.7', mac },
    [
      'ffffffffffff 00005e000107 0806', // broadcast, virtual MAC, ARP
      '0001 0800 06 04 0001', // Ethernet, IPv4, request
      '00005e000107 c0000207', // sender: the claim
      '000000000000 c0000207', // target: the same address
    ],
  ],
  [
    { kind: 'arp-reply', address: '192.0.2.7', mac },
    [
      'ffffffffffff 00005e000107 0806',
      '0001 0800 06 04 0002',
      '00005e000107 c0000207',
      '00005e000107 c0000207',
    ],
  ],
  [
    { kind: 'neighbour-advertisement', address: '2001:db8::7', mac, router: true },
    [
      '333300000001 00005e000107 86dd', // all nodes, virtual MAC, IPv6
      '60000000 0020 3a ff', // 32 bytes of ICMPv6, hop limit 255
      '20010db8000000000000000000000007', // source: the VIP itself
      'ff020000000000000000000000000001',
      '88 00 1c18 a0000000', // neighbour advertisement, R and O
      '20010db8000000000000000000000007', // target
      '02 01 00005e000107', // target link-layer address
    ],
  ],
];

function frameOf(lines: readonly string[]): Uint8Array {
  return bytes(lines.join('').replaceAll(' ', ''));
}

describe.each(golden)('%o', (claim, lines) => {
  const frame = frameOf(lines);

  test('both ways', () => {
    expect(hex(encodeAddressClaim(claim))).toBe(hex(frame));
    expect(decodeAddressClaim(frame)).toEqual(claim);
  });

  test('cut anywhere it is none; padded it is the same', () => {
    for (let length = 0; length < frame.length; length++) {
      expect(decodeAddressClaim(frame.subarray(0, length))).toBeUndefined();
    }
    expect(decodeAddressClaim(Uint8Array.of(...frame, 0, 0, 0, 0))).toEqual(claim);
  });
});

test('every claim survives, written into a dirty buffer', () => {
  const vip = (length: number) =>
    fc.uint8Array({ minLength: length, maxLength: length }).map(formatIpAddress);
  const anyMac = fc.integer({ min: 1, max: 255 }).map(virtualMac);
  const anyClaim: fc.Arbitrary<AddressClaim> = fc.oneof(
    fc.record({
      kind: fc.constantFrom('arp-request' as const, 'arp-reply' as const),
      address: vip(4),
      mac: anyMac,
    }),
    fc.record({
      kind: fc.constant('neighbour-advertisement' as const),
      address: vip(16),
      mac: anyMac,
      router: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(anyClaim, (claim) => {
      const out = new Uint8Array(90).fill(0xa5);
      const frame = encodeAddressClaim(claim, out);
      expect(frame.length).toBe(claim.kind === 'neighbour-advertisement' ? 86 : 42);
      expect(out.subarray(frame.length).every((byte) => byte === 0xa5)).toBe(true);
      expect(decodeAddressClaim(frame)).toEqual(claim);
    }),
  );
});

describe('what is not a claim', () => {
  const [request, , advertisement] = golden.map(([, lines]) => frameOf(lines));

  test.each([
    ['an ordinary ARP request: other target', request, 41, 9],
    ['another opcode', request, 21, 3],
    ['another hardware type', request, 15, 6],
    ['an Ethernet source that is not the claimed MAC', request, 11, 8],
    ['a wrong checksum', advertisement, 57, 0],
    ['a hop limit of 254', advertisement, 21, 254],
  ])('%s', (_name, frame, at, value) => {
    expect(frame && decodeAddressClaim(frame)).toBeDefined();
    expect(frame && decodeAddressClaim(frame.slice().fill(value, at, at + 1))).toBeUndefined();
  });

  /** The neighbour advertisement with a byte replaced and the ICMPv6 checksum made right again. */
  function consistently(at: number, value: number): Uint8Array {
    const changed = (advertisement ?? bytes('')).slice().fill(value, at, at + 1);
    changed.set([0, 0], 56);
    const pseudo = Uint8Array.of(...changed.subarray(22, 54), 0, 0, 0, 32, 0, 0, 0, 58);
    const checksum = internetChecksum(Uint8Array.of(...pseudo, ...changed.subarray(54)));
    changed.set([checksum >> 8, checksum & 0xff], 56);
    return changed;
  }

  test.each([
    ['a neighbour solicitation', 54, 135],
    ['another code', 55, 1],
    ['a solicited answer', 58, 0xe0],
    ['no override', 58, 0x80],
    ['a source link-layer option', 78, 1],
    ['a target other than the source', 77, 8],
    ['a destination other than all nodes', 53, 2],
  ])('%s', (_name, at, value) => {
    expect(decodeAddressClaim(consistently(58, 0xa0))).toBeDefined();
    expect(decodeAddressClaim(consistently(at, value))).toBeUndefined();
  });
});
