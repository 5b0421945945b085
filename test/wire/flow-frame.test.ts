/** Frames as bytes, both ways; and each way in which bytes are no frame. */
import { describe, expect, it } from 'vitest';
import {
  decodeFlowFrame,
  encodeFlowFrame,
  type FlowFrame,
  type FlowFrameRefusal,
} from '../../firmware/wire/flow-frame.ts';
import { hex } from './frames/recorded-frames.ts';

const head = { serving: 'all', epoch: 0x0102_0304, peerEpoch: 0xa1a2_a3a4 } as const;
const HEAD = '01KK0200' + '04030201' + 'a4a3a2a1';

const KEY_ALONE = '0c00 05 06 01000000 02000000';

/** Every kind, with its bytes: spaces between fields, KK in the head is the kind. */
const FRAMES: readonly (readonly [FlowFrame, string])[] = [
  [
    { kind: 'data', ...head, sequence: 7, from: 16 },
    `${HEAD.replace('KK', '00')} 07000000  1000 01 02 11223344 55667788 99aabbcc  ${KEY_ALONE}`,
  ],
  [
    {
      ...{ kind: 'mark', ...head, sequence: 8, what: 'begin', content: 'bodies' },
      ...{ id: 3, flows: 500_000, buckets: undefined },
    } as FlowFrame,
    `${HEAD.replace('KK', '01')} 08000000  00 00 01 00 03000000 20a10700`,
  ],
  [
    {
      ...{ kind: 'mark', ...head, sequence: 9, what: 'end', content: 'keys' },
      ...{ id: 3, flows: 1, buckets: Uint8Array.of(1, 0, 0x80) },
    } as FlowFrame,
    `${HEAD.replace('KK', '01')} 09000000  01 01 00 00 03000000 01000000 010080`,
  ],
  [
    { kind: 'ack', ...head, sequence: 0xffff_ffff, window: 512, arrived: Uint8Array.of(6, 1) },
    `${HEAD.replace('KK', '02')} ffffffff  0002 0200 0601`,
  ],
  [
    {
      ...{ kind: 'heartbeat', ...head, sequence: 1, next: 2, ownFlows: 3, peerFlows: 4 },
      ...{ sent: 5, received: 6, heardAge: 65_535, divergence: 51 },
    } as FlowFrame,
    `${HEAD.replace('KK', '03')} 01000000  02000000 03000000 04000000 05000000 06000000 ffff 3300`,
  ],
  [
    { kind: 'pull', ...head, sequence: 0, content: 'keys', buckets: [1, 4_095] },
    `${HEAD.replace('KK', '05')} 00000000  0000 0200 0100 ff0f`,
  ],
  [
    { kind: 'ask', ...head, sequence: 0, id: 7, from: 1_376, keys: new Uint32Array(0) },
    `${HEAD.replace('KK', '06')} 00000000  07000000 60050000 0000 0000`,
  ],
  [
    { kind: 'ask', ...head, sequence: 0, id: 8, from: 0, keys: Uint32Array.of(1, 0xfffffffe) },
    `${HEAD.replace('KK', '06')} 00000000  08000000 00000000 0100 0000  01000000 feffffff`,
  ],
  [
    {
      ...{ kind: 'answer', ...head, sequence: 0, id: 7, total: undefined, from: 0, until: 0 },
      bytes: new Uint8Array(0),
    } as FlowFrame,
    `${HEAD.replace('KK', '07')} 00000000  07000000 ffffffff 00000000 00000000`,
  ],
  [
    {
      ...{ kind: 'answer', ...head, sequence: 0, id: 7, total: 16, from: 8, until: 12 },
      bytes: Uint8Array.of(1, 2, 3),
    } as FlowFrame,
    `${HEAD.replace('KK', '07')} 00000000  07000000 10000000 08000000 0c000000  010203`,
  ],
];

const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const TWO_DIGESTS = '01000000 0200 0300  04000000 0500 0600';
const DIGESTS = `${HEAD.replace('KK', '04')} 05000000  0a00 0200  ${TWO_DIGESTS}`;

describe('a frame', () => {
  it.each(FRAMES)('is read: %j', (frame, text) => {
    expect(decodeFlowFrame(bytesOf(text))).toEqual(frame);
  });

  it.each(FRAMES)('is written: %j', (frame, text) => {
    const bytes = bytesOf(text);
    const into = new Uint8Array(200).fill(0xa5);
    // Records are in place before the head of their frame is written.
    if (frame.kind === 'data') into.set(bytes.subarray(16), 16);
    const length = encodeFlowFrame(frame, into);
    expect(hex(into.subarray(0, frame.kind === 'data' ? bytes.length : length))).toBe(hex(bytes));
    expect(into[bytes.length]).toBe(0xa5);
  });

  it('of digests carries them as they are', () => {
    const bytes = bytesOf(DIGESTS);
    const frame = decodeFlowFrame(bytes);
    if (typeof frame === 'string' || frame.kind !== 'digest') throw new Error(`${frame}`);
    expect([frame.first, frame.count, frame.entries.byteLength]).toEqual([10, 2, 16]);
    expect(frame.entries.getUint16(12, true)).toBe(5);
    const into = Uint8Array.from(bytes).fill(0, 0, 20);
    expect(encodeFlowFrame(frame, into)).toBe(bytes.length);
    expect(hex(into)).toBe(hex(bytes));
  });

  it('of a later version may have more in a heartbeat', () => {
    const bytes = bytesOf(`${FRAMES[4]?.[1]} 0102`);
    expect(decodeFlowFrame(bytes)).toEqual(FRAMES[4]?.[0]);
  });

  it('writes numbers that are too large for their field as its end', () => {
    const [heartbeat] = FRAMES[4]!;
    const into = new Uint8Array(40);
    encodeFlowFrame({ ...heartbeat, heardAge: 1e9, divergence: 1e9 } as FlowFrame, into);
    expect(hex(into.subarray(36))).toBe('ffffffff');
  });
});

