/** The beat on the wire: nothing is lost, nothing malformed passes, later versions may grow. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpAddress } from '../../firmware/wire/ip-address.ts';
import {
  type BeatPath,
  decodePeerBeat,
  encodePeerBeat,
  type PeerBeat,
} from '../../firmware/wire/peer-beat.ts';
import { hex } from './frames/recorded-frames.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const name = fc
  .string({ unit: 'binary', maxLength: 63 })
  .filter((text) => text.isWellFormed() && Buffer.byteLength(text) <= 63);
const address = fc.oneof(
  fc.constant(undefined),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatIpAddress),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatIpAddress),
);
const path: fc.Arbitrary<BeatPath> = fc.record({
  interface: name,
  address,
  usable: fc.boolean(),
  hears: fc.boolean(),
});
const beats: fc.Arbitrary<PeerBeat> = fc.record({
  node: name,
  role: fc.constantFrom('primary', 'secondary'),
  bootId: fc.bigInt(0n, 2n ** 64n - 1n),
  sequence: fc.maxSafeNat(),
  asks: fc.boolean(),
  farewell: fc.boolean(),
  state: fc.constantFrom('INIT', 'BACKUP', 'CLAIMANT', 'MASTER', 'LAPSED'),
  serving: fc.boolean(),
  stateAge: u32,
  health: u16,
  demotion: u16,
  preference: u16,
  claim: u32,
  grant: u32,
  interval: u32,
  lease: u32,
  heardAge: u16,
  counterTag: u32,
  configHash: fc.bigInt(0n, 2n ** 64n - 1n).map((hash) => hash.toString(16).padStart(16, '0')),
  paths: fc.array(path, { maxLength: 16 }),
});

const beat: PeerBeat = {
  node: 'ö',
  role: 'secondary',
  bootId: 0x0102030405060708n,
  sequence: 0x0009_0a0b_0c0d_0e0f,
  asks: true,
  farewell: false,
  state: 'MASTER',
  serving: true,
  stateAge: 0x10111213,
  health: 0x1415,
  demotion: 0x1617,
  preference: 0x1819,
  claim: 0x1a1b1c1d,
  grant: 0x1e1f2021,
  interval: 0x22232425,
  lease: 0x32333435,
  heardAge: 0x2627,
  counterTag: 0x28292a2b,
  configHash: '00ff2c2d2e2f3031',
  paths: [
    { interface: 'wan', address: '192.0.2.1', usable: true, hears: false },
    { interface: 'l', address: undefined, usable: false, hears: true },
  ],
};
const layout = [
  ...['0b', '03', '0102030405060708', '00090a0b0c0d0e0f', '10111213', '1415', '1617', '1819'],
  ...[
    '1a1b1c1d',
    '1e1f2021',
    '22232425',
    '32333435',
    '2627',
    '28292a2b',
    '00ff2c2d2e2f3031',
    '02c3b6',
  ],
  ...['02', '0a', '01', '04c0000201', '0377616e', '04', '02', '00', '016c'],
].join('');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe('a beat', () => {
  it('has the documented layout', () => {
    expect(hex(encodePeerBeat(beat))).toBe(layout);
  });

  it('comes back as it went', () => {
    fc.assert(
      fc.property(beats, (any) => {
        expect(decodePeerBeat(encodePeerBeat(any))).toEqual(any);
      }),
    );
  });

  it('is nothing when it is cut anywhere', () => {
    const bytes = bytesOf(layout);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodePeerBeat(bytes.subarray(0, length))).toBeUndefined();
    }
  });

  it('may have grown at its end, in later versions', () => {
    fc.assert(
      fc.property(beats, fc.uint8Array(), (any, more) => {
        const longer = Buffer.concat([encodePeerBeat(any), more]);
        expect(decodePeerBeat(longer)).toEqual(any);
      }),
    );
  });

  it('may have grown at the end of each path', () => {
    const grown = layout.replace('0a0104', '0c0104').replace('0377616e', '0377616effff');
    expect(decodePeerBeat(bytesOf(grown))).toEqual(beat);
  });

  it.each([
    ['a state of a later version', '0b03', '0b05'],
    ['a sequence beyond 53 bits', '00090a', '00290a'],
    ['a name that is no UTF-8', '02c3b6', '02c328'],
    ['an address of 5 bytes', '0a0104c0000201', '0a0105c0000201'],
    ['a path longer than the rest', '04020001', '05020001'],
    ['a path too short for its name', '0a0104', '090104'],
    ['more paths than any node has', 'c3b602', 'c3b611'],
  ])('is nothing with %s', (_, from, to) => {
    expect(layout).toContain(from);
    expect(decodePeerBeat(bytesOf(layout.replace(from, to)))).toBeUndefined();
  });

  it('is nothing with a name of 64 bytes', () => {
    const long = layout.replace('02c3b6', `40${'61'.repeat(64)}`);
    expect(decodePeerBeat(bytesOf(long))).toBeUndefined();
  });

  it('says the end of the range for numbers beyond it', () => {
    const long = { ...beat, stateAge: 2 ** 40, heardAge: 100_000, demotion: 70_000 };
    expect(decodePeerBeat(encodePeerBeat(long))).toEqual({
      ...long,
      stateAge: 0xffff_ffff,
      heardAge: 0xffff,
      demotion: 0xffff,
    });
  });

  it('is not made of what it cannot hold', () => {
    const many = Array.from({ length: 17 }, () => beat.paths[0]!);
    expect(() => encodePeerBeat({ ...beat, paths: many })).toThrow(RangeError);
    expect(() => encodePeerBeat({ ...beat, node: 'ö'.repeat(32) })).toThrow(RangeError);
  });
});
