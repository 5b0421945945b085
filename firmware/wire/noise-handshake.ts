/**
 * The handshake Noise_NNpsk0_25519_ChaChaPoly_SHA256 (Noise revision 34, 7.4 and 9), as functions
 * without state: one greets, the other hears and answers, the first concludes.
 *
 *   -> psk, e        greet, hear
 *   <- e, ee         answer, conclude
 *
 * Both sides prove that they know the pre-shared key; the keys that result are new each time and
 * cannot be had from it later. Randomness is handed in: the 32 bytes of an ephemeral private key.
 */
import {
  type KeyPair,
  NOISE_BYTES,
  type NoisePrimitives,
  noisePrimitives,
  TAG_BYTES,
} from './noise-crypto.ts';

/** Longer than 32 bytes, so the first hash is a hash of it (5.2). */
const PROTOCOL = new TextEncoder().encode('Noise_NNpsk0_25519_ChaChaPoly_SHA256');
const NOTHING = new Uint8Array(0);

/** Bytes of a handshake message beyond its payload. */
export const HANDSHAKE_BYTES = NOISE_BYTES + TAG_BYTES;

/** Noise's SymmetricState. Every key encrypts one payload only, so there is no nonce in it. */
export interface HandshakeState {
  readonly primitives: NoisePrimitives;
  readonly chainingKey: Uint8Array;
  readonly hash: Uint8Array;
  readonly key: Uint8Array;
}

/** What the greeter keeps until the answer comes. */
export interface Greeted {
  readonly state: HandshakeState;
  readonly ephemeral: KeyPair;
}

/** What a greeting said. */
export interface Heard {
  readonly state: HandshakeState;
  readonly payload: Uint8Array;
  readonly ephemeral: Uint8Array;
}

/** Keys of the session, one per direction, 32 bytes each. */
export interface SessionKeys {
  readonly sending: Uint8Array;
  readonly receiving: Uint8Array;
}

/**
 * All that does not depend on a message: computed once per pre-shared key. `psk`: 32 bytes.
 * `prologue`: what both sides must agree on beforehand.
 */
export function handshakeStart(
  psk: Uint8Array,
  prologue: Uint8Array,
  primitives: NoisePrimitives = noisePrimitives,
): HandshakeState {
  const { sha256 } = primitives;
  const first = sha256(PROTOCOL);
  // MixKeyAndHash of the token psk.
  const [chainingKey, mixed, key] = expanded(primitives, { chainingKey: first, material: psk }, 3);
  return { primitives, chainingKey, hash: sha256(sha256(first, prologue), mixed), key };
}

/** The first message. `privateBytes`: 32 random bytes, used for nothing else. */
export function greet(
  start: HandshakeState,
  privateBytes: Uint8Array,
  payload: Uint8Array,
): { readonly message: Uint8Array; readonly greeted: Greeted } {
  const ephemeral = start.primitives.keyPair(privateBytes);
  const mixed = withEphemeral(start, ephemeral.publicKey);
  const { state, ciphertext } = withEncrypted(mixed, payload);
  const message = Buffer.concat([ephemeral.publicKey, ciphertext]);
  return { message, greeted: { state, ephemeral } };
}

/**
 * Reads the first message; costs no key agreement. Undefined when it was not made with the same
 * pre-shared key and prologue.
 */
export function hear(start: HandshakeState, message: Uint8Array): Heard | undefined {
  if (message.length < HANDSHAKE_BYTES) return undefined;
  const ephemeral = message.slice(0, NOISE_BYTES);
  const mixed = withEphemeral(start, ephemeral);
  const read = withDecrypted(mixed, message.subarray(NOISE_BYTES));
  return read && { ...read, ephemeral };
}

/** The second message. Undefined when the greeting's ephemeral key is a degenerate one. */
export function answer(
  heard: Heard,
  privateBytes: Uint8Array,
  payload: Uint8Array,
): { readonly message: Uint8Array; readonly keys: SessionKeys } | undefined {
  const ephemeral = heard.state.primitives.keyPair(privateBytes);
  const secret = ephemeral.sharedSecret(heard.ephemeral);
  if (secret === undefined) return undefined;
  const mixed = withKey(withEphemeral(heard.state, ephemeral.publicKey), secret);
  const { state, ciphertext } = withEncrypted(mixed, payload);
  const message = Buffer.concat([ephemeral.publicKey, ciphertext]);
  const [receiving, sending] = split(state);
  return { message, keys: { sending, receiving } };
}

/** Reads the second message. Undefined when it does not answer this greeting. */
export function conclude(
  { state: start, ephemeral }: Greeted,
  message: Uint8Array,
): { readonly payload: Uint8Array; readonly keys: SessionKeys } | undefined {
  if (message.length < HANDSHAKE_BYTES) return undefined;
  const theirs = message.subarray(0, NOISE_BYTES);
  const secret = ephemeral.sharedSecret(theirs);
  if (secret === undefined) return undefined;
  const mixed = withKey(withEphemeral(start, theirs), secret);
  const read = withDecrypted(mixed, message.subarray(NOISE_BYTES));
  if (read === undefined) return undefined;
  const [sending, receiving] = split(read.state);
  return { payload: read.payload, keys: { sending, receiving } };
}

/** Split (5.2): the keys for what the greeter sends, and for what it receives. */
function split({ primitives, chainingKey }: HandshakeState): readonly [Uint8Array, Uint8Array] {
  const [first, second] = expanded(primitives, { chainingKey, material: NOTHING }, 2);
  return [first, second];
}

/** HKDF (4.3) with two or three outputs of 32 bytes; the last is empty when there are two. */
function expanded(
  { hmacSha256 }: NoisePrimitives,
  { chainingKey, material }: { chainingKey: Uint8Array; material: Uint8Array },
  count: 2 | 3,
): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const temporary = hmacSha256(chainingKey, material);
  const first = hmacSha256(temporary, Uint8Array.of(1));
  const second = hmacSha256(temporary, Buffer.concat([first, Uint8Array.of(2)]));
  if (count === 2) return [first, second, NOTHING];
  return [first, second, hmacSha256(temporary, Buffer.concat([second, Uint8Array.of(3)]))];
}

/** MixKey. */
function withKey(state: HandshakeState, material: Uint8Array): HandshakeState {
  const { primitives, hash } = state;
  const [chainingKey, key] = expanded(primitives, { chainingKey: state.chainingKey, material }, 2);
  return { primitives, chainingKey, hash, key };
}

/** The token e; in a handshake with a pre-shared key it goes into the key too (9.2). */
function withEphemeral(state: HandshakeState, publicKey: Uint8Array): HandshakeState {
  return withKey({ ...state, hash: state.primitives.sha256(state.hash, publicKey) }, publicKey);
}

/** EncryptAndHash. */
function withEncrypted(
  state: HandshakeState,
  payload: Uint8Array,
): { readonly state: HandshakeState; readonly ciphertext: Uint8Array } {
  const { primitives, key, hash } = state;
  const ciphertext = primitives.encrypt(key, 0, hash, payload);
  return { state: { ...state, hash: primitives.sha256(hash, ciphertext) }, ciphertext };
}

/** DecryptAndHash. */
function withDecrypted(
  state: HandshakeState,
  ciphertext: Uint8Array,
): { readonly state: HandshakeState; readonly payload: Uint8Array } | undefined {
  const { primitives, key, hash } = state;
  const payload = primitives.decrypt(key, 0, hash, ciphertext);
  if (payload === undefined) return undefined;
  return { state: { ...state, hash: primitives.sha256(hash, ciphertext) }, payload };
}
