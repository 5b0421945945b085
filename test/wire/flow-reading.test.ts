/** What one node tells the other about the flows in its kernel. */
import { describe, expect, it } from 'vitest';
import { LONGEST_READING } from '../../firmware/wire/flow-frame.ts';
import { FlowReading, readingLines } from '../../firmware/wire/flow-reading.ts';
import { flowFlags } from '../../firmware/wire/flow-record.ts';
import messages from './frames/ctnetlink-messages.json' with { type: 'json' };
import { bytes, hex } from './frames/recorded-frames.ts';

const NO_KEYS = new Uint32Array(0);
const NO_MESSAGE = new Uint8Array(0);
const TCP = bytes(messages['tcp-snat-established']);

function record(low: number, high: number, flags = 0): DataView {
  const view = new DataView(new ArrayBuffer(12));
  view.setUint8(3, flags);
  view.setUint32(4, low, true);
  view.setUint32(8, high, true);
  return view;
}

describe('a reading of all flows', () => {
  it('has a key each, whose lowest bit says whether the flow is established', () => {
    const reading = new FlowReading(NO_KEYS);
    const { established, closing } = flowFlags;
    reading.take(record(0xfffffffe, 0x01020304, established), NO_MESSAGE);
    reading.take(record(0xffffffff, 5), NO_MESSAGE);
    reading.take(record(7, 5, established | closing), NO_MESSAGE);
    expect(hex(reading.bytes ?? NO_MESSAGE)).toBe(
      'ffffffff04030201feffffff050000000600000005000000',
    );
  });

  it('grows as far as it may be told, and no further', () => {
    const reading = new FlowReading(NO_KEYS);
    const one = record(2, 3);
    for (let count = 0; count < LONGEST_READING / 8; count += 1) reading.take(one, NO_MESSAGE);
    expect(reading.bytes?.length).toBe(LONGEST_READING);
    reading.take(one, NO_MESSAGE);
    expect(reading.bytes).toBeUndefined();
  });
});

describe('a reading of some flows', () => {
  it('has a line for each that is there', () => {
    const reading = new FlowReading(Uint32Array.of(9, 1, 4, 2));
    reading.take(record(9, 2), TCP);
    reading.take(record(8, 1), TCP);
    reading.take(record(4, 2), NO_MESSAGE);
    const lines = readingLines(reading.bytes ?? NO_MESSAGE);
    expect([...lines.keys()]).toEqual([0x1_0000_0008n, 0x2_0000_0004n]);
    expect(lines.get(0x1_0000_0008n)).toMatch(/^tcp {2}ESTABLISHED {2}192\.168\.1\.100:46842 -> /);
  });

  it('is read without what is no text for people', () => {
    const said = '0000000000000008 a\u001b[2Jb\nno key\n000000000000000a tcp\n0 udp\n';
    expect([...readingLines(new TextEncoder().encode(said))]).toEqual([[10n, 'tcp']]);
    expect(readingLines(Uint8Array.of(0xff, 0xfe, 10)).size).toBe(0);
  });
});
