import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CARP_BYTES,
  type CarpAdvertisement,
  decodeCarpAdvertisement,
  encodeCarpAdvertisement,
} from '../../firmware/wire/carp-advertisement.ts';
import { bytes, hex, ucarpFrames } from './frames/recorded-frames.ts';

const anyAdvertisement: fc.Arbitrary<CarpAdvertisement> = fc.record({
  type: fc.nat(15),
  vhid: fc.nat(255),
  advskew: fc.nat(255),
  authlen: fc.nat(255),
  demote: fc.nat(255),
  advbase: fc.nat(255),
  counter: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  digest: fc.uint8Array({ minLength: 20, maxLength: 20 }),
});

describe.each(ucarpFrames)('$id', ({ frame, decoded }) => {
  const payload = frame.subarray(34);

  test('decodes to what the dissector saw', () => {
    const advertisement = decodeCarpAdvertisement(payload);
    expect(advertisement).toMatchObject({
      type: decoded.typ,
      vhid: decoded.vhid,
      advskew: decoded.advskew,
      authlen: decoded.authlen,
      demote: decoded.demote,
      advbase: decoded.advbase,
      counter: BigInt(`0x${decoded.counter}`),
    });
    expect(advertisement && hex(advertisement.digest)).toBe(decoded.hmac);
  });

  test('encodes to the same bytes', () => {
    const advertisement = decodeCarpAdvertisement(payload);
    expect(advertisement && hex(encodeCarpAdvertisement(advertisement))).toBe(hex(payload));
  });

  test('any byte changed, or any missing, and it is none', () => {
    for (let at = 0; at < CARP_BYTES; at++) {
      const changed = payload.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(decodeCarpAdvertisement(changed)).toBeUndefined();
      expect(decodeCarpAdvertisement(payload.subarray(0, at))).toBeUndefined();
    }
  });
});

test('every record survives, written into a dirty buffer, and touches 36 bytes', () => {
  fc.assert(
    fc.property(anyAdvertisement, (advertisement) => {
      const out = new Uint8Array(CARP_BYTES + 2).fill(0xa5);
      const encoded = encodeCarpAdvertisement(advertisement, out);
      expect(encoded.length).toBe(CARP_BYTES);
      expect(hex(out.subarray(CARP_BYTES))).toBe('a5a5');
      expect(decodeCarpAdvertisement(encoded)).toEqual(advertisement);
    }),
  );
});

test('the decoded digest is a copy', () => {
  const payload = (ucarpFrames[0]?.frame ?? bytes('')).slice(34);
  const advertisement = decodeCarpAdvertisement(payload);
  payload.fill(0);
  expect(advertisement && hex(advertisement.digest)).toBe(ucarpFrames[0]?.decoded.hmac);
});

test('bytes behind the 36 are ignored, as by every receiver', () => {
  const payload = (ucarpFrames[0]?.frame ?? bytes('')).subarray(34);
  const longer = Uint8Array.of(...payload, ...bytes('0102030405'));
  expect(decodeCarpAdvertisement(longer)).toEqual(decodeCarpAdvertisement(payload));
});

test('a digest of the wrong length is a mistake of ours', () => {
  const advertisement = decodeCarpAdvertisement((ucarpFrames[0]?.frame ?? bytes('')).subarray(34));
  expect(
    () => advertisement && encodeCarpAdvertisement({ ...advertisement, digest: bytes('00') }),
  ).toThrow(RangeError);
});