describe('no frame', () => {
  const data = HEAD.replace('KK', '00');
  const record = '1000 01 02 11223344 55667788 99aabbcc';
  const ASK = `${HEAD.replace('KK', '06')} 00000000`;
  const ANSWER = `${HEAD.replace('KK', '07')} 00000000`;
  const ZERO = '00000000';
  const cases: readonly (readonly [string, string, FlowFrameRefusal])[] = [
    ['too short for a head', '01', 'short'],
    ['another version', `02${data.slice(2)} 07000000 ${record}`, 'version'],
    ['an unknown kind', `${HEAD.replace('KK', '08')} 07000000`, 'kind'],
    ['an unknown service', `0100 03 00 04030201 00000000 07000000 ${record}`, 'field'],
    ['no epoch', `0100 02 00 00000000 00000000 07000000 ${record}`, 'field'],
    ['data without records', `${data} 07000000`, 'short'],
    ['half a record head', `${data} 07000000 ${record} 0c00 01`, 'record'],
    ['a record shorter than its head', `${data} 07000000 0800 01 00 00000000 00000000`, 'record'],
    ['a record beyond the end', `${data} 07000000 1400 01 00 00000000 00000000 00000000`, 'record'],
    ['a record of odd length', `${data} 07000000 0d00 01 00 00000000 00000000 00`, 'record'],
    ['a record without operation', `${data} 07000000 0c00 00 00 00000000 00000000`, 'record'],
    ['an unknown operation', `${data} 07000000 0c00 06 00 00000000 00000000`, 'record'],
    ['a key with a body', `${data} 07000000 1000 05 00 00000000 00000000 00000000`, 'record'],
    ['half a mark', `${HEAD.replace('KK', '01')} 08000000 00 00 01 00`, 'short'],
    [
      'an unknown mark',
      `${HEAD.replace('KK', '01')} 08000000 03 00 01 00 03000000 00000000`,
      'field',
    ],
    [
      'an unknown scope',
      `${HEAD.replace('KK', '01')} 08000000 00 02 01 00 03000000 00000000`,
      'field',
    ],
    [
      'unknown content',
      `${HEAD.replace('KK', '01')} 08000000 00 00 02 00 03000000 00000000`,
      'field',
    ],
    [
      'more than all',
      `${HEAD.replace('KK', '01')} 08000000 00 00 01 00 03000000 00000000 01`,
      'long',
    ],
    ['half an ack', `${HEAD.replace('KK', '02')} 08000000 0002`, 'short'],
    ['a bitmap cut off', `${HEAD.replace('KK', '02')} 08000000 0002 0200 06`, 'short'],
    ['more than a bitmap', `${HEAD.replace('KK', '02')} 08000000 0002 0000 06`, 'long'],
    ['half a heartbeat', `${HEAD.replace('KK', '03')} 08000000 00000000`, 'short'],
    ['half of digests', `${HEAD.replace('KK', '04')} 08000000 0000`, 'short'],
    ['digests cut off', `${HEAD.replace('KK', '04')} 08000000 0000 0100 00000000`, 'short'],
    ['more than digests', `${DIGESTS} 00`, 'long'],
    ['no digests', `${HEAD.replace('KK', '04')} 08000000 0000 0000`, 'field'],
    ['half a pull', `${HEAD.replace('KK', '05')} 08000000 0000`, 'short'],
    ['a pull cut off', `${HEAD.replace('KK', '05')} 08000000 0000 0200 0100`, 'short'],
    ['more than a pull', `${HEAD.replace('KK', '05')} 08000000 0000 0100 0100 02`, 'long'],
    ['a pull of nothing', `${HEAD.replace('KK', '05')} 08000000 0000 0000`, 'field'],
    ['a pull of unknown content', `${HEAD.replace('KK', '05')} 08000000 0200 0100 0100`, 'field'],
    ['half a question', `${ASK} 07000000`, 'short'],
    ['a question cut off', `${ASK} 07000000 00000000 0200 0000 0100000002000000`, 'short'],
    ['more than a question', `${ASK} 07000000 00000000 0000 0000 01`, 'long'],
    ['too many keys', `${ASK} 07000000 00000000 8100 0000 ${'01'.repeat(129 * 8)}`, 'field'],
    ['a question beyond all', `${ASK} 07000000 01000001 0000 0000`, 'field'],
    ['half an answer', `${ANSWER} 07000000 10000000`, 'short'],
    ['an early answer with content', `${ANSWER} 07000000 ffffffff ${ZERO}${ZERO} 01`, 'long'],
    ['an early answer from somewhere', `${ANSWER} 07000000 ffffffff 01000000 ${ZERO}`, 'field'],
    ['an answer beyond its burst', `${ANSWER} 07000000 10000000 ${ZERO} 01000000 0102`, 'field'],
    ['a burst beyond the end', `${ANSWER} 07000000 01000000 ${ZERO} 02000000 01`, 'field'],
    ['an answer without end', `${ANSWER} 07000000 01000001 ${ZERO} 01000000 01`, 'field'],
  ];

  it.each(cases)('%s', (_, text, refusal) => {
    expect(decodeFlowFrame(bytesOf(text))).toBe(refusal);
  });
});
