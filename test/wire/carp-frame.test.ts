import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { carpDigest } from '../../firmware/wire/carp-digest.ts';
import {
  carpFrame,
  carpFrameBytes,
  decodeCarpFrame,
  encodeCarpFrame,
  openProtocol112,
} from '../../firmware/wire/carp-frame.ts';
import { internetChecksum } from '../../firmware/wire/internet-checksum.ts';
import { formatIpAddress } from '../../firmware/wire/ip-address.ts';
import {
  bytes,
  craftedFrames,
  hex,
  keepalivedFrames,
  syntheticFrames,
  ucarpFrames,
  utf8,
} from './frames/recorded-frames.ts';

const digest = bytes('c277148e7f493e44eebad5f8b94da33acfa9c75a');
const goodbye = {
  vhid: 7,
  advbase: 255,
  advskew: 255,
  demote: 0,
  counter: 0x0123456789abcdefn,
  digest,
  source: '192.0.2.1',
  identification: 0x1234,
};

describe('recorded frames', () => {
  test.each(ucarpFrames)('$id decodes to what the dissector saw', ({ frame, decoded }) => {
    expect(decodeCarpFrame(frame)).toMatchObject({
      destinationMac: decoded.eth_dst,
      sourceMac: decoded.eth_src,
      ip: {
        family: 4,
        trafficClass: decoded.tos,
        identification: decoded.id,
        flags: decoded.flags,
        hopLimit: decoded.ttl,
        source: decoded.ip_src,
        destination: decoded.ip_dst,
      },
      advertisement: { vhid: decoded.vhid, advskew: decoded.advskew, advbase: decoded.advbase },
    });
  });

  // The rest of the crafted frames is not CARP v2 or has a wrong checksum.
  const notCarp = ['crafted-06', 'crafted-10', 'crafted-20', 'crafted-21'];
  const carp = [...ucarpFrames, ...syntheticFrames, ...craftedFrames].filter(
    ({ id }) => !notCarp.includes(id),
  );

  test.each(carp)('$id encodes to the same bytes, into a dirty buffer', ({ frame }) => {
    const record = decodeCarpFrame(frame);
    expect(record).toBeDefined();
    const out = new Uint8Array(100).fill(0xa5);
    const encoded = record && encodeCarpFrame(record, out);
    // One crafted frame is padded behind the datagram; padding is not part of it.
    expect(encoded && hex(encoded)).toBe(hex(frame.subarray(0, encoded?.length)));
    expect(frame.subarray(encoded?.length ?? 0).every((byte) => byte === 0)).toBe(true);
    expect(out.subarray(encoded?.length ?? 0).every((byte) => byte === 0xa5)).toBe(true);
  });

  test.each(craftedFrames.filter(({ id }) => notCarp.includes(id)))(
    '$id is not CARP',
    ({ frame }) => {
      expect(decodeCarpFrame(frame)).toBeUndefined();
    },
  );

  test.each(carp)('$id cut anywhere is nothing', ({ frame }) => {
    const record = decodeCarpFrame(frame);
    const whole = record ? carpFrameBytes(record.ip.family) : 0;
    for (let length = 0; length < whole; length++) {
      expect(decodeCarpFrame(frame.subarray(0, length))).toBeUndefined();
    }
    expect(decodeCarpFrame(frame.subarray(0, whole))).toEqual(record);
  });
});

describe('what we send', () => {
  test('the good-bye is the recorded one, byte for byte', () => {
    const recorded = syntheticFrames.find(({ id }) => id === 'syn-goodbye-v4');
    expect(hex(encodeCarpFrame(carpFrame(goodbye)))).toBe(recorded && hex(recorded.frame));
  });

  test("an IPv6 advertisement is FreeBSD's, byte for byte", () => {
    const recorded = syntheticFrames.find(({ id }) => id === 'syn-freebsd-v6');
    const { password, addresses, vhid, frame } = recorded ?? {
      password: utf8(''),
      addresses: [],
      vhid: 0,
      frame: bytes(''),
    };
    const counter = 0x0123456789abcdefn;
    const sent = carpFrame({
      vhid,
      advbase: 1,
      advskew: 0,
      demote: 0,
      counter,
      digest: carpDigest({ password, vhid, addresses, counter, form: 'with-link-local' }),
      source: 'fe80::1',
      identification: 0,
    });
    expect(hex(encodeCarpFrame(sent))).toBe(hex(frame));
  });

  test('unicast goes to the peer, still from the virtual MAC', () => {
    const peer = { address: '192.0.2.2', mac: '02:00:00:00:00:0b' };
    expect(decodeCarpFrame(encodeCarpFrame(carpFrame({ ...goodbye, peer })))).toMatchObject({
      destinationMac: peer.mac,
      sourceMac: '00:00:5e:00:01:07',
      ip: { source: '192.0.2.1', destination: '192.0.2.2', hopLimit: 255 },
    });
  });

  test('every announcement survives', () => {
    const octet = fc.nat(255);
    const announcement = fc.record({
      vhid: fc.integer({ min: 1, max: 255 }),
      advbase: octet,
      advskew: octet,
      demote: octet,
      counter: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
      digest: fc.uint8Array({ minLength: 20, maxLength: 20 }),
      source: fc
        .oneof(
          fc.uint8Array({ minLength: 4, maxLength: 4 }),
          fc.uint8Array({ minLength: 16, maxLength: 16 }),
        )
        .map(formatIpAddress),
      identification: fc.nat(0xffff),
    });
    fc.assert(
      fc.property(announcement, (sent) => {
        const frame = carpFrame(sent);
        const encoded = encodeCarpFrame(frame, new Uint8Array(90).fill(0xa5));
        expect(encoded.length).toBe(frame.ip.family === 4 ? 70 : 90);
        expect(decodeCarpFrame(encoded)).toEqual(frame);
      }),
    );
  });
});

describe('opening', () => {
  const frame = encodeCarpFrame(carpFrame(goodbye));

  /**
   * The frame with a 16-bit word of its IPv4 header replaced and the header checksum made right
   * again.
   */
  function withHeaderWord(at: number, word: number): Uint8Array {
    const changed = frame.slice();
    changed.set([word >> 8, word & 0xff], 14 + at);
    changed.set([0, 0], 24);
    const checksum = internetChecksum(changed.subarray(14, 34));
    changed.set([checksum >> 8, checksum & 0xff], 24);
    return changed;
  }

  test.each([
    ['a first fragment', withHeaderWord(6, 0x2000), 'ip-header'],
    ['a later fragment', withHeaderWord(6, 0x0001), 'ip-header'],
    ['TCP', withHeaderWord(8, 0xff06), 'not-carp'],
    ['ARP', Uint8Array.from(frame, (byte, at) => (at === 13 ? 0x06 : byte)), 'not-carp'],
    ['an 802.1Q tag', Uint8Array.from(frame, (byte, at) => (at === 12 ? 0x81 : byte)), 'not-carp'],
    ['nothing', new Uint8Array(0), 'short'],
  ])('%s is refused', (_name, spoilt, refusal) => {
    expect(openProtocol112(spoilt)).toEqual({ ok: false, refusal });
    expect(decodeCarpFrame(spoilt)).toBeUndefined();
  });

  test.each(keepalivedFrames)('keepalived: $note opens too', (recorded) => {
    const opened = openProtocol112(recorded.frame);
    expect(opened.ok && opened.ip.protocol).toBe(112);
  });
});
