/**
 * The primitives of Noise_25519_ChaChaPoly_SHA256 (Noise revision 34, chapter 12): X25519
 * (RFC 7748), ChaCha20-Poly1305 (RFC 8439), SHA-256 and HMAC with it (RFC 2104).
 *
 * Beside keyed-digest.ts the only file of the room that may touch node:crypto. What a peer can make
 * fail answers undefined; a key of a wrong length is a mistake of ours and throws.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  type KeyObject,
} from 'node:crypto';

/** Length of keys, public keys, shared secrets and hashes alike. */
export const NOISE_BYTES = 32;
/** What sealing adds to a plaintext. */
export const TAG_BYTES = 16;

const CIPHER = 'chacha20-poly1305';
const TAG = { authTagLength: TAG_BYTES } as const;
const NONCE_BYTES = 12;
const NOTHING = new Uint8Array(0);
/** RFC 8410 7: a PKCS #8 private key of X25519 up to its 32 bytes. */
const PRIVATE_KEY_HEAD = Uint8Array.from([
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06],
  ...[0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20],
]);
/** RFC 8410 4: a public key of X25519 up to its 32 bytes. */
const PUBLIC_KEY_HEAD = Uint8Array.from([
  ...[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00],
]);

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * The secret shared with the owner of another public key, 32 bytes. Undefined when that key is
   * one that makes it zero (RFC 7748 6.1).
   */
  readonly sharedSecret: (publicBytes: Uint8Array) => Uint8Array | undefined;
}

/**
 * They are one part that is handed in: a simulation of months cannot afford the real ones.
 * Whatever takes their place keeps what is promised here of each.
 */
export interface NoisePrimitives {
  readonly keyPair: (privateBytes: Uint8Array) => KeyPair;
  readonly sha256: (...parts: readonly Uint8Array[]) => Uint8Array;
  readonly hmacSha256: (key: Uint8Array, message: Uint8Array) => Uint8Array;
  readonly encrypt: typeof encrypt;
  readonly decrypt: typeof decrypt;
  readonly seal: typeof seal;
  readonly open: typeof open;
}

/** The key pair of 32 random bytes (RFC 7748 5 says how they are clamped). */
export function keyPair(privateBytes: Uint8Array): KeyPair {
  const key = Buffer.concat([PRIVATE_KEY_HEAD, privateBytes]);
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: publicKey.subarray(PUBLIC_KEY_HEAD.length),
    sharedSecret: (publicBytes) => sharedSecret(privateKey, publicBytes),
  };
}

function sharedSecret(privateKey: KeyObject, publicBytes: Uint8Array): Uint8Array | undefined {
  const key = Buffer.concat([PUBLIC_KEY_HEAD, publicBytes]);
  const publicKey = createPublicKey({ key, format: 'der', type: 'spki' });
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return undefined;
  }
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return hash('sha256', Buffer.concat(parts), 'buffer');
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(message).digest();
}

/** A ciphertext and its tag. `nonce`: a whole number, never twice under the same key. */
export function encrypt(
  key: Uint8Array,
  nonce: number,
  associated: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  return Buffer.concat(encrypted(key, nonce, associated, plaintext));
}

/** A header, and behind it the ciphertext and tag of `encrypt` with it as associated data. */
export function seal(
  key: Uint8Array,
  nonce: number,
  header: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  return Buffer.concat([header, ...encrypted(key, nonce, header, plaintext)]);
}

/** The plaintext of what `seal` made, whose header has so many bytes; undefined as `decrypt`. */
export function open(
  key: Uint8Array,
  nonce: number,
  headerBytes: number,
  datagram: Uint8Array,
): Uint8Array | undefined {
  const header = datagram.subarray(0, headerBytes);
  return decrypt(key, nonce, header, datagram.subarray(headerBytes));
}

function encrypted(
  key: Uint8Array,
  nonce: number,
  associated: Uint8Array,
  plaintext: Uint8Array,
): readonly [Uint8Array, Uint8Array] {
  const cipher = createCipheriv(CIPHER, key, nonceBytes(nonce), TAG);
  cipher.setAAD(associated);
  const text = cipher.update(plaintext);
  cipher.final();
  return [text, cipher.getAuthTag()];
}

/** The plaintext; undefined when it was not sealed with this key, nonce and associated data. */
export function decrypt(
  key: Uint8Array,
  nonce: number,
  associated: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const length = sealed.length - TAG_BYTES;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(CIPHER, key, nonceBytes(nonce), TAG);
  decipher.setAuthTag(sealed.subarray(length));
  decipher.setAAD(associated);
  const plaintext = length === 0 ? NOTHING : decipher.update(sealed.subarray(0, length));
  try {
    decipher.final();
    return plaintext;
  } catch {
    return undefined;
  }
}

/** Noise 12.3: four zero bytes, then the number, little-endian. */
function nonceBytes(nonce: number): Uint8Array {
  const bytes = new Uint8Array(NONCE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, nonce % 0x1_0000_0000, true);
  view.setUint32(8, Math.floor(nonce / 0x1_0000_0000), true);
  return bytes;
}

/** What ships. */
export const noisePrimitives: NoisePrimitives = {
  keyPair,
  sha256,
  hmacSha256,
  encrypt,
  decrypt,
  seal,
  open,
};
