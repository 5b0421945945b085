/** The pair that most simulations are about: a small office with a WAN and a LAN address. */
import type {
  FailoverMode,
  InterfaceConfiguration,
  PairConfiguration,
  Role,
  VipConfiguration,
} from '../../firmware/core/configuration/pair-configuration.ts';
import { milliseconds, seconds } from '../../firmware/core/time.ts';
import { parseCidr } from '../../firmware/wire/ip-address.ts';

export interface PairPlan {
  readonly failover: FailoverMode;
  readonly preempt: boolean;
  readonly delaySeconds: number;
  readonly debounceMilliseconds: number;
  readonly base: number;
  readonly skew: Readonly<Record<Role, number>>;
  /** The LAN has IPv6 as well. */
  readonly dualStack: boolean;
  /** The WAN VIP prefers the secondary. */
  readonly split: boolean;
  readonly ties: 'yoke' | 'bsd';
}

export const PLAIN_PAIR: PairPlan = {
  failover: 'node',
  preempt: true,
  delaySeconds: 10,
  debounceMilliseconds: 1_000,
  base: 1,
  skew: { primary: 0, secondary: 100 },
  dualStack: false,
  split: false,
  ties: 'yoke',
};

const PASSWORD = new TextEncoder().encode('labsecret');

const cidr = (text: string): { address: string; prefix: number } => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
};

/** Real addresses by role: the secondary's are the higher ones. */
const ADDRESSES: Readonly<Record<Role, Readonly<Record<string, readonly string[]>>>> = {
  primary: {
    wan: ['198.51.100.201/24'],
    lan: ['192.168.1.2/24', '2001:db8:1::2/64'],
    sync: ['172.16.1.1/30'],
  },
  secondary: {
    wan: ['198.51.100.202/24'],
    lan: ['192.168.1.3/24', '2001:db8:1::3/64'],
    sync: ['172.16.1.2/30'],
  },
};

export interface VipPlan {
  readonly name: string;
  readonly interface: string;
  readonly vhid: number;
  readonly addresses: readonly string[];
  readonly skew?: Readonly<Record<Role, number>>;
  readonly password?: string;
}

export function pairVips(plan: PairPlan): VipPlan[] {
  const { primary, secondary } = plan.skew;
  const swapped = { primary: secondary, secondary: primary };
  const lan = plan.dualStack ? ['192.168.1.1/24', '2001:db8:1::1/64'] : ['192.168.1.1/24'];
  const wan = { name: 'wan', interface: 'wan', vhid: 200, addresses: ['198.51.100.200/24'] };
  return [
    plan.split ? { ...wan, skew: swapped } : wan,
    { name: 'lan', interface: 'lan', vhid: 1, addresses: lan },
  ];
}

export interface NodePlan {
  readonly role: Role;
  readonly pair: PairPlan;
  readonly vips: readonly VipPlan[];
}

export function nodeConfiguration({ role, pair, vips }: NodePlan): PairConfiguration {
  const interfaces = ['wan', 'lan', 'sync'].map((name, index): InterfaceConfiguration => {
    const addresses = (ADDRESSES[role][name] ?? []).map(cidr);
    return { name, device: `eth${index}`, addresses, gateway: undefined, peer: undefined };
  });
  return {
    node: role,
    role,
    board: undefined,
    cluster: 'simulated',
    interfaces,
    failover: pair.failover,
    preempt: { enabled: pair.preempt, delay: seconds(pair.delaySeconds) },
    linkDebounce: milliseconds(pair.debounceMilliseconds),
    vips: vips.map((vip) => vipConfiguration(vip, role, pair)),
  };
}

function vipConfiguration(vip: VipPlan, role: Role, pair: PairPlan): VipConfiguration {
  const skew = vip.skew ?? pair.skew;
  return {
    name: vip.name,
    interface: vip.interface,
    vhid: vip.vhid,
    addresses: vip.addresses.map(cidr),
    password: vip.password === undefined ? PASSWORD : new TextEncoder().encode(vip.password),
    advbase: pair.base,
    advskew: skew[role],
    peerAdvskew: skew[role === 'primary' ? 'secondary' : 'primary'],
    peer: undefined,
    ties: pair.ties,
  };
}
