/**
 * What the other direction of a flow has in the place of its ports: the ports exchanged, or for
 * ICMP the answer's type (nf_conntrack_proto_icmp.c and its IPv6 twin know these pairs only).
 */
import { ipProtocols } from './ctnetlink.ts';

/** Request and answer (RFC 792, RFC 950; RFC 4443, RFC 4620): types that make a flow. */
const PAIRS = [
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
] as const;
const PAIRS_V6 = [
  [128, 129],
  [139, 140],
] as const;

const answers = turned(PAIRS);
const answersV6 = turned(PAIRS_V6);

/** `ports`: as in FlowTuple, a little-endian read of the four bytes. */
export function turnedPorts(protocol: number, ports: number): number {
  if (protocol === ipProtocols.icmp) return turnedType(answers, ports);
  if (protocol === ipProtocols.icmpv6) return turnedType(answersV6, ports);
  return (ports << 16) | (ports >>> 16);
}

/** The type is the third byte. */
function turnedType(table: Uint8Array, ports: number): number {
  return (ports & 0xff00_ffff) | ((table[(ports >>> 16) & 0xff] ?? 0) << 16);
}

function turned(pairs: readonly (readonly [number, number])[]): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, type) => type);
  for (const [request, answer] of pairs) {
    table[request] = answer;
    table[answer] = request;
  }
  return table;
}
