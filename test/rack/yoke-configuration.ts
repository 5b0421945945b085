// node.yaml and cluster.yaml of the rack's nodes.
import { createHash } from 'node:crypto';
import type { RackNode } from './node.ts';
import { PASSWORD } from './peers/ucarp-pair.ts';
import {
  aliasAddress,
  LAN_VIP_IPV6,
  NODES,
  type NodeSegment,
  otherLetter,
  SITE_VIPS,
  type Site,
  VIPS,
  type VipPlan,
  withoutPrefix,
} from './rack-plan.ts';

export interface YokeOptions {
  /** Default `node`. */
  readonly failover?: 'node' | 'vip';
  /** Default: CARP's own, base 1 with skew 0 and 100. */
  readonly advertise?: { base: number; skew: { primary: number; secondary: number } };
  /** Default: enabled with a delay of 1 s, so that a drill's end need not be waited for long. */
  readonly preempt?: { enabled: boolean; delay: string };
  /** Further addresses stacked on the LAN VIP, default 0. */
  readonly aliases?: number;
  /** The IPv6 VIP on the LAN, default true. CARP's digest covers it: not beside ucarp. */
  readonly ipv6?: boolean;
  /** One more address of the WAN VIP, with prefix length; default none. */
  readonly wanAlias?: string;
  /** Configure the sync cable, default true; without it there is no secret and no beat. */
  readonly sync?: boolean;
  /** As the rack was built, default `office`. */
  readonly site?: Site;
  /** Further areas of cluster.yaml, whole lines of YAML; default none. */
  readonly areas?: string;
  /** Default: not written, so beats as they are by default. `off` leaves plain CARP. */
  readonly beats?: 'normal' | 'fast' | 'off' | { readonly interval: string };
}

/** Beside node.yaml, which names it. */
export const SECRET_NAME = 'cluster.key';

/** A pair's secret as it is written in its file; another `pair` has another one. */
export function secretFile(pair = 'rack'): string {
  return `${createHash('sha256').update(pair).digest('base64')}\n`;
}

export function nodeFile(node: RackNode, options: YokeOptions): string {
  const plan = NODES[node.letter];
  const peer = withoutPrefix(NODES[otherLetter(node.letter)].addresses.sync[0] ?? '');
  const wanted = (address: string) => options.ipv6 !== false || !address.includes(':');
  const line = (segment: NodeSegment, extra = '') => {
    const addresses = list(plan.addresses[segment].filter(wanted));
    return `  ${segment}: { device: ${segment}, address: ${addresses}${extra} }`;
  };
  const lines = [line('wan'), line('lan')];
  if (options.site === 'dual-wan') lines.push(line('wan2'), line('dmz'));
  if (options.sync !== false) lines.push(line('sync', `, peer: ${peer}`));
  const secret = options.sync === false ? '' : `secret: ${SECRET_NAME}\n`;
  const interfaces = `interfaces:\n${lines.join('\n')}\n`;
  return `node: ${plan.name}\nrole: ${plan.role}\n${secret}${interfaces}`;
}

export function clusterFile(options: YokeOptions): string {
  const { base, skew } = options.advertise ?? { base: 1, skew: { primary: 0, secondary: 100 } };
  const { enabled, delay } = options.preempt ?? { enabled: true, delay: '1s' };
  const aliases = Array.from({ length: options.aliases ?? 0 }, (_, i) => `${aliasAddress(i)}/24`);
  if (options.ipv6 !== false) aliases.push(`${LAN_VIP_IPV6}/64`);
  const vip = (segment: NodeSegment, { vhid, address }: VipPlan, extra = '') =>
    `  - { name: ${segment}, interface: ${segment}, vhid: ${vhid}, ` +
    `address: ${address}/24, password: ${PASSWORD}${extra} }`;
  const wanAlias = options.wanAlias === undefined ? '' : `, aliases: ${list([options.wanAlias])}`;
  const lanAliases = aliases.length === 0 ? '' : `, aliases: ${list(aliases)}`;
  const vips = [vip('wan', VIPS.wan, wanAlias), vip('lan', VIPS.lan, lanAliases)];
  if (options.site === 'dual-wan') {
    vips.push(vip('wan2', SITE_VIPS.wan2), vip('dmz', SITE_VIPS.dmz));
  }
  return `cluster: rack
failover: ${options.failover ?? 'node'}
preempt: { enabled: ${enabled}, delay: ${delay}, flaps: { changes: 0 } }
advertise: { base: ${base}, skew: { primary: ${skew.primary}, secondary: ${skew.secondary} } }
${beatsLine(options)}vips:
${vips.join('\n')}
${options.areas ?? ''}`;
}

function beatsLine({ beats }: YokeOptions): string {
  if (beats === undefined) return '';
  return `beats: ${typeof beats === 'string' ? beats : `{ interval: ${beats.interval} }`}\n`;
}

/** Quoted: in YAML's flow style a bare IPv6 address could be read as a mapping. */
function list(items: readonly string[]): string {
  return `[${items.map((item) => `"${item}"`).join(', ')}]`;
}
