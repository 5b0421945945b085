/** The pair that most simulations are about: a small office with a WAN and a LAN address. */
import { createHash } from 'node:crypto';
import { beatPace } from '../../firmware/core/configuration/beat-pace.ts';
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
  /** Between two beats; undefined for a pair that speaks CARP only. */
  readonly beatMilliseconds: number | undefined;
  /** Changes of MASTER that are too many, see FlapRule; 0 for never. */
  readonly flapChanges: number;
  /** What the beats are sealed with; another one makes a stranger. */
  readonly key: number;
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
  beatMilliseconds: undefined,
  flapChanges: 4,
  key: 1,
};

const PASSWORD = new TextEncoder().encode('labsecret');

const cidr = (text: string): { address: string; prefix: number } => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
};

export type BoxName = Role | 'tertiary' | 'stranger';

/** Last part of the real addresses of each box on each segment: the secondary's are the higher. */
const HOSTS: Readonly<Record<BoxName, Readonly<Record<'wan' | 'lan' | 'sync', number>>>> = {
  primary: { wan: 201, lan: 2, sync: 1 },
  secondary: { wan: 202, lan: 3, sync: 2 },
  tertiary: { wan: 203, lan: 4, sync: 3 },
  stranger: { wan: 204, lan: 5, sync: 4 },
};

function addresses(box: BoxName, place: string): string[] {
  const { wan, lan, sync } = HOSTS[box];
  if (place === 'wan') return [`198.51.100.${wan}/24`];
  if (place === 'lan') return [`192.168.1.${lan}/24`, `2001:db8:1::${lan}/64`];
  return [`172.16.1.${sync}/29`];
}

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
  /** Default: the box of that role. A third one is another secondary. */
  readonly box?: BoxName;
  readonly pair: PairPlan;
  readonly vips: readonly VipPlan[];
}

export function nodeConfiguration({ role, box = role, pair, vips }: NodePlan): PairConfiguration {
  const beats = pairBeats(pair);
  const interfaces = ['wan', 'lan', 'sync'].map((name, index): InterfaceConfiguration => {
    const own = addresses(box, name).map(cidr);
    const [peer] = addresses(role === 'primary' ? 'secondary' : 'primary', name).map(cidr);
    const hasPeer = name === 'sync' && beats !== undefined;
    const peerAddress = hasPeer ? peer?.address : undefined;
    return {
      name,
      device: `eth${index}`,
      addresses: own,
      gateway: undefined,
      peer: peerAddress,
    };
  });
  return {
    node: box,
    role,
    board: undefined,
    cluster: 'simulated',
    interfaces,
    failover: pair.failover,
    preempt: {
      enabled: pair.preempt,
      delay: seconds(pair.delaySeconds),
      flaps: { changes: pair.flapChanges, hold: seconds(60) },
    },
    linkDebounce: milliseconds(pair.debounceMilliseconds),
    vips: vips.map((vip) => vipConfiguration(vip, box, pair)),
    beats,
    beatKey: beats && new Uint8Array(32).fill(pair.key),
    lacksSecret: false,
    clusterHash: createHash('sha256')
      .update(JSON.stringify([pair.failover, vips]))
      .digest('hex')
      .slice(0, 16),
  };
}

/** As the real configuration has them. */
export function pairBeats({ beatMilliseconds, failover }: PairPlan): PairConfiguration['beats'] {
  if (beatMilliseconds === undefined) return undefined;
  return beatPace({ beats: { interval: `${beatMilliseconds}ms` }, failover });
}

/** Beyond the secondary's. */
export const TERTIARY_SKEW = 50;

function vipConfiguration(vip: VipPlan, box: BoxName, pair: PairPlan): VipConfiguration {
  const skew = vip.skew ?? pair.skew;
  const role = box === 'primary' ? 'primary' : 'secondary';
  const password = vip.password === undefined ? PASSWORD : new TextEncoder().encode(vip.password);
  return {
    name: vip.name,
    interface: vip.interface,
    vhid: vip.vhid,
    addresses: vip.addresses.map(cidr),
    password: pair.key === PLAIN_PAIR.key ? password : password.map((byte) => byte + pair.key),
    advbase: pair.base,
    advskew: skew[role] + (box === 'tertiary' ? TERTIARY_SKEW : 0),
    peerAdvskew: skew[role === 'primary' ? 'secondary' : 'primary'],
    peer: undefined,
    ties: pair.ties,
  };
}
