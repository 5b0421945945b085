import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesAttribute,
  decodeAttributeList,
  decodeAttributes,
  decodeNetlink,
  decodeVerdict,
  encodeAttributes,
  encodeNetlink,
  letters,
  type NetlinkAttribute,
  nested,
  netlinkFlags,
  readText,
  readU8,
  readU32,
  text,
  u8,
  u16,
  u32,
  u32Be,
  u64Be,
} from '../../firmware/wire/netlink-message.ts';
import { bytes, hex } from './frames/recorded-frames.ts';
import { attributeTree } from './netlink-tree.ts';

const REQUEST = {
  type: 0x10,
  flags: netlinkFlags.ack,
  header: bytes('00000000040000000100000001000000'),
  attributes: [],
};

describe('messages', () => {
  test('are what `ip link set vip7.2 up` sends', () => {
    const recorded = '20000000 10000500 5a84016b 00000000 00000000 04000000 01000000 01000000';
    expect(hex(encodeNetlink([REQUEST], 0x6b01845a))).toBe(recorded.replaceAll(' ', ''));
  });

  test('stand one after another, numbered, each on a boundary of four', () => {
    const named = { ...REQUEST, attributes: [text(3, 'lan')] };
    const encoded = encodeNetlink([named, REQUEST], 7);
    expect(decodeNetlink(encoded).map(({ sequence, type }) => [sequence, type])).toEqual([
      [7, 0x10],
      [8, 0x10],
    ]);
  });

  test('cut anywhere yield the whole ones before the cut', () => {
    const encoded = encodeNetlink([REQUEST, REQUEST, REQUEST], 1);
    for (let length = 0; length <= encoded.length; length++) {
      expect(decodeNetlink(encoded.subarray(0, length))).toHaveLength(Math.floor(length / 32));
    }
  });

  test('of any bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        for (const message of decodeNetlink(noise)) {
          decodeVerdict({ ...message, type: 2 });
          decodeAttributes(message.payload);
        }
        decodeAttributeList(noise);
      }),
    );
  });

  test('that claim to be shorter than their header end the reading', () => {
    expect(decodeNetlink(bytes('0f000000000000000000000000000000'))).toEqual([]);
    expect(decodeNetlink(bytes('00000000000000000000000000000000'))).toEqual([]);
  });
});

describe('attributes', () => {
  test('have the order of the machine, or of the network where they say so', () => {
    const encode = (attribute: NetlinkAttribute) => hex(encodeAttributes([attribute]));
    expect(encode(u8(1, 0xab))).toBe('05000100ab000000');
    expect(encode(u16(1, 0x0102))).toBe('0600010002010000');
    expect(encode(u32(1, 0x01020304))).toBe('0800010004030201');
    expect(encode(u32Be(1, 0x01020304))).toBe('0800010001020304');
    expect(encode(u32Be(1, -500))).toBe('08000100fffffe0c');
    expect(encode(u64Be(1, 48))).toBe('0c0001000000000000000030');
    expect(encode(text(1, 'lan'))).toBe('080001006c616e00');
    expect(encode(letters(1, 'lan'))).toBe('070001006c616e00');
  });

  test('nest, and say so', () => {
    const inner = nested(18, [letters(1, 'macvlan'), nested(2, [u32(1, 4)])]);
    expect(hex(encodeAttributes([inner]))).toBe(
      '1c0012800b0001006d6163766c616e000c0002800800010004000000',
    );
  });

  test('survive the way through bytes', () => {
    const attribute = fc.record({
      type: fc.integer({ min: 1, max: 0x3fff }),
      value: fc.uint8Array({ maxLength: 20 }),
    });
    fc.assert(
      fc.property(fc.array(attribute), (list) => {
        const encoded = encodeAttributes(list);
        const decoded = decodeAttributeList(encoded);
        expect(decoded.map(({ type, value }) => [type, hex(value)])).toEqual(
          list.map(({ type, value }) => [type, hex(value)]),
        );
        expect(attributeTree(encoded)).toHaveLength(list.length);
      }),
    );
  });

  test('cut anywhere yield the whole ones before the cut', () => {
    const encoded = encodeAttributes([u32(1, 1), u32(2, 2)]);
    for (let length = 0; length <= encoded.length; length++) {
      expect(decodeAttributes(encoded.subarray(0, length)).size).toBe(Math.floor(length / 8));
    }
  });

  test('of another length than asked for are as good as missing', () => {
    const map = decodeAttributes(encodeAttributes([u8(1, 5), u32(2, 6), text(3, 'lan')]));
    expect([readU8(map, 1), readU8(map, 2), readU8(map, 9)]).toEqual([5, undefined, undefined]);
    expect([readU32(map, 2), readU32(map, 1), readU32(map, 9)]).toEqual([6, undefined, undefined]);
    expect([readText(map, 3), readText(map, 9)]).toEqual(['lan', undefined]);
  });

  test('too long for their length field are a mistake of ours', () => {
    const long = bytesAttribute(1, new Uint8Array(65_532));
    expect(() => encodeAttributes([long])).toThrow(RangeError);
  });
});

describe('verdicts', () => {
  const verdict = (payload: string, flags = 0) =>
    decodeVerdict({ type: 2, flags, sequence: 7, port: 0, payload: bytes(payload) });
  const request = '2000000010000500 07000000 00000000'.replaceAll(' ', '');

  test('acknowledge with 0', () => {
    expect(verdict(`00000000${request}`, netlinkFlags.capped)).toEqual({
      errno: 0,
      sequence: 7,
      reason: undefined,
    });
  });

  test('refuse with an errno, and with words behind the request', () => {
    const words = hex(encodeAttributes([text(1, 'Device is gone')]));
    const flags = netlinkFlags.extendedAck;
    const expected = { errno: 19, sequence: 7, reason: 'Device is gone' };
    expect(verdict(`edffffff${request}${words}`, flags | netlinkFlags.capped)).toEqual(expected);
    const whole = `edffffff${request}${'00'.repeat(16)}${words}`;
    expect(verdict(whole, flags)).toEqual(expected);
  });

  test('too short to be one are none', () => {
    expect(verdict(`00000000${request}`.slice(0, -2))).toBeUndefined();
    expect(decodeVerdict({ type: 3, flags: 0, sequence: 0, port: 0, payload: bytes('') })).toBe(
      undefined,
    );
  });
});
