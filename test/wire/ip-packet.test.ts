import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { internetChecksum } from '../../firmware/wire/internet-checksum.ts';
import { formatIpAddress } from '../../firmware/wire/ip-address.ts';
import {
  decodeIpPacket,
  encodeIpHeader,
  type IpHeader,
  ipHeaderBytes,
  pseudoHeaderSum,
} from '../../firmware/wire/ip-packet.ts';
import { bytes, hex } from './frames/recorded-frames.ts';

const v4Address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatIpAddress);
const v6Address = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatIpAddress);
const octet = fc.nat(255);
const anyHeader: fc.Arbitrary<IpHeader> = fc.oneof(
  fc.record({
    family: fc.constant(4 as const),
    trafficClass: octet,
    identification: fc.nat(0xffff),
    flags: fc.nat(7),
    fragmentOffset: fc.nat(0x1fff),
    hopLimit: octet,
    protocol: octet,
    source: v4Address,
    destination: v4Address,
  }),
  fc.record({
    family: fc.constant(6 as const),
    trafficClass: octet,
    flowLabel: fc.nat(0xfffff),
    hopLimit: octet,
    protocol: octet,
    source: v6Address,
    destination: v6Address,
  }),
);

test('every header and payload survive, written into a dirty buffer, with padding behind', () => {
  fc.assert(
    fc.property(
      anyHeader,
      fc.uint8Array({ maxLength: 64 }),
      fc.nat(20),
      (header, payload, padding) => {
        const headerBytes = ipHeaderBytes(header.family);
        const packet = new Uint8Array(headerBytes + payload.length + padding).fill(0xa5);
        encodeIpHeader(header, payload.length, packet);
        packet.set(payload, headerBytes);
        const decoded = decodeIpPacket(packet, header.family);
        expect(decoded.ok && decoded.header).toEqual(header);
        expect(decoded.ok && hex(decoded.payload)).toBe(hex(payload));
      },
    ),
  );
});

describe('IPv4', () => {
  const packet = bytes('45e0003812344000ff70c62dc0000201e0000012'.padEnd(56 * 2, '0'));

  test('fields of a real header', () => {
    expect(decodeIpPacket(packet, 4)).toMatchObject({
      ok: true,
      header: {
        trafficClass: 0xe0,
        identification: 0x1234,
        flags: 2,
        fragmentOffset: 0,
        hopLimit: 255,
        protocol: 112,
        source: '192.0.2.1',
        destination: '224.0.0.18',
      },
    });
  });

  test('options are skipped', () => {
    const long = new Uint8Array(60);
    long.set(packet.subarray(0, 20));
    long.set([0x94, 0x04, 0x00, 0x00], 20);
    long[0] = 0x46;
    long[3] = 60;
    long.set([0, 0], 10);
    const checksum = internetChecksum(long.subarray(0, 24));
    long.set([checksum >> 8, checksum & 0xff], 10);
    long.fill(0x77, 24);
    const decoded = decodeIpPacket(long, 4);
    expect(decoded.ok && hex(decoded.payload)).toBe('77'.repeat(36));
  });

  test.each([
    ['version 6', (p: Uint8Array) => p.fill(0x65, 0, 1), 'ip-header'],
    ['IHL 4', (p: Uint8Array) => p.fill(0x44, 0, 1), 'ip-header'],
    ['IHL beyond the total length', (p: Uint8Array) => p.fill(0x4f, 0, 1), 'ip-header'],
    ['total length within the header', (p: Uint8Array) => p.fill(19, 3, 4), 'ip-header'],
    ['total length beyond the packet', (p: Uint8Array) => p.fill(57, 3, 4), 'short'],
    ['a wrong checksum', (p: Uint8Array) => p.fill(254, 8, 9), 'ip-header'],
  ])('%s is refused', (_name, spoil, refusal) => {
    const spoilt = packet.slice();
    spoil(spoilt);
    expect(decodeIpPacket(spoilt, 4)).toEqual({ ok: false, refusal });
  });
});

describe('IPv6', () => {
  const packet = bytes(
    '6e000000000470fffe800000000000000000000000000001ff020000000000000000000000000012deadbeef',
  );

  test('fields of a header', () => {
    expect(decodeIpPacket(packet, 6)).toMatchObject({
      ok: true,
      header: {
        trafficClass: 0xe0,
        flowLabel: 0,
        hopLimit: 255,
        protocol: 112,
        source: 'fe80::1',
        destination: 'ff02::12',
      },
    });
  });

  test('a wrong version and a length beyond the packet are refused', () => {
    expect(decodeIpPacket(packet.slice().fill(0x4e, 0, 1), 6)).toEqual({
      ok: false,
      refusal: 'ip-header',
    });
    expect(decodeIpPacket(packet.slice().fill(5, 5, 6), 6)).toEqual({
      ok: false,
      refusal: 'short',
    });
  });
});

test.each([4, 6] as const)('family %s: a packet cut anywhere is short', (family) => {
  const header: IpHeader =
    family === 4
      ? {
          family,
          trafficClass: 0,
          identification: 7,
          flags: 2,
          fragmentOffset: 0,
          hopLimit: 255,
          protocol: 112,
          source: '192.0.2.1',
          destination: '192.0.2.2',
        }
      : {
          family,
          trafficClass: 0,
          flowLabel: 0,
          hopLimit: 255,
          protocol: 112,
          source: '2001:db8::1',
          destination: '2001:db8::2',
        };
  const packet = new Uint8Array(ipHeaderBytes(family) + 8);
  encodeIpHeader(header, 8, packet);
  expect(decodeIpPacket(packet, family).ok).toBe(true);
  for (let length = 0; length < packet.length; length++) {
    expect(decodeIpPacket(packet.subarray(0, length), family)).toEqual({
      ok: false,
      refusal: 'short',
    });
  }
});

test('pseudo header: addresses, length and protocol, RFC 8200 8.1', () => {
  // A neighbour solicitation from fe80::1 to ff02::1:ff00:2, summed by hand.
  const message = bytes('8700000000000000fe800000000000000000000000000002');
  const ip = { source: 'fe80::1', destination: 'ff02::1:ff00:2', protocol: 58 };
  const sum = 0xfe80 + 1 + 0xff02 + 0x0001 + 0xff00 + 0x0002 + 58 + 24 + 0x8700 + 0xfe80 + 0x0002;
  const folded = (sum & 0xffff) + (sum >> 16);
  expect(internetChecksum(message, pseudoHeaderSum(ip, message.length))).toBe(0xffff - folded);
});
