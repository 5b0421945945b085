/**
 * Keyed digests: HMAC (RFC 2104) with SHA-1 (FIPS 180-4), and the comparison that goes with them.
 *
 * CARP fixed SHA-1 in 2003; as a HMAC it is still sound for what CARP uses it for. Beside
 * noise-crypto.ts the only file of the room that may touch node:crypto, because the hash is the one
 * thing not worth writing ourselves.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Length of a SHA-1 digest, bytes. */
export const SHA1_BYTES = 20;

/**
 * HMAC-SHA1 of `message`. The key may have any length; trailing zero bytes do not change the
 * result.
 */
export function hmacSha1(key: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac('sha1', key).update(message).digest();
}

/** Whether two digests are equal, in a time that does not depend on where they differ. */
export function equalDigests(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
