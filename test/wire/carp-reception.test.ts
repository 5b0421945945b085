import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCarpAdvertisement } from '../../firmware/wire/carp-advertisement.ts';
import { carpDigest } from '../../firmware/wire/carp-digest.ts';
import {
  type CarpFrame,
  carpFrame,
  encodeCarpFrame,
  openProtocol112,
} from '../../firmware/wire/carp-frame.ts';
import {
  type CarpRefusalReason,
  carpRefusals,
  receiveCarp,
} from '../../firmware/wire/carp-reception.ts';
import { internetChecksum } from '../../firmware/wire/internet-checksum.ts';
import { encodeIpHeader, type IpHeader, ipHeaderBytes } from '../../firmware/wire/ip-packet.ts';
import {
  bytes,
  craftedFrames,
  hex,
  keepalivedFrames,
  sceneOf,
  syntheticFrames,
  ucarpFrames,
  utf8,
} from './frames/recorded-frames.ts';

const group = {
  vhid: 7,
  password: utf8('labsecret'),
  addresses: ['192.0.2.7', '192.0.2.8', '2001:db8::7', 'fe80::7'],
};
const counter = 0x1122334455667788n;

/** A right advertisement of the group from 10.77.0.9 or fe80::9. */
function advertise(change: Partial<Parameters<typeof carpFrame>[0]> = {}): CarpFrame {
  return carpFrame({
    vhid: group.vhid,
    advbase: 1,
    advskew: 100,
    demote: 0,
    counter,
    digest: carpDigest({ ...group, counter, form: 'with-link-local' }),
    source: '10.77.0.9',
    identification: 1,
    ...change,
  });
}

function withIp(frame: CarpFrame, change: { hopLimit?: number; destination?: string }): Uint8Array {
  return encodeCarpFrame({ ...frame, ip: { ...frame.ip, ...change } });
}

/** A frame around any protocol 112 payload. */
function envelope(payload: Uint8Array, ip: IpHeader = advertise().ip): Uint8Array {
  const frame = new Uint8Array(14 + ipHeaderBytes(ip.family) + payload.length);
  frame.set(bytes(`01005e00001200005e0001070${ip.family === 4 ? '800' : '000'}`));
  frame.set(ip.family === 4 ? [0x08, 0x00] : [0x86, 0xdd], 12);
  encodeIpHeader(ip, payload.length, frame.subarray(14));
  frame.set(payload, 14 + ipHeaderBytes(ip.family));
  return frame;
}

function verdictOn(frame: Uint8Array, scene = sceneOf(group)): CarpRefusalReason | 'ok' {
  const verdict = receiveCarp(frame, scene);
  return verdict.ok ? 'ok' : verdict.refusal;
}

describe('recorded advertisements', () => {
  const recorded = [...ucarpFrames, ...syntheticFrames];

  // ucarp with --mcast uses a group of its own, which we do not join; its source is our own in the
  // goodbye and after the takeover, so the receiver is put elsewhere.
  const elsewhere = { ownAddresses: new Set(['10.77.0.250']) };

  test.each(recorded)('$id', (vector) => {
    const expected = vector.id === 'ucarp-v13-mcast' ? 'destination' : 'ok';
    expect(verdictOn(vector.frame, sceneOf(vector, elsewhere))).toBe(expected);
  });

  test.each(recorded)('$id cut anywhere is short', (vector) => {
    for (let length = 0; length < vector.frame.length; length++) {
      expect(receiveCarp(vector.frame.subarray(0, length), sceneOf(vector, elsewhere))).toEqual({
        ok: false,
        refusal: 'short',
      });
    }
  });

  test.each(recorded)('$id with another password', (vector) => {
    const scene = sceneOf({ ...vector, password: utf8('other') }, elsewhere);
    const expected = vector.id === 'ucarp-v13-mcast' ? 'destination' : 'digest';
    expect(verdictOn(vector.frame, scene)).toBe(expected);
  });

  test("both of the BSDs' digest forms pass and are told apart", () => {
    const formOf = (id: string) => {
      const vector = syntheticFrames.find((candidate) => candidate.id === id);
      const verdict = vector && receiveCarp(vector.frame, sceneOf(vector));
      return verdict?.ok && verdict.advertisement.digestForm;
    };
    expect(formOf('syn-freebsd-v6')).toBe('with-link-local');
    expect(formOf('syn-openbsd-v6')).toBe('without-link-local');
  });
});

/**
 * Our verdict on every crafted frame. Where ucarp refuses we refuse and where it accepts we accept;
 * a case in which ours had to be stricter would be listed here with `stricter` and its reason.
 * There is none.
 */
