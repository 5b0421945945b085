import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeEthernetHeader,
  encodeEthernetHeader,
  ethertypes,
  formatMac,
  macBytes,
  multicastMac,
  parseMac,
  virtualMac,
} from '../../firmware/wire/ethernet-frame.ts';
import { bytes, hex } from './frames/recorded-frames.ts';

describe('MAC addresses', () => {
  test('bytes survive the way through text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (mac) => {
        expect(hex(macBytes(formatMac(mac)))).toBe(hex(mac));
        expect(formatMac(macBytes(formatMac(mac).toUpperCase()))).toBe(formatMac(mac));
      }),
    );
  });

  test.each([
    '',
    '00:00:5e:00:01',
    '00:00:5e:00:01:c8:00',
    '0:0:5e:0:1:c8',
    '00-00-5e-00-01-c8',
    'g0:00:5e:00:01:c8',
  ])('%j is none', (text) => {
    expect(parseMac(text)).toBeUndefined();
    expect(() => macBytes(text)).toThrow(RangeError);
  });

  test('virtual MACs end in the VHID, which is 1..255', () => {
    expect(virtualMac(1)).toBe('00:00:5e:00:01:01');
    expect(virtualMac(255)).toBe('00:00:5e:00:01:ff');
    for (const vhid of [0, 256, -1, 1.5, Number.NaN]) {
      expect(() => virtualMac(vhid)).toThrow(RangeError);
    }
  });

  test.each([
    ['224.0.0.18', '01:00:5e:00:00:12'],
    ['239.192.0.5', '01:00:5e:40:00:05'],
    ['239.128.0.5', '01:00:5e:00:00:05'],
    ['ff02::12', '33:33:00:00:00:12'],
    ['ff02::1:ff00:5e01', '33:33:ff:00:5e:01'],
  ])('group %s has MAC %s', (group, mac) => {
    expect(multicastMac(group)).toBe(mac);
  });
});

describe('header', () => {
  const header = {
    destination: '01:00:5e:00:00:12',
    source: '00:00:5e:00:01:c8',
    ethertype: ethertypes.ipv4,
  };
  const encoded = bytes('01005e00001200005e0001c80800');

  test('both ways, into a dirty buffer, without touching what follows', () => {
    expect(decodeEthernetHeader(encoded)).toEqual(header);
    const out = new Uint8Array(16).fill(0xa5);
    encodeEthernetHeader(header, out);
    expect(hex(out)).toBe(`${hex(encoded)}a5a5`);
  });

  test('13 bytes are too few', () => {
    expect(decodeEthernetHeader(encoded.subarray(0, 13))).toBeUndefined();
  });
});
