/** The handshake against the vector others publish, and against what it must refuse. */
import { describe, expect, it } from 'vitest';
import { decrypt, encrypt } from '../../firmware/wire/noise-crypto.ts';
import {
  answer,
  conclude,
  greet,
  handshakeStart,
  hear,
} from '../../firmware/wire/noise-handshake.ts';
import { bytes, hex, utf8 } from './frames/recorded-frames.ts';
import vector from './noise-vectors.json' with { type: 'json' };

const psk = bytes(vector.init_psk);
const start = handshakeStart(psk, bytes(vector.init_prologue));
const [greeterKey, answererKey] = [bytes(vector.init_ephemeral), bytes(vector.resp_ephemeral)];
const messages = vector.messages.map(({ payload, ciphertext }) => ({
  payload: bytes(payload),
  ciphertext,
}));
const payloads = messages.map(({ payload }) => payload);
const [first, second] = [payloads[0] ?? utf8(''), payloads[1] ?? utf8('')];

function session() {
  const { message, greeted } = greet(start, greeterKey, first);
  const heard = hear(start, message);
  const answered = heard && answer(heard, answererKey, second);
  const concluded = answered && conclude(greeted, answered.message);
  if (!heard || !answered || !concluded) throw new Error('no session');
  return { message, greeted, heard, answered, concluded };
}

describe('Noise_NNpsk0_25519_ChaChaPoly_SHA256', () => {
  it('says what the published vector says, byte by byte', () => {
    const { message, heard, answered, concluded } = session();
    expect(hex(message)).toBe(messages[0]?.ciphertext);
    expect(hex(heard.payload)).toBe(hex(first));
    expect(hex(answered.message)).toBe(messages[1]?.ciphertext);
    expect(hex(concluded.payload)).toBe(hex(second));
    const none = utf8('');
    messages.slice(2).forEach(({ payload, ciphertext }, index) => {
      const sides = [concluded.keys, answered.keys];
      const [from, to] = index % 2 === 0 ? sides : sides.toReversed();
      if (!from || !to) throw new Error('no keys');
      const sealed = encrypt(from.sending, Math.floor(index / 2), none, payload);
      expect(hex(sealed)).toBe(ciphertext);
      expect(decrypt(to.receiving, Math.floor(index / 2), none, sealed)).toEqual(
        Buffer.from(payload),
      );
    });
  });

  it('hears nothing made with another key or prologue', () => {
    const other = psk.with(0, 0);
    const { message } = greet(start, greeterKey, first);
    expect(hear(handshakeStart(other, bytes(vector.init_prologue)), message)).toBeUndefined();
    expect(hear(handshakeStart(psk, utf8('another')), message)).toBeUndefined();
  });

  it('hears and concludes nothing that was changed or cut anywhere', () => {
    const { message, greeted, answered } = session();
    for (let at = 0; at < message.length; at += 1) {
      expect(hear(start, message.with(at, (message[at] ?? 0) ^ 4))).toBeUndefined();
      expect(hear(start, message.subarray(0, at))).toBeUndefined();
    }
    const reply = answered.message;
    for (let at = 0; at < reply.length; at += 1) {
      expect(conclude(greeted, reply.with(at, (reply[at] ?? 0) ^ 4))).toBeUndefined();
      expect(conclude(greeted, reply.subarray(0, at))).toBeUndefined();
    }
  });

  it('does not answer or conclude an ephemeral key that leaves no secret', () => {
    const { greeted, heard, answered } = session();
    const zero = new Uint8Array(32);
    expect(answer({ ...heard, ephemeral: zero }, answererKey, second)).toBeUndefined();
    const reply = Uint8Array.from(answered.message);
    reply.set(zero);
    expect(conclude(greeted, reply)).toBeUndefined();
  });
});
