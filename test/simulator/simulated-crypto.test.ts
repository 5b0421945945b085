/** The stand-in refuses what the crypto that ships refuses. */
import { describe, expect, it } from 'vitest';
import { PeerChannel } from '../../firmware/wire/peer-channel.ts';
import { Prng } from './prng.ts';
import { simulatedCrypto } from './simulated-crypto.ts';

const { encrypt, decrypt, keyPair, sha256 } = simulatedCrypto;
const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const KEY = sha256(text('key'));
const HEADER = text('header');

const channel = (fill: number, seed: number): PeerChannel => {
  const prng = new Prng(seed);
  const key = new Uint8Array(32).fill(fill);
  return new PeerChannel({ key, random: (size) => prng.bytes(size), primitives: simulatedCrypto });
};

const mayGreet = (): boolean => true;

describe('a sealed text', () => {
  it('is opened with its key, number and header, and with nothing else', () => {
    const sealed = encrypt(KEY, 7, HEADER, text('a beat'));
    expect(decrypt(KEY, 7, HEADER, sealed)).toEqual(text('a beat'));
    expect(decrypt(KEY, 8, HEADER, sealed)).toBeUndefined();
    expect(decrypt(sha256(KEY), 7, HEADER, sealed)).toBeUndefined();
    expect(decrypt(KEY, 7, text('Header'), sealed)).toBeUndefined();
  });

  it('is refused when a bit of it is changed or its end is missing', () => {
    const sealed = encrypt(KEY, 7, HEADER, text('a beat'));
    sealed.forEach((byte, index) => {
      const changed = sealed.slice();
      changed[index] = byte ^ 0x10;
      expect(decrypt(KEY, 7, HEADER, changed)).toBeUndefined();
      expect(decrypt(KEY, 7, HEADER, sealed.subarray(0, index))).toBeUndefined();
    });
  });
});

describe('a key pair', () => {
  it('shares a secret with each other one', () => {
    const [one, other, third] = ['one', 'other', 'third'].map((word) =>
      keyPair(sha256(text(word))),
    );
    expect(one!.sharedSecret(other!.publicKey)).toEqual(other!.sharedSecret(one!.publicKey));
    expect(one!.sharedSecret(third!.publicKey)).not.toEqual(one!.sharedSecret(other!.publicKey));
  });
});

describe('a channel under it', () => {
  it('agrees, opens each datagram once, and refuses one with another key', () => {
    const [one, other, stranger] = [channel(1, 1), channel(1, 2), channel(2, 3)];
    const reply = other.open(one.greet(), mayGreet);
    expect(reply.kind).toBe('reply');
    if (reply.kind === 'reply') one.open(reply.bytes, mayGreet);
    const sealed = one.seal(text('a beat'));
    expect(other.open(sealed!, mayGreet)).toMatchObject({ plaintext: text('a beat') });
    expect(other.open(sealed!, mayGreet)).toEqual({ kind: 'refused', reason: 'replayed' });
    expect(other.open(stranger.greet(), mayGreet)).toEqual({ kind: 'refused', reason: 'key' });
  });
});
