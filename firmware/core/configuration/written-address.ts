/**
 * All addresses of both documents in one list, each with the place where it is written and the
 * words people know it by, so that one address can be compared with every other.
 */
import { type Cidr, ipAddressBytes, ipFamily, parseCidr } from '../../wire/ip-address.ts';
import { invariant } from '../invariant.ts';
import type { Documents } from './document-check.ts';
import type { DocumentName, FieldPath } from './problem.ts';

export interface WrittenAddress {
  readonly cidr: Cidr;
  /** As written: for quoting. */
  readonly text: string;
  readonly document: DocumentName;
  readonly path: FieldPath;
  /** Logical interface. */
  readonly interface: string;
  /** `interface lan`, `VIP wan`, `alias of VIP wan`. */
  readonly bearer: string;
}

/** The node's own addresses. */
export function realAddresses({ node }: Pick<Documents, 'node'>): readonly WrittenAddress[] {
  return Object.entries(node.interfaces).flatMap(([name, { address = [] }]) => {
    const path = ['interfaces', name, 'address'];
    return [address].flat().map((text, index) => ({
      cidr: checkedCidr(text),
      text,
      document: 'node' as const,
      path: Array.isArray(address) ? [...path, index] : path,
      interface: name,
      bearer: `interface ${name}`,
    }));
  });
}

/** VIPs and their aliases. */
export function virtualAddresses({
  cluster,
}: Pick<Documents, 'cluster'>): readonly WrittenAddress[] {
  return cluster.vips.flatMap((vip, index) => {
    const common = { document: 'cluster' as const, interface: vip.interface };
    const written = {
      text: vip.address,
      path: ['vips', index, 'address'],
      bearer: `VIP ${vip.name}`,
    };
    const aliases = vip.aliases.map((text, alias) => ({
      text,
      path: ['vips', index, 'aliases', alias],
      bearer: `alias of VIP ${vip.name}`,
    }));
    return [written, ...aliases].map((each) => ({
      ...common,
      ...each,
      cidr: checkedCidr(each.text),
    }));
  });
}

/** Whether one of two networks lies in the other, or they are the same. */
export function overlaps(one: Cidr, other: Cidr): boolean {
  if (ipFamily(one.address) !== ipFamily(other.address)) return false;
  const prefix = Math.min(one.prefix, other.prefix);
  return networkBits(one.address, prefix) === networkBits(other.address, prefix);
}

/** An address as one number. */
export function addressNumber(address: string): bigint {
  return ipAddressBytes(address).reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

function networkBits(address: string, prefix: number): bigint {
  return addressNumber(address) >> BigInt((ipFamily(address) === 4 ? 32 : 128) - prefix);
}

function checkedCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  invariant(cidr !== undefined, `address ${text} passed the schema`);
  return cidr;
}
