/**
 * A million random and mutated frames through every decoder of the receive path.
 *
 * Nothing may throw, and what is accepted must be a consistent advertisement: it encodes again to
 * the bytes it came from, and those are accepted as the same. Mutants often get their checksums,
 * and sometimes their digest, made right again, or they would all die at the first check; that
 * every verdict occurs is asserted.
 *
 * FUZZ_SEED=n and FUZZ_FRAMES=n search elsewhere; a failure prints seed, number and frame.
 */
import { expect, test } from 'vitest';
import { decodeAddressClaim, encodeAddressClaim } from '../../firmware/wire/address-claim.ts';
import { hasCarpChecksum } from '../../firmware/wire/carp-advertisement.ts';
import { carpDigest } from '../../firmware/wire/carp-digest.ts';
import {
  carpFrame,
  decodeCarpFrame,
  encodeCarpFrame,
  openProtocol112,
} from '../../firmware/wire/carp-frame.ts';
import {
  type CarpScene,
  carpRefusals,
  type ReceivedCarp,
  receiveCarp,
} from '../../firmware/wire/carp-reception.ts';
import { internetChecksum } from '../../firmware/wire/internet-checksum.ts';
import {
  craftedFrames,
  hex,
  keepalivedFrames,
  syntheticFrames,
  ucarpFrames,
  utf8,
} from '../wire/frames/recorded-frames.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_101);
const frames = Number(process.env['FUZZ_FRAMES'] ?? 1_000_000);

