import { describe, expect, test } from 'vitest';
import { equalDigests, hmacSha1 } from '../../firmware/wire/keyed-digest.ts';
import { bytes, hex, utf8 } from './frames/recorded-frames.ts';

describe('HMAC-SHA1', () => {
  test.each([
    // RFC 2202 section 3, cases 1, 2, 3 and 6.
    [bytes('0b'.repeat(20)), utf8('Hi There'), 'b617318655057264e28bc0b6fb378c8ef146be00'],
    [
      utf8('Jefe'),
      utf8('what do ya want for nothing?'),
      'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
    ],
    [bytes('aa'.repeat(20)), bytes('dd'.repeat(50)), '125d7342b9ac11cd91a39af48aa17b4f63f175d3'],
    [
      bytes('aa'.repeat(80)),
      utf8('Test Using Larger Than Block-Size Key - Hash Key First'),
      'aa4ae5e15272d00e95705637ce8a3b55ed402112',
    ],
  ])('RFC 2202 case %#', (key, message, digest) => {
    expect(hex(hmacSha1(key, message))).toBe(digest);
  });

  test('a key padded with zero bytes to 20 gives the same digest', () => {
    const padded = new Uint8Array(20);
    padded.set(utf8('labsecret'));
    expect(hmacSha1(padded, utf8('x'))).toEqual(hmacSha1(utf8('labsecret'), utf8('x')));
  });
});

describe('comparison', () => {
  test('equal, different and differently long digests', () => {
    expect(equalDigests(bytes('0102'), bytes('0102'))).toBe(true);
    expect(equalDigests(bytes('0102'), bytes('0103'))).toBe(false);
    expect(equalDigests(bytes('0102'), bytes('010200'))).toBe(false);
    expect(equalDigests(bytes(''), bytes(''))).toBe(true);
  });
});
