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

/** The bytes up to `end`, and how many they are. */
function stir(bytes: Uint8Array, end: number): void {
  let one = left;
  let other = right;
  let at = 0;
  for (; at + 8 <= end; at += 8) {
    const word =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    const next =
      bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
    one = Math.imul(one ^ word, THIRD);
    other = Math.imul(other ^ next, FOURTH);
  }
  for (; at < end; at += 1) one = Math.imul(one ^ bytes[at]!, THIRD);
  left = one ^ (other >>> 15);
  right = Math.imul(other ^ one ^ end, FOURTH);
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
    left = Math.imul(left ^ index, THIRD);
    right = Math.imul(right ^ left, FOURTH);
    writeWord(out, at + 4 * index, left ^ (right >>> 15));
  }
}

function digest(seed: number, parts: readonly Uint8Array[]): Uint8Array {
  begin(seed);
  for (const part of parts) stir(part, part.length);
  const bytes = new Uint8Array(NOISE_BYTES);
  writeWords(bytes, 0, KEY_WORDS);
  return bytes;
}

/** What a text of so many bytes is sealed with. */
function stirSealed(
  key: Uint8Array,
  nonce: number,
  associated: Uint8Array,
  text: Uint8Array,
  length: number,
): void {
  begin(nonce);
  stir(key, key.length);
  stir(associated, associated.length);
  stir(text, length);
}

const POOL_BYTES = 65_536;
let pool = new Uint8Array(POOL_BYTES);
let used = 0;

/** Bytes that nobody else has: part of a large piece, because small ones cost as much as that. */
function room(length: number): Uint8Array {
  if (used + length > POOL_BYTES) {
    pool = new Uint8Array(POOL_BYTES);
    used = 0;
  }
  const start = used;
  used += length;
  return pool.subarray(start, used);
}

/** Whether the tag that stands at an offset follows from what was stirred. */
function isTagAt(bytes: Uint8Array, offset: number): boolean {
  writeWords(TAG, 0, TAG_WORDS);
  for (let index = 0; index < TAG_BYTES; index += 1) {
    if (TAG[index] !== bytes[offset + index]) return false;
  }
  return true;
}

const TAG = new Uint8Array(TAG_BYTES);

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
    stirSealed(key, nonce, associated, plaintext, plaintext.length);
    writeWords(sealed, plaintext.length, TAG_WORDS);
    return sealed;
  },

  decrypt(key, nonce, associated, sealed) {
    const length = sealed.length - TAG_BYTES;
    if (length < 0) return undefined;
    stirSealed(key, nonce, associated, sealed, length);
    return isTagAt(sealed, length) ? sealed.subarray(0, length) : undefined;
  },

  seal(key, nonce, header, plaintext) {
    const end = header.length + plaintext.length;
    const sealed = room(end + TAG_BYTES);
    for (let index = 0; index < header.length; index += 1) sealed[index] = header[index]!;
    sealed.set(plaintext, header.length);
    begin(nonce);
    stir(key, key.length);
    stir(sealed, end);
    writeWords(sealed, end, TAG_WORDS);
    return sealed;
  },

  open(key, nonce, headerBytes, datagram) {
    const end = datagram.length - TAG_BYTES;
    if (end < headerBytes) return undefined;
    begin(nonce);
    stir(key, key.length);
    stir(datagram, end);
    return isTagAt(datagram, end) ? datagram.subarray(headerBytes, end) : undefined;
  },
};
