/** The writer is the plain encoder, whatever it wrote before. */
import { describe, expect, it } from 'vitest';
import { BeatWriter } from '../../firmware/wire/beat-writer.ts';
import { encodePeerBeat, type PeerBeat } from '../../firmware/wire/peer-beat.ts';
import { BEAT } from './example-beat.ts';

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
