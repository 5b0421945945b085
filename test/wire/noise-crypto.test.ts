/** The primitives against the vectors of their standards; the handshake's own has the rest. */
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decrypt, encrypt, hmacSha256, keyPair, sha256 } from '../../firmware/wire/noise-crypto.ts';
import { bytes, hex, utf8 } from './frames/recorded-frames.ts';

// RFC 7748 6.1.
const alice = keyPair(bytes('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'));
const bob = keyPair(bytes('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'));

describe('X25519', () => {
  it('makes the public keys and the secret of RFC 7748 6.1', () => {
    expect(hex(alice.publicKey)).toBe(
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    );
    expect(hex(bob.publicKey)).toBe(
      'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    );
    const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
    expect(hex(alice.sharedSecret(bob.publicKey) ?? utf8(''))).toBe(secret);
    expect(hex(bob.sharedSecret(alice.publicKey) ?? utf8(''))).toBe(secret);
  });

  it.each([
    // RFC 7748 6.1: points of low order; these are 0, 1 and p.
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    `ed${'ff'.repeat(30)}7f`,
  ])('has no secret with %s', (point) => {
    expect(alice.sharedSecret(bytes(point))).toBeUndefined();
  });
});

describe('SHA-256 and its HMAC', () => {
  it('hashes parts as one (FIPS 180-4, "abc")', () => {
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(hex(sha256(utf8('a'), utf8('bc')))).toBe(digest);
  });

  it('RFC 4231 case 2', () => {
    expect(hex(hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });
});

describe('ChaCha20-Poly1305', () => {
  const key = sha256(utf8('key'));
  const header = utf8('header');

  it.each([
    [0, '000000000000000000000000'],
    [0x0102, '000000000201000000000000'],
    [0x0001_0203_0405_0607, '000000000706050403020100'],
  ])('number %i is the nonce of Noise 12.3', (number, nonce) => {
    const cipher = createCipheriv('chacha20-poly1305', key, bytes(nonce), { authTagLength: 16 });
    cipher.setAAD(header, { plaintextLength: 4 });
    const text = cipher.update('beat');
    cipher.final();
    const sealed = encrypt(key, number, header, utf8('beat'));
    expect(hex(sealed)).toBe(hex(text) + hex(cipher.getAuthTag()));
  });

  it('opens what it sealed, empty or not, and nothing else', () => {
    const empty = encrypt(key, 1, header, utf8(''));
    expect(decrypt(key, 1, header, empty)).toHaveLength(0);
    const sealed = encrypt(key, 1, header, utf8('beat'));
    expect(decrypt(key, 1, header, sealed)).toEqual(Buffer.from('beat'));
    expect(decrypt(key, 2, header, sealed)).toBeUndefined();
    expect(decrypt(key, 1, utf8('Header'), sealed)).toBeUndefined();
    expect(decrypt(sha256(key), 1, header, sealed)).toBeUndefined();
    for (let length = 0; length < sealed.length; length += 1) {
      expect(decrypt(key, 1, header, sealed.subarray(0, length))).toBeUndefined();
    }
  });
});
