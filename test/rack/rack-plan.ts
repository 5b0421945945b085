// The rack's address plan, as DESIGN's example: documentation prefixes of RFC 5737 and RFC 3849 on
// the WAN, a private LAN, a sync cable. Host numbers .110-.189 stay free for the ARP asker.

export type Segment = 'lan' | 'wan' | 'sync';
export type VipSegment = 'lan' | 'wan';
export type NodeLetter = 'a' | 'b';

export const SEGMENTS: readonly Segment[] = ['lan', 'wan', 'sync'];
export const VIP_SEGMENTS: readonly VipSegment[] = ['lan', 'wan'];

export interface VipPlan {
  readonly vhid: number;
  /** IPv4 address without prefix length; the prefix is /24 everywhere. */
  readonly address: string;
}

export const VIPS: Readonly<Record<VipSegment, VipPlan>> = {
  lan: { vhid: 1, address: '192.168.1.1' },
  wan: { vhid: 200, address: '198.51.100.200' },
};

export const LAN_VIP_IPV6 = '2001:db8:1::1';

export interface NodePlan {
  readonly name: string;
  readonly role: 'primary' | 'secondary';
  readonly addresses: Readonly<Record<Segment, readonly string[]>>;
}

export const NODES: Readonly<Record<NodeLetter, NodePlan>> = {
  a: {
    name: 'office-a',
    role: 'primary',
    addresses: {
      lan: ['192.168.1.2/24', '2001:db8:1::2/64'],
      wan: ['198.51.100.201/24'],
      sync: ['172.16.1.1/30'],
    },
  },
  b: {
    name: 'office-b',
    role: 'secondary',
    addresses: {
      lan: ['192.168.1.3/24', '2001:db8:1::3/64'],
      wan: ['198.51.100.202/24'],
      sync: ['172.16.1.2/30'],
    },
  },
};

export const CLIENT = { address: '192.168.1.100', ipv6: '2001:db8:1::100' };
export const SERVER = { address: '198.51.100.100' };

/** LAN addresses for stacked aliases, in order: 192.168.1.4 to .99, then .190 to .250. */
export function aliasAddress(index: number): string {
  const host = index < 96 ? 4 + index : 190 + (index - 96);
  if (host > 250) throw new RangeError(`alias ${index}: the plan has room for 157`);
  return `192.168.1.${host}`;
}

export function otherLetter(letter: NodeLetter): NodeLetter {
  return letter === 'a' ? 'b' : 'a';
}

/** The address alone, of "192.0.2.1/24". */
export function withoutPrefix(address: string): string {
  return address.split('/')[0] ?? address;
}
