/**
 * IP addresses as text and as bytes: IPv4 dotted quads, IPv6 as RFC 4291 2.2 reads and RFC 5952
 * writes it.
 *
 * Everywhere outside the encoders an address is its **canonical text**: two addresses are equal
 * exactly when their texts are, so plain sets and maps work. Text from people and peers goes
 * through `parseIpAddress`, `canonicalIpAddress` or `parseCidr`, which answer `undefined` to
 * anything that is not an address and never throw. Refused on purpose: zone ids (`fe80::1%eth0`,
 * the interface is always known from the context), and octets with leading zeros (`010.0.0.1`,
 * which some systems read as octal).
 */

/** 4 or 6. */
export type IpFamily = 4 | 6;

/** An address with its prefix length; `address` keeps its host bits. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
}

export const IPV4_ADDRESS_BYTES = 4;
export const IPV6_ADDRESS_BYTES = 16;
const IPV6_WORDS = 8;

const HEX_WORD = /^[0-9a-fA-F]{1,4}$/;
const [DOT, ZERO] = ['.'.charCodeAt(0), '0'.charCodeAt(0)];
const PREFIX_LENGTH = /^(?:0|[1-9][0-9]{0,2})$/;

/** Bytes of a textual address (4 or 16), or `undefined` when the text is not one. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** The canonical text of a textual address, or `undefined` when the text is not one. */
export function canonicalIpAddress(text: string): string | undefined {
  const bytes = parseIpAddress(text);
  return bytes && formatIpAddress(bytes);
}

/** Canonical text of 4 or 16 address bytes. Any other length is a mistake of ours and throws. */
export function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.length === IPV4_ADDRESS_BYTES) {
    return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  }
  if (bytes.length === IPV6_ADDRESS_BYTES) {
    return formatIpv6(bytes);
  }
  throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
}

/**
 * Bytes of an address that has been parsed before. Text that is no address is a mistake of ours and
 * throws.
 */
export function ipAddressBytes(address: string): Uint8Array {
  const bytes = parseIpAddress(address);
  if (bytes === undefined) {
    throw new RangeError(`not an IP address: ${address}`);
  }
  return bytes;
}

/** Family of a valid address. */
export function ipFamily(address: string): IpFamily {
  return address.includes(':') ? 6 : 4;
}

/**
 * Orders valid addresses: IPv4 before IPv6, then as unsigned big-endian numbers. Negative, zero or
 * positive.
 */
export function compareIpAddresses(one: string, other: string): number {
  return compareAddressBytes(ipAddressBytes(one), ipAddressBytes(other));
}

/** The order of `compareIpAddresses`, on bytes. */
export function compareAddressBytes(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) {
    return one.length - other.length;
  }
  for (let at = 0; at < one.length; at += 1) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Whether a valid address is an IPv6 link-local unicast one, fe80::/10 (RFC 4291 2.5.6). Never true
 * for IPv4.
 */
export function isIpv6LinkLocal(address: string): boolean {
  return isLinkLocalBytes(ipAddressBytes(address));
}

/** `isIpv6LinkLocal` on bytes. */
export function isLinkLocalBytes(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return bytes.length === IPV6_ADDRESS_BYTES && first === 0xfe && (second & 0xc0) === 0x80;
}

/** Whether a valid address is a multicast group: 224.0.0.0/4 or ff00::/8. */
export function isMulticast(address: string): boolean {
  const bytes = ipAddressBytes(address);
  const [first = 0] = bytes;
  return bytes.length === IPV4_ADDRESS_BYTES ? first >> 4 === 0xe : first === 0xff;
}

/**
 * `192.0.2.1/24` or `2001:db8::1/64`: the address in canonical text and its prefix length; else
 * `undefined`.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const bytes = slash < 0 ? undefined : parseIpAddress(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (bytes === undefined || !PREFIX_LENGTH.test(length)) {
    return undefined;
  }
  const prefix = Number(length);
  return prefix <= bytes.length * 8 ? { address: formatIpAddress(bytes), prefix } : undefined;
}

/** Whether a valid address lies in the network of `cidr`; false across families. */
export function prefixContains(cidr: Cidr, address: string): boolean {
  const network = ipAddressBytes(cidr.address);
  const candidate = ipAddressBytes(address);
  if (network.length !== candidate.length) {
    return false;
  }
  return candidate.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, cidr.prefix - index * 8));
    return (byte ^ (network[index] ?? 0)) >> (8 - bits) === 0;
  });
}

function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(IPV4_ADDRESS_BYTES);
  let position = 0;
  // Undefined before the first digit of an octet.
  let octet: number | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (octet === undefined || position === IPV4_ADDRESS_BYTES - 1) return undefined;
      bytes[position] = octet;
      position += 1;
      octet = undefined;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || octet === 0) return undefined;
    octet = (octet ?? 0) * 10 + digit;
    if (octet > 255) return undefined;
  }
  if (octet === undefined || position < IPV4_ADDRESS_BYTES - 1) return undefined;
  bytes[position] = octet;
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const sides = text.split('::');
  const [left = '', right = ''] = sides;
  const elided = sides.length === 2;
  // A dotted quad may only end the whole address, so the left of a `::` must not contain one.
  const head = parseWords(left, !elided);
  const tail = parseWords(right, true);
  if (sides.length > 2 || head === undefined || tail === undefined) {
    return undefined;
  }
  const missing = IPV6_WORDS - head.length - tail.length;
  // `::` stands for at least one word.
  if (elided ? missing < 1 : missing !== 0) {
    return undefined;
  }
  const words = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

/** The 16-bit words of one side of an IPv6 address; none for the empty side of a `::`. */
function parseWords(side: string, mayEndInQuad: boolean): number[] | undefined {
  if (side === '') {
    return [];
  }
  const groups = side.split(':');
  const quad = mayEndInQuad ? parseIpv4(groups.at(-1) ?? '') : undefined;
  const hex = quad ? groups.slice(0, -1) : groups;
  if (!hex.every((group) => HEX_WORD.test(group))) {
    return undefined;
  }
  const words = hex.map((group) => Number.parseInt(group, 16));
  if (quad) {
    const [a = 0, b = 0, c = 0, d = 0] = quad;
    words.push((a << 8) | b, (c << 8) | d);
  }
  return words;
}

/** RFC 5952 4 and 5: lower case, no leading zeros, the first longest run of zero words as `::`. */
function formatIpv6(bytes: Uint8Array): string {
  const words = Array.from(
    { length: IPV6_WORDS },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
  // RFC 5952 5: an IPv4-mapped address shows the IPv4 address it maps.
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  const zeros = longestZeroRun(words);
  if (zeros.length < 2) {
    return hexWords(words);
  }
  const head = hexWords(words.slice(0, zeros.start));
  return `${head}::${hexWords(words.slice(zeros.start + zeros.length))}`;
}

function hexWords(words: readonly number[]): string {
  return words.map((word) => word.toString(16)).join(':');
}

function longestZeroRun(words: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  words.forEach((word, index) => {
    length = word === 0 ? length + 1 : 0;
    if (length > longest.length) {
      longest = { start: index + 1 - length, length };
    }
  });
  return longest;
}