/** Marsaglia's xorshift32: uniform numbers below `limit`, the same for the same seed. */
function generator(start: number): (limit: number) => number {
  let state = start | 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const unicastVhid = 231;
const dualVhid = 232;
const ownCounter = 0xfeed_0000_0000_0001n;
const password = utf8('fuzz');
const dualAddresses = ['192.0.2.7', '2001:db8::7', 'fe80::7'];

function announce(vhid: number, addresses: readonly string[], source: string, counter: bigint) {
  const digest = carpDigest({ password, vhid, addresses, counter, form: 'without-link-local' });
  return { vhid, advbase: 1, advskew: 0, demote: 0, counter, digest, source, identification: 5 };
}

const peer = { address: '10.77.0.2', mac: '02:00:00:00:00:02' };
const seeds: readonly Uint8Array[] = [
  ...ucarpFrames.map(({ frame }) => frame),
  ...craftedFrames.map(({ frame }) => frame),
  ...syntheticFrames.map(({ frame }) => frame),
  ...keepalivedFrames.map(({ frame }) => frame),
  encodeCarpFrame(carpFrame(announce(dualVhid, dualAddresses, '10.77.0.9', 1n))),
  encodeCarpFrame(carpFrame(announce(dualVhid, dualAddresses, 'fe80::9', 2n))),
  encodeCarpFrame(carpFrame(announce(dualVhid, dualAddresses, '10.77.0.9', ownCounter))),
  encodeCarpFrame(carpFrame({ ...announce(unicastVhid, ['192.0.2.9'], '10.77.0.9', 1n), peer })),
  encodeCarpFrame(carpFrame({ ...announce(unicastVhid, ['192.0.2.9'], '10.77.0.8', 1n), peer })),
  encodeAddressClaim({ kind: 'arp-request', address: '192.0.2.7', mac: '00:00:5e:00:01:07' }),
  encodeAddressClaim({ kind: 'arp-reply', address: '192.0.2.7', mac: '00:00:5e:00:01:07' }),
  encodeAddressClaim({
    kind: 'neighbour-advertisement',
    address: '2001:db8::7',
    mac: '00:00:5e:00:01:07',
    router: false,
  }),
];

const groups = new Map(
  [...ucarpFrames, ...craftedFrames, ...syntheticFrames].map(({ vhid, ...group }) => {
    return [vhid, { password: group.password, addresses: group.addresses, peers: [] as string[] }];
  }),
);
groups.set(dualVhid, { password, addresses: dualAddresses, peers: [] });
groups.set(unicastVhid, { password, addresses: ['192.0.2.9'], peers: ['10.77.0.9'] });
const scene: CarpScene = {
  ownAddresses: new Set(['10.77.0.2', 'fe80::2']),
  groups,
  isRecentCounter: (_vhid, counter) => counter === ownCounter,
};

/** Interesting octets: limits, header bytes of everything that may follow. */
const octets = [0x00, 0x01, 0x07, 0x21, 0x31, 0x45, 0x4f, 0x70, 0x7f, 0x80, 0xfe, 0xff];
const room = new Uint8Array(512);
const dirty = new Uint8Array(128);

/** A frame in `room`, at a varying offset so that views into larger buffers are covered. */
function nextFrame(random: (limit: number) => number): Uint8Array {
  const start = random(16);
  if (random(16) === 0) {
    const frame = room.subarray(start, start + random(200));
    return frame.map(() => random(256));
  }
  const original = seeds[random(seeds.length)] ?? room;
  room.set(original, start);
  const longer = random(8) === 0 ? random(40) : 0;
  const whole = room.subarray(start, start + original.length + longer);
  for (let mutations = random(4); mutations > 0; mutations--) {
    mutate(whole, random);
  }
  if (random(2) === 0) {
    repair(whole, random(4) === 0);
  }
  return random(8) === 0 ? whole.subarray(0, random(whole.length + 1)) : whole;
}

function mutate(frame: Uint8Array, random: (limit: number) => number): void {
  // Half of the changes hit the headers, where the decisions are made.
  const at = random(2) === 0 ? random(frame.length) : 12 + random(Math.min(60, frame.length - 12));
  switch (random(4)) {
    case 0:
      frame[at] = (frame[at] ?? 0) ^ (1 << random(8));
      break;
    case 1:
      frame[at] = random(256);
      break;
    case 2:
      frame[at] = octets[random(octets.length)] ?? 0;
      break;
    default:
      frame.copyWithin(at, random(frame.length), random(frame.length));
  }
}

/** Makes the checksums of the likely layout right, and on request the digest. */
function repair(frame: Uint8Array, sign: boolean): void {
  const isV4 = frame[12] === 0x08;
  const header = isV4 ? ((frame[14] ?? 0) & 0x0f) * 4 : 40;
  const carp = frame.subarray(14 + header, 14 + header + 36);
  if (isV4) {
    correct(frame.subarray(14, 14 + header), 10);
  }
  const group = groups.get(carp[1] ?? 0);
  if (sign && group !== undefined && carp.length === 36) {
    const counter = Buffer.from(carp.buffer, carp.byteOffset, 36).readBigUInt64BE(8);
    const { password: key, addresses } = group;
    const form = 'with-link-local';
    carp.set(carpDigest({ password: key, vhid: carp[1] ?? 0, addresses, counter, form }), 16);
  }
  correct(carp, 6);
}

function correct(covered: Uint8Array, at: number): void {
  if (covered.length < at + 2) {
    return;
  }
  covered.set([0, 0], at);
  const checksum = internetChecksum(covered);
  covered.set([checksum >> 8, checksum & 0xff], at);
}

/** What is inconsistent about an accepted frame; nothing, one hopes. */
function inconsistency(frame: Uint8Array, accepted: ReceivedCarp): string | undefined {
  const record = decodeCarpFrame(frame);
  const opened = openProtocol112(frame);
  if (record === undefined || !opened.ok || !hasCarpChecksum(opened.payload)) {
    return 'accepted, but not a CARP frame';
  }
  const encoded = encodeCarpFrame(record, dirty.fill(0xa5));
  // Options, trailing bytes and the other zero checksum are read over, so they are not written
  // again.
  const negativeZero = (at: number) => frame[at] === 0xff && frame[at + 1] === 0xff;
  const header = encoded.length - 14 - 36;
  const exact =
    opened.payload.length === 36 &&
    opened.payload.byteOffset - frame.byteOffset === 14 + header &&
    !negativeZero(14 + header + 6) &&
    !(record.ip.family === 4 && negativeZero(24));
  if (exact && Buffer.compare(encoded, frame.subarray(0, encoded.length)) !== 0) {
    return `encodes to ${hex(encoded)}`;
  }
  const again = receiveCarp(encoded, scene);
  const same =
    again.ok &&
    Object.entries(accepted).every(
      ([key, value]) => again.advertisement[key as keyof ReceivedCarp] === value,
    );
  return same ? undefined : 'what it encodes to is judged differently';
}

/** What is inconsistent about a frame that decodes to an address claim. */
function claimInconsistency(frame: Uint8Array): string | undefined {
  const claim = decodeAddressClaim(frame);
  if (claim === undefined) {
    return undefined;
  }
  const again = decodeAddressClaim(encodeAddressClaim(claim, dirty.fill(0xa5)));
  return JSON.stringify(again) === JSON.stringify(claim) ? undefined : 'claim changed';
}

test(`${frames} frames, seed ${seed}`, { timeout: 300_000 }, () => {
  const random = generator(seed);
  const verdicts = new Map<string, number>();
  let claims = 0;
  for (let number = 0; number < frames; number++) {
    const frame = nextFrame(random);
    let complaint: unknown;
    try {
      const verdict = receiveCarp(frame, scene);
      const name = verdict.ok ? 'ok' : verdict.refusal;
      verdicts.set(name, (verdicts.get(name) ?? 0) + 1);
      claims += decodeAddressClaim(frame) === undefined ? 0 : 1;
      complaint = verdict.ok
        ? inconsistency(frame, verdict.advertisement)
        : claimInconsistency(frame);
    } catch (thrown) {
      complaint = thrown;
    }
    if (complaint !== undefined) {
      throw new Error(`seed ${seed}, frame ${number}: ${hex(frame)}: ${complaint}`);
    }
  }
  expect([...verdicts.keys()].sort()).toEqual(['ok', ...carpRefusals].sort());
  expect(claims).toBeGreaterThan(0);
});
