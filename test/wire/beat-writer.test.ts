/** The writer is the plain encoder, whatever it wrote before. */
import { describe, expect, it } from 'vitest';
import { BeatWriter } from '../../firmware/wire/beat-writer.ts';
import { encodePeerBeat, type PeerBeat } from '../../firmware/wire/peer-beat.ts';

const BEAT: PeerBeat = {
  node: 'secondary',
  role: 'secondary',
  bootId: 0x0102030405060708n,
  sequence: 7,
  asks: false,
  farewell: false,
  state: 'BACKUP',
  serving: false,
  stateAge: 5_000,
  health: 2,
  demotion: 0,
  preference: 356,
  claim: 0,
  grant: 0,
  interval: 10_000,
  lease: 24_000,
  heardAge: 3,
  counterTag: 0x11121314,
  configHash: '15161718191a1b1c',
  paths: [{ interface: 'sync', address: '172.16.1.2', usable: true, hears: true }],
};

const OTHERS: readonly Partial<PeerBeat>[] = [
  { sequence: 8, state: 'MASTER', serving: true, stateAge: 0 },
  { paths: [{ interface: 'sync', address: '2001:db8::1', usable: true, hears: false }] },
  { paths: [] },
  { node: 'primary' },
  { configHash: '15161718191a1b1d' },
  { counterTag: 0x11121315 },
  { bootId: 1n },
];

describe('the writer', () => {
  it.each(OTHERS)('writes a beat that differs by %o', (difference) => {
    const writer = new BeatWriter();
    for (const beat of [BEAT, { ...BEAT, ...difference }, BEAT]) {
      expect(Buffer.from(writer.write(beat))).toEqual(Buffer.from(encodePeerBeat(beat)));
    }
  });

  it('knows nothing after a beat that could not be written', () => {
    const writer = new BeatWriter();
    writer.write(BEAT);
    expect(() => writer.write({ ...BEAT, node: 'x'.repeat(64) })).toThrow(RangeError);
    expect(Buffer.from(writer.write(BEAT))).toEqual(Buffer.from(encodePeerBeat(BEAT)));
  });
});
