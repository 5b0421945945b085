/** The reader is the plain decoder, whatever it read before. */
import { describe, expect, it } from 'vitest';
import { BeatReader } from '../../firmware/wire/beat-reader.ts';
import { decodePeerBeat, encodePeerBeat, type PeerBeat } from '../../firmware/wire/peer-beat.ts';
import { BEAT } from './example-beat.ts';

const OTHERS: readonly Partial<PeerBeat>[] = [
  { sequence: 8, state: 'MASTER', serving: true, stateAge: 0 },
  { paths: [{ interface: 'sync', address: '172.16.1.2', usable: true, hears: false }] },
  { paths: [] },
  { node: 'secondarz' },
  { configHash: '15161718191a1b1d' },
  { counterTag: 0x11121315 },
  { bootId: 1n },
];

describe('the reader', () => {
  it.each(OTHERS)('reads a beat that differs by %o', (difference) => {
    const reader = new BeatReader();
    for (const beat of [BEAT, { ...BEAT, ...difference }, BEAT]) {
      const bytes = encodePeerBeat(beat);
      expect(reader.read(bytes)).toEqual(decodePeerBeat(bytes));
      expect(reader.read(bytes)).toEqual(beat);
    }
  });

  it('keeps what it compares with, though the bytes are used again', () => {
    const reader = new BeatReader();
    const bytes = encodePeerBeat(BEAT);
    reader.read(bytes);
    bytes.set(encodePeerBeat({ ...BEAT, node: 'Secondary' }));
    expect(reader.read(bytes)?.node).toBe('Secondary');
  });

  it('refuses what is no beat, and reads the next one', () => {
    const reader = new BeatReader();
    const bytes = encodePeerBeat(BEAT);
    expect(reader.read(bytes.subarray(0, 57))).toBeUndefined();
    expect(reader.read(bytes.subarray(0, bytes.length - 1))).toBeUndefined();
    expect(reader.read(bytes)).toEqual(BEAT);
    expect(reader.read(bytes.map((byte, at) => (at === 1 ? 9 : byte)))).toBeUndefined();
  });
});
