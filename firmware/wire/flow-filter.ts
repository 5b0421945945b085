/**
 * Which flows concern the peer: those that pass through. A flow that begins or ends on this node,
 * on its own addresses or on a VIP, cannot be continued by the other one, and what is said on the
 * sync cable is about that cable. Networks and protocols can be left out by configuration.
 */
import { type Cidr, ipAddressBytes, ipFamily } from './ip-address.ts';

export interface FlowFilterRules {
  /** Every address of this node, VIPs included; others are no end of a forwarded flow. */
  readonly ownAddresses: readonly string[];
  readonly excludedNetworks: readonly Cidr[];
  /** IP protocol numbers. */
  readonly excludedProtocols: readonly number[];
}

/** A network as words as they lie in memory, and the bits of each that count. */
interface Mask {
  readonly words: Int32Array;
  readonly bits: Int32Array;
}

/** Loopback, multicast (no end of a flow), link-local; RFC 1122, RFC 5771, RFC 4291. */
const NEVER_FORWARDED: readonly Cidr[] = [
  { address: '127.0.0.0', prefix: 8 },
  { address: '224.0.0.0', prefix: 4 },
  { address: '255.255.255.255', prefix: 32 },
  { address: '0.0.0.0', prefix: 32 },
  { address: '169.254.0.0', prefix: 16 },
  { address: '::', prefix: 127 },
  { address: 'fe80::', prefix: 10 },
  { address: 'ff00::', prefix: 8 },
];

export class FlowFilter {
  readonly #ownV4: Int32Array;
  readonly #localV4: readonly Mask[];
  readonly #localV6: readonly Mask[];
  readonly #excludedV4: readonly Mask[];
  readonly #excludedV6: readonly Mask[];
  readonly #protocols = new Uint8Array(256);

  constructor({ ownAddresses, excludedNetworks, excludedProtocols }: FlowFilterRules) {
    const own = ownAddresses.map((address) => ({ address, prefix: 128 }));
    const ownV4 = ownAddresses.filter((address) => ipFamily(address) === 4);
    this.#ownV4 = Int32Array.from(ownV4, (address) => words(address)[0] ?? 0);
    this.#localV4 = masks(NEVER_FORWARDED, 4);
    this.#localV6 = [...masks(NEVER_FORWARDED, 6), ...masks(own, 6)];
    this.#excludedV4 = masks(excludedNetworks, 4);
    this.#excludedV6 = masks(excludedNetworks, 6);
    for (const protocol of excludedProtocols) this.#protocols[protocol] = 1;
  }

  excludesProtocol(protocol: number): boolean {
    return this.#protocols[protocol] === 1;
  }

  /** Whether the address at `at`, 4 or 16 bytes, cannot be an end of a forwarded flow. */
  isLocal(view: DataView, at: number, bytes: number): boolean {
    if (bytes !== 4) return isInAny(this.#localV6, view, at);
    const address = view.getInt32(at, true);
    const own = this.#ownV4;
    for (let i = 0; i < own.length; i++) if (own[i] === address) return true;
    return isInAny(this.#localV4, view, at);
  }

  isExcluded(view: DataView, at: number, bytes: number): boolean {
    return isInAny(bytes === 4 ? this.#excludedV4 : this.#excludedV6, view, at);
  }
}

function isInAny(list: readonly Mask[], view: DataView, at: number): boolean {
  for (let i = 0; i < list.length; i++) if (isIn(list[i]!, view, at)) return true;
  return false;
}

function isIn({ words, bits }: Mask, view: DataView, at: number): boolean {
  for (let i = 0; i < words.length; i++) {
    if (((view.getInt32(at + 4 * i, true) ^ words[i]!) & bits[i]!) !== 0) return false;
  }
  return true;
}

function masks(networks: readonly Cidr[], family: 4 | 6): Mask[] {
  return networks
    .filter(({ address }) => ipFamily(address) === family)
    .map(({ address, prefix }) => ({ words: words(address), bits: prefixBits(prefix, family) }));
}

function words(address: string): Int32Array {
  return asWords(ipAddressBytes(address));
}

function prefixBits(prefix: number, family: 4 | 6): Int32Array {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  for (let bit = 0; bit < Math.min(prefix, bytes.length * 8); bit++) {
    bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  }
  return asWords(bytes);
}

function asWords(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int32Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(4 * i, true));
}
