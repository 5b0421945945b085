/**
 * The CARP v2 advertisement: 36 bytes behind an IP header of protocol 112.
 *
 *      0         1      2         3         4        5         6          8         16          36
 *     +---------+------+---------+---------+--------+---------+----------+---------+-----------+
 *     | version | vhid | advskew | authlen | demote | advbase | checksum | counter | HMAC-SHA1 |
 *     | type    |      |         |         |        |         |          | 64 bits |           |
 *     +---------+------+---------+---------+--------+---------+----------+---------+-----------+
 *
 * CARP has no RFC; this is what FreeBSD's and OpenBSD's ip_carp.h and ucarp agree on. Version is 2
 * and type 1, two nibbles of one byte (0x21). The checksum covers these 36 bytes only, without a
 * pseudo header on IPv6 too, and covers the digest, so it is computed last. No implementation
 * checks type and authlen: they are sent right and carried in the record, but nothing relies on
 * them.
 */
import { byteView } from './byte-view.ts';
import { internetChecksum } from './internet-checksum.ts';
import { SHA1_BYTES } from './keyed-digest.ts';

const VERSION_AND_TYPE = 0;
const VHID = 1;
const ADVSKEW = 2;
const AUTHLEN = 3;
const DEMOTE = 4;
const ADVBASE = 5;
const CHECKSUM = 6;
const COUNTER = 8;
const DIGEST = 16;

/** Length of an advertisement, bytes. */
export const CARP_BYTES = 36;
export const CARP_VERSION = 2;
/** The only type there is: an advertisement. */
export const CARP_TYPE = 1;
/** Counter and digest in 32-bit words. */
export const CARP_AUTHLEN = 7;

export interface CarpAdvertisement {
  /** CARP_TYPE from every known implementation; 0..15. */
  readonly type: number;
  /** Group number, 1..255 (0 decodes, and belongs to nobody). */
  readonly vhid: number;
  /** In 1/256 s, 0..254; 255 with advbase 255 is the good-bye. */
  readonly advskew: number;
  /** CARP_AUTHLEN from every known implementation; 0..255. */
  readonly authlen: number;
  /** OpenBSD's demotion counter, 0..255; everybody else sends 0. */
  readonly demote: number;
  /** In seconds, 0..255. */
  readonly advbase: number;
  /** Unsigned 64 bits. */
  readonly counter: bigint;
  /** HMAC-SHA1, 20 bytes; carp-digest.ts makes and verifies it. */
  readonly digest: Uint8Array;
}

/**
 * Reads the advertisement at the start of an IP payload. `undefined` unless there are 36 bytes of
 * version 2 with a right checksum. Bytes behind it are ignored, as all receivers do.
 */
export function decodeCarpAdvertisement(payload: Uint8Array): CarpAdvertisement | undefined {
  if (
    payload.length < CARP_BYTES ||
    carpVersion(payload) !== CARP_VERSION ||
    !hasCarpChecksum(payload)
  ) {
    return undefined;
  }
  const view = byteView(payload);
  return {
    type: view.getUint8(VERSION_AND_TYPE) & 0x0f,
    vhid: view.getUint8(VHID),
    advskew: view.getUint8(ADVSKEW),
    authlen: view.getUint8(AUTHLEN),
    demote: view.getUint8(DEMOTE),
    advbase: view.getUint8(ADVBASE),
    counter: view.getBigUint64(COUNTER),
    digest: payload.slice(DIGEST, DIGEST + SHA1_BYTES),
  };
}

/**
 * Version nibble of a protocol 112 payload: 2 for CARP and VRRPv2, 3 for VRRPv3; 0 when it is
 * empty.
 */
export function carpVersion(payload: Uint8Array): number {
  return (payload[VERSION_AND_TYPE] ?? 0) >> 4;
}

/** Whether the checksum over the first 36 bytes is right. */
export function hasCarpChecksum(payload: Uint8Array): boolean {
  return internetChecksum(payload.subarray(0, CARP_BYTES)) === 0;
}

/**
 * Writes the 36 bytes to the start of `out`, checksum included. A digest that is not 20 bytes long
 * throws.
 */
export function encodeCarpAdvertisement(
  advertisement: CarpAdvertisement,
  out: Uint8Array = new Uint8Array(CARP_BYTES),
): Uint8Array {
  if (advertisement.digest.length !== SHA1_BYTES) {
    throw new RangeError(
      `a CARP digest has ${SHA1_BYTES} bytes, not ${advertisement.digest.length}`,
    );
  }
  const view = byteView(out);
  view.setUint8(VERSION_AND_TYPE, (CARP_VERSION << 4) | advertisement.type);
  view.setUint8(VHID, advertisement.vhid);
  view.setUint8(ADVSKEW, advertisement.advskew);
  view.setUint8(AUTHLEN, advertisement.authlen);
  view.setUint8(DEMOTE, advertisement.demote);
  view.setUint8(ADVBASE, advertisement.advbase);
  view.setUint16(CHECKSUM, 0);
  view.setBigUint64(COUNTER, advertisement.counter);
  out.set(advertisement.digest, DIGEST);
  view.setUint16(CHECKSUM, internetChecksum(out.subarray(0, CARP_BYTES)));
  return out.subarray(0, CARP_BYTES);
}