const craftedVerdicts: Record<string, CarpRefusalReason | 'ok'> = {
  'crafted-01': 'ok',
  'crafted-04': 'digest',
  'crafted-05': 'ttl',
  // CARP has no version 3; 36 bytes with 7 in byte 3 are VRRPv3 with seven addresses.
  'crafted-06': 'vrrp3',
  // Nobody checks the type and the digest does not cover the header's; so must we, or pairs
  // disagree.
  'crafted-07': 'ok',
  'crafted-09': 'ok',
  'crafted-10': 'checksum',
  // FreeBSD accepts unicast in multicast mode; OpenBSD and ucarp do not, and neither do we.
  'crafted-11': 'destination',
  'crafted-12': 'ok',
  'crafted-13': 'ok',
  'crafted-15': 'ok',
  'crafted-16': 'own-source',
  'crafted-17': 'digest',
  'crafted-19': 'ok',
  'crafted-20': 'vrrp2',
  'crafted-21': 'vrrp3',
};

describe('crafted frames', () => {
  test('all have a verdict', () => {
    expect(Object.keys(craftedVerdicts)).toEqual(craftedFrames.map(({ id }) => id));
  });

  test.each(craftedFrames)('$id: $variant', (vector) => {
    const verdict = verdictOn(vector.frame, sceneOf(vector));
    expect(verdict).toBe(craftedVerdicts[vector.id]);
    expect(verdict === 'ok').toBe(vector.ucarpAccepted);
  });

  test.each(craftedFrames)('$id cut anywhere is not accepted', (vector) => {
    const datagram = 14 + new DataView(vector.frame.buffer).getUint16(16);
    for (let length = 0; length < datagram; length++) {
      expect(verdictOn(vector.frame.subarray(0, length), sceneOf(vector))).toBe('short');
    }
  });
});

describe('beside VRRP', () => {
  const stranger = { vhid: 250, password: utf8('x'), addresses: ['192.0.2.1'] };

  test.each(keepalivedFrames)('keepalived $note is named', (recorded) => {
    const expected = {
      ok: false,
      refusal: recorded.version === 2 ? 'vrrp2' : 'vrrp3',
      vrid: recorded.vrid,
      priority: recorded.priority,
      sourceMac: '56:57:63:7d:c9:59',
    };
    expect(receiveCarp(recorded.frame, sceneOf(stranger))).toMatchObject(expected);
    // The same id as one of our VHIDs must not turn it into a bad digest.
    const sameId = { ...stranger, vhid: recorded.vrid };
    expect(receiveCarp(recorded.frame, sceneOf(sameId))).toMatchObject(expected);
  });

  test('a VRRP neighbour with a lowered TTL is still one', () => {
    const recorded = keepalivedFrames.find(({ version, count }) => version === 2 && count === 7);
    const opened = openProtocol112(recorded?.frame ?? bytes(''));
    const routed = opened.ok
      ? envelope(opened.payload, { ...opened.ip, hopLimit: 254 })
      : bytes('');
    expect(verdictOn(routed)).toBe('vrrp2');
  });

  test('CARP is never called VRRP, whatever is wrong with it', () => {
    const changes = fc.record({
      vhid: fc.integer({ min: 1, max: 255 }),
      advbase: fc.nat(255),
      advskew: fc.nat(255),
      demote: fc.nat(255),
      counter: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
      digest: fc.uint8Array({ minLength: 20, maxLength: 20 }),
    });
    fc.assert(
      fc.property(changes, fc.nat(255), (change, hopLimit) => {
        expect(verdictOn(withIp(advertise(change), { hopLimit }))).not.toMatch(/vrrp/);
      }),
      { numRuns: 1_000 },
    );
  });

  test('CARP damaged into the shape of VRRP has a wrong checksum, not a new name', () => {
    const payload = encodeCarpAdvertisement(advertise().advertisement);
    expect(verdictOn(envelope(payload.slice().fill(5, 3, 4)))).toBe('checksum');
  });

  test('a right digest makes it CARP even with five in byte 3 or eight zero bytes behind', () => {
    const { advertisement } = advertise();
    const five = encodeCarpAdvertisement({ ...advertisement, authlen: 5 });
    const trailed = new Uint8Array(44);
    trailed.set(encodeCarpAdvertisement(advertisement));
    for (const payload of [five, trailed]) {
      expect(verdictOn(envelope(payload))).toBe('ok');
      expect(verdictOn(envelope(payload), sceneOf({ ...group, password: utf8('x') }))).toBe(
        'vrrp2',
      );
    }
  });
});

