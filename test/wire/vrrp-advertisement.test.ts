import { describe, expect, test } from 'vitest';
import { openProtocol112 } from '../../firmware/wire/carp-frame.ts';
import { decodeVrrpAdvertisement } from '../../firmware/wire/vrrp-advertisement.ts';
import { bytes, keepalivedFrames, ucarpFrames } from './frames/recorded-frames.ts';

/** The payload and header of a recorded frame, which all open. */
function open(frame: Uint8Array) {
  const opened = openProtocol112(frame);
  if (!opened.ok) {
    throw new Error(`recorded frame does not open: ${opened.refusal}`);
  }
  return opened;
}

describe('keepalived', () => {
  test.each(keepalivedFrames)('$note', ({ frame, version, vrid, priority, count }) => {
    const { payload, ip } = open(frame);
    expect(decodeVrrpAdvertisement(payload, ip)).toEqual({
      version,
      vrid,
      priority,
      count,
      checksumRight: true,
    });
    for (let length = 0; length < payload.length; length++) {
      const cut = decodeVrrpAdvertisement(payload.subarray(0, length), ip);
      // Without its last eight bytes version 2 has the shape of a speaker that sends no
      // authentication data.
      const alsoWhole = version === 2 && length === payload.length - 8;
      expect(cut !== undefined).toBe(alsoWhole);
    }
  });

  test.each(keepalivedFrames)('$note, one bit changed: the checksum tells', ({ frame }) => {
    const { payload, ip } = open(frame);
    const changed = payload.slice();
    changed[2] = (changed[2] ?? 0) ^ 1;
    expect(decodeVrrpAdvertisement(changed, ip)?.checksumRight).toBe(false);
  });
});

test('version 3 checksums cover the pseudo header', () => {
  const recorded = keepalivedFrames.find(({ version }) => version === 3);
  const { payload, ip } = open(recorded?.frame ?? bytes(''));
  const elsewhere = { ...ip, source: '198.51.100.10' };
  expect(decodeVrrpAdvertisement(payload, elsewhere)?.checksumRight).toBe(false);
});

test('an empty address list, another type and version 2 on IPv6 are not VRRP', () => {
  const v4 = { family: 4, source: '192.0.2.1', destination: '224.0.0.18', protocol: 112 } as const;
  const v6 = { family: 6, source: 'fe80::1', destination: 'ff02::12', protocol: 112 } as const;
  expect(decodeVrrpAdvertisement(bytes('2101640000010000'), v4)).toBeUndefined();
  expect(decodeVrrpAdvertisement(bytes('220164010001000000000000'), v4)).toBeUndefined();
  expect(decodeVrrpAdvertisement(bytes('210164010001000000000000'), v4)).toBeDefined();
  expect(decodeVrrpAdvertisement(bytes('210164010001000000000000'), v6)).toBeUndefined();
  expect(decodeVrrpAdvertisement(bytes('410164010001000000000000'), v4)).toBeUndefined();
});

test('CARP has the shape of version 2 with seven addresses; the receiver decides', () => {
  const { payload, ip } = open(ucarpFrames[0]?.frame ?? bytes(''));
  expect(decodeVrrpAdvertisement(payload, ip)).toMatchObject({
    version: 2,
    count: 7,
    checksumRight: true,
  });
});
