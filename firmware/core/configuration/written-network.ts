/**
 * Networks as people write them: an address, an address with prefix length, or the first and the
 * last address of a range. Also the text of what is known as numbers.
 */
import {
  canonicalIpAddress,
  formatIpAddress,
  type IpFamily,
  ipFamily,
  parseCidr,
} from '../../wire/ip-address.ts';
import type { Span } from './spans.ts';
import { addressNumber } from './written-address.ts';

export interface WrittenNetwork {
  readonly family: IpFamily;
  readonly span: Span;
}

/** Undefined for what is no network. Bits behind the prefix length do not count. */
export function parseNetwork(text: string): WrittenNetwork | undefined {
  const dash = text.indexOf('-');
  if (dash >= 0) return parseRange(text.slice(0, dash), text.slice(dash + 1));
  const address = canonicalIpAddress(text);
  const cidr = address === undefined ? parseCidr(text) : undefined;
  if (cidr !== undefined) return networkOf(cidr.address, cidr.prefix);
  return address === undefined ? undefined : networkOf(address, bitsOf(ipFamily(address)));
}

/** The network an address with prefix length is in. */
export function networkOf(address: string, prefix: number): WrittenNetwork {
  const family = ipFamily(address);
  const hosts = (1n << BigInt(bitsOf(family) - prefix)) - 1n;
  const first = addressNumber(address) & ~hosts;
  return { family, span: { first, last: first | hosts } };
}

/** The shortest way to write it: `192.0.2.1`, `192.0.2.0/24` or `192.0.2.1-192.0.2.9`. */
export function formatNetwork({ family, span }: WrittenNetwork): string {
  const { first, last } = span;
  const text = formatNumber(first, family);
  if (first === last) return text;
  const size = last - first + 1n;
  const isNetwork = (size & (size - 1n)) === 0n && first % size === 0n;
  if (!isNetwork) return `${text}-${formatNumber(last, family)}`;
  return `${text}/${bitsOf(family) - (size.toString(2).length - 1)}`;
}

function parseRange(from: string, to: string): WrittenNetwork | undefined {
  const [start, end] = [canonicalIpAddress(from), canonicalIpAddress(to)];
  if (start === undefined || end === undefined) return undefined;
  const family = ipFamily(start);
  const span = { first: addressNumber(start), last: addressNumber(end) };
  return family === ipFamily(end) && span.first <= span.last ? { family, span } : undefined;
}

function formatNumber(number: bigint, family: IpFamily): string {
  const bytes = new Uint8Array(bitsOf(family) / 8);
  let rest = number;
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return formatIpAddress(bytes);
}

const bitsOf = (family: IpFamily): number => (family === 4 ? 32 : 128);
