/** Echo requests as they are on the wire, and what comes back to a raw socket. */
import { describe, expect, test } from 'vitest';
import { decodeEchoReply, encodeEchoRequest } from '../../firmware/wire/icmp-echo.ts';
import { internetChecksum } from '../../firmware/wire/internet-checksum.ts';

const TOKEN = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const MESSAGE = { identifier: 0xbeef, sequence: 0x0102, token: TOKEN };
const IPV4_HEADER = Uint8Array.of(0x45, ...new Array<number>(19).fill(0));

function replyTo(family: 4 | 6): Uint8Array {
  const reply = encodeEchoRequest(family, MESSAGE);
  reply[0] = family === 4 ? 0 : 129;
  return family === 4 ? Uint8Array.of(...IPV4_HEADER, ...reply) : reply;
}

test('a request has its type, its numbers and, in IPv4, a right checksum', () => {
  const v4 = encodeEchoRequest(4, MESSAGE);
  expect([v4[0], v4[1], internetChecksum(v4)]).toEqual([8, 0, 0]);
  expect([...v4.subarray(4)]).toEqual([0xbe, 0xef, 1, 2, ...TOKEN]);
  expect([...encodeEchoRequest(6, MESSAGE).subarray(0, 4)]).toEqual([128, 0, 0, 0]);
});

describe.each([4, 6] as const)('a reply of IPv%i', (family) => {
  test('gives back what was asked', () => {
    expect(decodeEchoReply(family, replyTo(family))).toEqual(MESSAGE);
  });

  test('cut anywhere, or something else, is none', () => {
    const whole = replyTo(family);
    for (let length = 0; length < whole.length; length++) {
      expect(decodeEchoReply(family, whole.subarray(0, length))).toBeUndefined();
    }
    const request = encodeEchoRequest(family, MESSAGE);
    const packet = family === 4 ? Uint8Array.of(...IPV4_HEADER, ...request) : request;
    expect(decodeEchoReply(family, packet)).toBeUndefined();
  });
});

test('an IPv4 header with options is passed over, one that is too short is none', () => {
  const reply = replyTo(4).subarray(20);
  const options = Uint8Array.of(0x46, ...new Array<number>(23).fill(0), ...reply);
  expect(decodeEchoReply(4, options)).toEqual(MESSAGE);
  expect(decodeEchoReply(4, Uint8Array.of(0x44, ...new Array<number>(15).fill(0), ...reply))).toBe(
    undefined,
  );
});
