import { describe, expect, it } from 'vitest';
import {
  agreedVersion,
  greetingDatagram,
  parseDatagram,
  replyDatagram,
  SPOKEN_VERSIONS,
  sealedHeader,
} from '../../firmware/wire/sealed-datagram.ts';
import { hex } from './frames/recorded-frames.ts';

const versions = { oldest: 3, newest: 4 };
const joined = (...parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

describe('the frame of a datagram', () => {
  it('of a sealed one, byte by byte', () => {
    const header = sealedHeader(4, 0x01020304, 0x0005_0607_0809_0a0b);
    expect(hex(header)).toBe('04030102030400050607 08090a0b'.replace(' ', ''));
    const ciphertext = filled(16, 7);
    const bytes = joined(header, ciphertext);
    expect(parseDatagram(bytes, versions)).toEqual({
      kind: 'sealed',
      version: 4,
      receiver: 0x01020304,
      number: 0x0005_0607_0809_0a0b,
      bytes,
    });
  });

  const message = filled(48, 5);
  const stamp = filled(16, 9);

  it('of a greeting', () => {
    const number = { life: 0x0102030405060708n, number: 0xf0e0d0c0 };
    const stamped = greetingDatagram(3, number, message);
    expect(hex(stamped.subarray(0, 18))).toBe('0301000000000102030405060708f0e0d0c0');
    const parsed = parseDatagram(joined(stamped, stamp), versions);
    expect(parsed).toEqual({ kind: 'greeting', version: 3, ...number, message, stamped, stamp });
  });

  it('of a reply', () => {
    const stamped = replyDatagram(3, 0xfffffffe, message);
    expect(hex(stamped.subarray(0, 6))).toBe('0302fffffffe');
    const parsed = parseDatagram(joined(stamped, stamp), versions);
    const receiver = 0xfffffffe;
    expect(parsed).toEqual({ kind: 'reply', version: 3, receiver, message, stamped, stamp });
  });

  it('refuses what is no datagram by its header alone', () => {
    const sealed = joined(sealedHeader(3, 1, 1), filled(16, 0));
    expect(parseDatagram(sealed.with(0, 2), versions)).toBe('version');
    expect(parseDatagram(sealed.with(0, 5), versions)).toBe('version');
    expect(parseDatagram(sealed.with(1, 0), versions)).toBe('kind');
    expect(parseDatagram(sealed.with(1, 4), versions)).toBe('kind');
    const reply = joined(replyDatagram(3, 1, message), stamp);
    const greeting = joined(greetingDatagram(3, { life: 1n, number: 1 }, message), stamp);
    expect(parseDatagram(greeting.with(5, 1), versions)).toBe('session');
    for (const whole of [sealed, reply, greeting]) {
      for (let length = 0; length < whole.length; length += 1) {
        expect(parseDatagram(whole.subarray(0, length), versions)).toBe('short');
      }
    }
  });
});

describe('the version of a session', () => {
  it.each([
    [{ oldest: 1, newest: 1 }, 1],
    [{ oldest: 1, newest: 2 }, 2],
    [{ oldest: 1, newest: 9 }, 3],
    [{ oldest: 3, newest: 4 }, 3],
    [{ oldest: 4, newest: 5 }, undefined],
  ])('between 1 to 3 and %o', (other, agreed) => {
    const own = { oldest: 1, newest: 3 };
    expect(agreedVersion(own, other)).toBe(agreed);
    expect(agreedVersion(other, own)).toBe(agreed);
  });

  it('is the newest of this firmware with one of its kind', () => {
    expect(agreedVersion(SPOKEN_VERSIONS, SPOKEN_VERSIONS)).toBe(SPOKEN_VERSIONS.newest);
  });
});
