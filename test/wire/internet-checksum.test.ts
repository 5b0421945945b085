import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { internetChecksum, onesComplementSum } from '../../firmware/wire/internet-checksum.ts';
import { bytes } from './frames/recorded-frames.ts';

describe('internet checksum', () => {
  test("RFC 1071 3: the document's own example sums to ddf2", () => {
    expect(onesComplementSum(bytes('0001f203f4f5f6f7'))).toBe(0xddf2);
    expect(internetChecksum(bytes('0001f203f4f5f6f7'))).toBe(0x220d);
  });

  test('an odd last byte is the high half of a word', () => {
    expect(onesComplementSum(bytes('0001f2'))).toBe(0xf201);
  });

  test('a carry out of folding the carries is folded in too', () => {
    expect(onesComplementSum(bytes('ffffffff0001'))).toBe(0x0001);
  });

  test('no bytes sum to zero', () => {
    expect(internetChecksum(new Uint8Array(0))).toBe(0xffff);
  });

  test('appended to any even data, the checksum makes the whole verify', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 200 }), (data) => {
        const even = data.subarray(0, data.length & ~1);
        const checksum = internetChecksum(even);
        const whole = Uint8Array.of(...even, checksum >> 8, checksum & 0xff);
        expect(internetChecksum(whole)).toBe(0);
      }),
    );
  });

  test('a sum continues over even parts as over the whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 50 }), (data, half) => {
        const cut = Math.min(half * 2, data.length & ~1);
        const continued = onesComplementSum(
          data.subarray(cut),
          onesComplementSum(data.subarray(0, cut)),
        );
        expect(continued).toBe(onesComplementSum(data));
      }),
    );
  });

  test('one changed bit is always noticed', () => {
    const data = bytes('45e0003812344000ff70c62dc0000201e0000012');
    expect(internetChecksum(data)).toBe(0);
    for (let bit = 0; bit < data.length * 8; bit++) {
      const changed = data.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(internetChecksum(changed)).not.toBe(0);
    }
  });
});
