/** The head core reads against the codec's own offsets: wire/flow-record.ts. */
import { expect, it } from 'vitest';
import {
  flagsAt,
  keyHighAt,
  keyLowAt,
  lengthAt,
  operationAt,
  operations,
  RECORD_HEAD_BYTES,
  recordFlags,
  wordAt,
  writeHead,
  writeWord,
} from '../../../firmware/core/flows/record-head.ts';
import {
  FLOW_HEADER_BYTES,
  flowFlags,
  flowHeader,
  flowOperations,
} from '../../../firmware/wire/flow-record.ts';

it('reads a record as the codec writes it, at any offset', () => {
  const bytes = new Uint8Array(64).fill(0xa5);
  const view = new DataView(bytes.buffer);
  for (const at of [0, 1, 7]) {
    view.setUint16(at + flowHeader.length, 36, true);
    view.setUint8(at + flowHeader.operation, flowOperations.upsert);
    view.setUint8(at + flowHeader.flags, flowFlags.established);
    view.setUint32(at + flowHeader.keyLow, 0xdead_beef, true);
    view.setUint32(at + flowHeader.keyHigh, 0x0102_0304, true);
    expect([lengthAt(bytes, at), operationAt(bytes, at), flagsAt(bytes, at)]).toEqual([36, 1, 2]);
    expect([keyLowAt(bytes, at) >>> 0, keyHighAt(bytes, at)]).toEqual([0xdead_beef, 0x0102_0304]);
  }
});

it('has the numbers of the codec', () => {
  expect(RECORD_HEAD_BYTES).toBe(FLOW_HEADER_BYTES);
  expect(operations).toEqual({ ...flowOperations, present: 5 });
  expect(recordFlags).toEqual(flowFlags);
});

it('writes a key alone', () => {
  const bytes = new Uint8Array(20).fill(0xa5);
  writeHead(bytes, 4, 6, -2, 0x1234_5678);
  expect(lengthAt(bytes, 4)).toBe(12);
  expect(operationAt(bytes, 4)).toBe(operations.present);
  expect([flagsAt(bytes, 4), keyLowAt(bytes, 4), keyHighAt(bytes, 4)]).toEqual([
    6, -2, 0x1234_5678,
  ]);
  expect([bytes[3], bytes[16]]).toEqual([0xa5, 0xa5]);
});

it('reads the words it writes', () => {
  const bytes = new Uint8Array(8);
  for (const word of [0, 1, -1, 0x7fff_ffff, -0x8000_0000, 0x0080_ff01]) {
    writeWord(bytes, 3, word);
    expect(wordAt(bytes, 3)).toBe(word);
  }
});
