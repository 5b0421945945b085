/**
 * Addresses against each other: each one usable, held once, and with the prefix length of the
 * network it is in.
 */
import { type Cidr, ipFamily, isIpv6LinkLocal, isMulticast } from '../../wire/ip-address.ts';
import type { Documents } from './document-check.ts';
import { type Problem, quote } from './problem.ts';
import {
  addressNumber,
  overlaps,
  realAddresses,
  virtualAddresses,
  type WrittenAddress,
} from './written-address.ts';

export function addressProblems(documents: Documents): Problem[] {
  const real = realAddresses(documents);
  const virtual = virtualAddresses(documents);
  return [
    ...[...real, ...virtual].flatMap(unusable),
    ...heldTwice([...real, ...virtual]),
    ...virtual.flatMap((vip) => wrongPrefix(vip, real)),
  ];
}

function unusable(written: WrittenAddress): Problem[] {
  const reason = reasonAgainst(written.cidr);
  if (reason === undefined) return [];
  const found = `${quote(written.text)}, ${reason}`;
  return [problem(written, found, 'the address of a single host')];
}

/** Why an address cannot be that of one host, in words; undefined when it can. */
export function reasonAgainst(cidr: Cidr): string | undefined {
  const { address } = cidr;
  if (isMulticast(address)) return 'a multicast address';
  if (ipFamily(address) === 6) {
    return address === '::' || address === '::1' ? 'a reserved address' : undefined;
  }
  const number = addressNumber(address);
  const firstByte = Number(number >> 24n);
  if (firstByte === 0 || firstByte === 127 || firstByte >= 240) return 'a reserved address';
  if (cidr.prefix > 30) return undefined;
  const hosts = (1n << BigInt(32 - cidr.prefix)) - 1n;
  if ((number & hosts) === 0n) return 'the address of the network itself';
  return (number & hosts) === hosts ? 'the broadcast address of its network' : undefined;
}

/** IPv6 link-local addresses are per interface, all others unique on the node. */
function heldTwice(addresses: readonly WrittenAddress[]): Problem[] {
  const holders = new Map<string, WrittenAddress>();
  return addresses.flatMap((written) => {
    const { address } = written.cidr;
    const key = isIpv6LinkLocal(address) ? `${address}%${written.interface}` : address;
    const holder = holders.get(key);
    holders.set(key, holder ?? written);
    if (holder === undefined) return [];
    const found = `${address}, which is the address of ${holder.bearer} already`;
    return [problem(written, found, 'an address that nothing else has')];
  });
}

/** A VIP may bring a network of its own along, but not the interface's with another length. */
function wrongPrefix(vip: WrittenAddress, real: readonly WrittenAddress[]): Problem[] {
  const around = real.filter(
    (each) => each.interface === vip.interface && overlaps(each.cidr, vip.cidr),
  );
  const [first] = around;
  if (first === undefined || around.some(({ cidr }) => cidr.prefix === vip.cidr.prefix)) return [];
  const found = `${quote(vip.text)}, while interface ${first.interface} has ${first.text}`;
  return [problem(vip, found, `prefix length /${first.cidr.prefix}`)];
}

function problem({ document, path }: WrittenAddress, found: string, expected: string): Problem {
  return { document, path, found, expected };
}
