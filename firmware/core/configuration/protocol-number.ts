/** Names of IP protocols that are tracked as connections (IANA protocol numbers). */
const NUMBERS = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
} as const;

type ProtocolName = keyof typeof NUMBERS;

export const PROTOCOL_NAMES = Object.keys(NUMBERS) as [ProtocolName, ...ProtocolName[]];

/** Of a name, or of what is a number already. */
export function protocolNumber(protocol: ProtocolName | number): number {
  return typeof protocol === 'number' ? protocol : NUMBERS[protocol];
}