describe('each refusal', () => {
  const v4 = advertise();
  const v6 = advertise({ source: 'fe80::9' });
  const scene = sceneOf(group);

  test('none for a right frame of either family', () => {
    expect(receiveCarp(encodeCarpFrame(v4), scene)).toEqual({
      ok: true,
      advertisement: {
        vhid: 7,
        family: 4,
        source: '10.77.0.9',
        sourceMac: '00:00:5e:00:01:07',
        fromVirtualMac: true,
        advbase: 1,
        advskew: 100,
        demote: 0,
        counter,
        digestForm: 'with-link-local',
      },
    });
    expect(receiveCarp(encodeCarpFrame(v6), scene)).toMatchObject({
      ok: true,
      advertisement: { family: 6, source: 'fe80::9' },
    });
  });

  test('own-source: our advertisement came back', () => {
    const looped = encodeCarpFrame(advertise({ source: '10.77.0.2' }));
    expect(receiveCarp(looped, scene)).toEqual({
      ok: false,
      refusal: 'own-source',
      source: '10.77.0.2',
      sourceMac: '00:00:5e:00:01:07',
    });
    expect(verdictOn(encodeCarpFrame(advertise({ source: 'fe80::2' })))).toBe('own-source');
  });

  test('own-counter: our advertisement came back under another name', () => {
    const sent = sceneOf(group, {
      isRecentCounter: (vhid, value) => vhid === 7 && value === counter,
    });
    expect(verdictOn(encodeCarpFrame(v4), sent)).toBe('own-counter');
  });

  test.each([v4, v6])('ttl', (frame) => {
    for (const hopLimit of [0, 1, 254]) {
      expect(receiveCarp(withIp(frame, { hopLimit }), scene)).toMatchObject({
        refusal: 'ttl',
        hopLimit,
        vhid: 7,
      });
    }
  });

  test('unknown-vhid', () => {
    expect(receiveCarp(encodeCarpFrame(advertise({ vhid: 8 })), scene)).toMatchObject({
      refusal: 'unknown-vhid',
      vhid: 8,
      source: '10.77.0.9',
    });
  });

  test('destination: other multicast groups, and unicast without a peer', () => {
    expect(verdictOn(withIp(v4, { destination: '239.192.0.5' }))).toBe('destination');
    expect(verdictOn(withIp(v6, { destination: 'ff02::1' }))).toBe('destination');
    expect(verdictOn(withIp(v4, { destination: '10.77.0.2' }))).toBe('destination');
  });

  test('unicast: only the peer, to us or to the group, TTL checked for the group', () => {
    const unicast = sceneOf(group, { peers: ['10.77.0.9'] });
    expect(verdictOn(withIp(v4, { destination: '10.77.0.2', hopLimit: 64 }), unicast)).toBe('ok');
    expect(verdictOn(encodeCarpFrame(v4), unicast)).toBe('ok');
    expect(verdictOn(withIp(v4, { hopLimit: 64 }), unicast)).toBe('ttl');
    expect(verdictOn(withIp(v4, { destination: '10.77.0.3' }), unicast)).toBe('destination');
    const other = sceneOf(group, { peers: ['10.77.0.8'] });
    expect(verdictOn(withIp(v4, { destination: '10.77.0.2' }), other)).toBe('not-peer');
    expect(verdictOn(encodeCarpFrame(v4), other)).toBe('not-peer');
    // A peer of one family leaves the other one multicast.
    expect(verdictOn(encodeCarpFrame(v6), other)).toBe('ok');
  });

  test('digest', () => {
    const fewer = sceneOf({ ...group, addresses: group.addresses.slice(1) });
    expect(receiveCarp(encodeCarpFrame(v4), fewer)).toEqual({
      ok: false,
      refusal: 'digest',
      source: '10.77.0.9',
      sourceMac: '00:00:5e:00:01:07',
      vhid: 7,
      hopLimit: 255,
      destination: '224.0.0.18',
    });
  });

  test('version, short, checksum, ip-header and not-carp', () => {
    const payload = encodeCarpAdvertisement(v4.advertisement);
    const reversioned = payload.slice().fill(0x11, 0, 1);
    expect(verdictOn(envelope(reversioned))).toBe('version');
    expect(verdictOn(envelope(payload.subarray(0, 35)))).toBe('short');
    expect(verdictOn(envelope(new Uint8Array(0)))).toBe('short');
    expect(verdictOn(envelope(payload.slice().fill(99, 2, 3)))).toBe('checksum');
    expect(verdictOn(encodeCarpFrame(v4).fill(0x44, 14, 15))).toBe('ip-header');
    expect(verdictOn(encodeCarpFrame(v4).fill(0x06, 13, 14))).toBe('not-carp');
  });

  test('IPv4 options, trailing bytes and padding are put up with', () => {
    const payload = encodeCarpAdvertisement(v4.advertisement);
    expect(verdictOn(envelope(Uint8Array.of(...payload, ...bytes('0102030405060708090a'))))).toBe(
      'ok',
    );
    expect(verdictOn(Uint8Array.of(...encodeCarpFrame(v4), 1, 2, 3))).toBe('ok');
    const optioned = Uint8Array.of(
      ...encodeCarpFrame(v4).subarray(0, 34),
      ...bytes('94040000'),
      ...payload,
    );
    optioned.set([0x46], 14);
    optioned.set([60], 17);
    optioned.set([0, 0], 24);
    const checksum = internetChecksum(optioned.subarray(14, 38));
    optioned.set([checksum >> 8, checksum & 0xff], 24);
    expect(verdictOn(optioned)).toBe('ok');
  });

  test('the list of refusals names each once', () => {
    expect(new Set(carpRefusals).size).toBe(carpRefusals.length);
  });
});

test('the frame is not kept nor changed', () => {
  const frame = encodeCarpFrame(advertise());
  const before = hex(frame);
  const verdict = receiveCarp(frame, sceneOf(group));
  expect(hex(frame)).toBe(before);
  const text = JSON.stringify(verdict, (_, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  );
  frame.fill(0);
  expect(
    JSON.stringify(verdict, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
  ).toBe(text);
});
