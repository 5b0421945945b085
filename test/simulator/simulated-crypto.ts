/**
 * A stand-in for the crypto of the peer channel, a hundred times cheaper: it hides nothing, and
 * refuses what that refuses: another key, another number, a changed byte.
 *
 * Its digests are no match for an enemy. The attackers of the simulator repeat and garble what they
 * hear and have no time to think.
 */
import { NOISE_BYTES, type NoisePrimitives, TAG_BYTES } from '../../firmware/wire/noise-crypto.ts';

/** Odd numbers with their bits well spread: the multipliers of murmur3 and xxhash. */
const FIRST = 0xcc9e2d51;
const SECOND = 0x1b873593;
const THIRD = 0x85ebca6b;
const FOURTH = 0x9e3779b1;

const KEY_WORDS = NOISE_BYTES / 4;
const TAG_WORDS = TAG_BYTES / 4;

/** Two halves of a state of 64 bits, each stirred by every word. */
let left = 0;
let right = 0;

function begin(seed: number): void {
  left = seed ^ FIRST;
  right = seed ^ SECOND;
}

function stir(word: number): void {
  left = Math.imul(left ^ word, THIRD);
  left ^= left >>> 13;
  right = Math.imul(right ^ word ^ left, FOURTH);
  right ^= right >>> 16;
}

/** The bytes up to `end`, and how many they are. */
function stirBytes(bytes: Uint8Array, end: number): void {
  let index = 0;
  for (; index + 4 <= end; index += 4) {
    stir(
      bytes[index]! |
        (bytes[index + 1]! << 8) |
        (bytes[index + 2]! << 16) |
        (bytes[index + 3]! << 24),
    );
  }
  for (; index < end; index += 1) stir(bytes[index]!);
  stir(end);
}

function writeWord(out: Uint8Array, at: number, word: number): void {
  out[at] = word;
  out[at + 1] = word >>> 8;
  out[at + 2] = word >>> 16;
  out[at + 3] = word >>> 24;
}

/** So many words that follow from what was stirred. */
function writeWords(out: Uint8Array, at: number, count: number): void {
  for (let index = 0; index < count; index += 1) {
    stir(index);
    writeWord(out, at + 4 * index, left ^ right);
  }
}

function digest(seed: number, parts: readonly Uint8Array[]): Uint8Array {
  begin(seed);
  for (const part of parts) stirBytes(part, part.length);
  const bytes = new Uint8Array(NOISE_BYTES);
  writeWords(bytes, 0, KEY_WORDS);
  return bytes;
}

/** What seals a text of so many bytes. */
function stirSealed(
  { key, nonce, associated }: { key: Uint8Array; nonce: number; associated: Uint8Array },
  text: Uint8Array,
  length: number,
): void {
  begin(nonce);
  stirBytes(key, key.length);
  stirBytes(associated, associated.length);
  stirBytes(text, length);
}

/** Whoever knows both public keys knows the secret; nobody in a simulation computes it. */
function sharedSecret(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((byte, index) => byte ^ other[index]!);
}

export const simulatedCrypto: NoisePrimitives = {
  keyPair(privateBytes) {
    const publicKey = privateBytes.slice();
    return { publicKey, sharedSecret: (publicBytes) => sharedSecret(publicKey, publicBytes) };
  },

  sha256: (...parts) => digest(1, parts),

  hmacSha256: (key, message) => digest(2, [key, message]),

  encrypt(key, nonce, associated, plaintext) {
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    sealed.set(plaintext);
    stirSealed({ key, nonce, associated }, plaintext, plaintext.length);
    writeWords(sealed, plaintext.length, TAG_WORDS);
    return sealed;
  },

  decrypt(key, nonce, associated, sealed) {
    const length = sealed.length - TAG_BYTES;
    if (length < 0) return undefined;
    stirSealed({ key, nonce, associated }, sealed, length);
    const tag = new Uint8Array(TAG_BYTES);
    writeWords(tag, 0, TAG_WORDS);
    for (let index = 0; index < TAG_BYTES; index += 1) {
      if (tag[index] !== sealed[length + index]) return undefined;
    }
    return sealed.subarray(0, length);
  },
};
