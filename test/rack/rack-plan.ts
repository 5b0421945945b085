// The rack's address plan, as DESIGN's example: documentation prefixes of RFC 5737 and RFC 3849 on
// the WAN, a private LAN, a sync cable. Host numbers .110-.189 stay free for the ARP asker.

/** `wan2`, `dmz` and `internet` exist in a rack of the site `dual-wan` only. */
export type Segment = 'lan' | 'wan' | 'sync' | 'wan2' | 'dmz' | 'internet';
export type VipSegment = 'lan' | 'wan';
export type NodeLetter = 'a' | 'b';

/** Segments the nodes are on. */
export type NodeSegment = Exclude<Segment, 'internet'>;

/** `office`: one WAN and a LAN. `dual-wan`: two providers and a DMZ besides, see dual-wan.ts. */
export type Site = 'office' | 'dual-wan';

export const SEGMENTS: Readonly<Record<Site, readonly Segment[]>> = {
  office: ['lan', 'wan', 'sync'],
  'dual-wan': ['lan', 'wan', 'sync', 'wan2', 'dmz', 'internet'],
};
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

/** Further VIPs of the site `dual-wan`. */
export const SITE_VIPS: Readonly<Record<'wan2' | 'dmz', VipPlan>> = {
  wan2: { vhid: 210, address: '203.0.113.200' },
  dmz: { vhid: 3, address: '192.168.3.1' },
};

export const LAN_VIP_IPV6 = '2001:db8:1::1';

export interface NodePlan {
  readonly name: string;
  readonly role: 'primary' | 'secondary';
  readonly addresses: Readonly<Record<NodeSegment, readonly string[]>>;
}

export const NODES: Readonly<Record<NodeLetter, NodePlan>> = {
  a: {
    name: 'office-a',
    role: 'primary',
    addresses: {
      lan: ['192.168.1.2/24', '2001:db8:1::2/64'],
      wan: ['198.51.100.201/24'],
      sync: ['172.16.1.1/30'],
      wan2: ['203.0.113.201/24'],
      dmz: ['192.168.3.2/24'],
    },
  },
  b: {
    name: 'office-b',
    role: 'secondary',
    addresses: {
      lan: ['192.168.1.3/24', '2001:db8:1::3/64'],
      wan: ['198.51.100.202/24'],
      sync: ['172.16.1.2/30'],
      wan2: ['203.0.113.202/24'],
      dmz: ['192.168.3.3/24'],
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
