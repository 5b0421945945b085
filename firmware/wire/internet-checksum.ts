/**
 * The internet checksum: RFC 1071, used by IPv4 headers, ICMPv6, CARP and VRRP.
 *
 * The sum is the ones' complement sum of big-endian 16-bit words, an odd last byte counting as the
 * high half of a word. The checksum is its complement. Over data whose checksum field is filled in
 * correctly the checksum is 0; that is how receivers verify, and it accepts both forms of zero
 * (0x0000 and 0xffff).
 */

/**
 * Ones' complement sum of `bytes`, 0..0xffff. `initial` continues an earlier sum of an even number
 * of bytes.
 */
export function onesComplementSum(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  const even = bytes.length - (bytes.length % 2);
  for (let at = 0; at < even; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if (even < bytes.length) sum += bytes[even]! << 8;
  // Additions stay far below 2^53 for any packet; the carries are folded back in once, at the end.
  while (sum > 0xffff) {
    sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  }
  return sum;
}

/** RFC 1071 checksum of `bytes`, 0..0xffff; 0 when their checksum field is already right. */
export function internetChecksum(bytes: Uint8Array, initial = 0): number {
  return 0xffff - onesComplementSum(bytes, initial);
}
