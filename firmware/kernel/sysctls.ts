/**
 * Network settings under /proc/sys/net (ip-sysctl.rst of the kernel) that macvlans and their
 * parents need, so that only the virtual MAC answers for a VIP and never for anything else.
 *
 * Where `conf.all` and the device disagree the kernel takes the stricter, so some values of
 * `conf.all` cannot be satisfied by any setting of a device; these are reported.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { PlanProblem } from './kernel.ts';

type Settings = Readonly<Record<string, string>>;

const MACVLAN_IPV4: Settings = {
  // Packets to a VIP come in by the macvlan although the route back is the parent's.
  rp_filter: '2',
  // Answers only for its own addresses, and asks only with them.
  arp_ignore: '1',
  arp_announce: '2',
  arp_filter: '0',
  // Deleting one address must not delete the others of its subnet.
  promote_secondaries: '1',
};

const MACVLAN_IPV6: Settings = {
  disable_ipv6: '0',
  accept_dad: '0',
  dad_transmits: '0',
  accept_ra: '0',
  router_solicitations: '0',
};

/** The real MAC never answers for a VIP. */
const PARENT_IPV4: Settings = { arp_ignore: '1', arp_announce: '2' };

/** Values of conf.all that spoil what VIPs need, whatever the device says. */
const SPOILERS: readonly {
  readonly setting: string;
  readonly spoils: (value: number) => boolean;
  readonly effect: string;
}[] = [
  {
    setting: 'ipv4/conf/all/arp_ignore',
    spoils: (value) => value > 2,
    effect: 'the kernel will not answer ARP for VIPs',
  },
  {
    setting: 'ipv4/conf/all/arp_filter',
    spoils: (value) => value !== 0,
    effect: 'the kernel will not answer ARP for VIPs',
  },
];

/** What a parent's settings were before; by setting. */
export type FormerSettings = Settings;

const ROOT = '/proc/sys/net';
const PARENT_SETTINGS = Object.keys(PARENT_IPV4);

export function hasIpv6(): boolean {
  return readSetting('ipv6/conf/all/forwarding') !== undefined;
}

/** True when the machine forwards packets of the family. */
export function forwardsPackets(family: 4 | 6): boolean {
  return readSetting(`ipv${family}/conf/all/forwarding`) === '1';
}

/** Sets up a macvlan; what was already right is not written. */
export function tuneMacvlan(name: string): PlanProblem[] {
  const settings: [string, string][] = Object.entries(MACVLAN_IPV4).map(at(`ipv4/conf/${name}`));
  if (hasIpv6()) settings.push(...Object.entries(MACVLAN_IPV6).map(at(`ipv6/conf/${name}`)));
  return settings.flatMap(([setting, value]) => write(name, setting, value));
}

/** What comes in for the virtual MAC is forwarded as what comes in for the real one. */
export function forwardAsParent(name: string, parent: string): PlanProblem[] {
  return ['ipv4', 'ipv6'].flatMap((family) => {
    const forwarding = readSetting(`${family}/conf/${parent}/forwarding`);
    return forwarding === undefined
      ? []
      : write(name, `${family}/conf/${name}/forwarding`, forwarding);
  });
}

export function readParent(device: string): FormerSettings {
  return Object.fromEntries(
    PARENT_SETTINGS.map((name) => [name, readSetting(`ipv4/conf/${device}/${name}`) ?? '0']),
  );
}

export function tuneParent(device: string): PlanProblem[] {
  return Object.entries(PARENT_IPV4)
    .map(at(`ipv4/conf/${device}`))
    .flatMap(([setting, value]) => write(device, setting, value));
}

/** Undoes `tuneParent`; a device that is gone has nothing to undo. */
export function restoreParent(device: string, former: FormerSettings): void {
  for (const [name, value] of Object.entries(former)) {
    write(device, `ipv4/conf/${device}/${name}`, value);
  }
}

/** As one word, to be kept with the macvlan: the next life of the process finds it there. */
export function formatFormer(former: FormerSettings): string {
  return Object.entries(former)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** The settings named in a text; undefined unless all are. */
export function parseFormer(text: string): FormerSettings | undefined {
  const found = [...text.matchAll(/\b([a-z_]+)=(\d+)\b/g)].map(([, name, value]) => [name, value]);
  const former = Object.fromEntries(found) as Record<string, string>;
  return PARENT_SETTINGS.every((name) => name in former) ? former : undefined;
}

/** What no setting of ours can mend. */
export function spoiledSettings(device: string): PlanProblem[] {
  return SPOILERS.flatMap(({ setting, spoils, effect }) => {
    const value = readSetting(setting);
    if (value === undefined || !spoils(Number(value))) return [];
    return [{ code: 'unsupported', device, text: `${setting} is ${value}: ${effect}` }];
  });
}

function at(directory: string): (entry: [string, string]) => [string, string] {
  return ([name, value]) => [`${directory}/${name}`, value];
}

function readSetting(setting: string): string | undefined {
  try {
    return readFileSync(`${ROOT}/${setting}`, 'latin1').trim();
  } catch {
    return undefined; // a kernel without it, or a device that is gone
  }
}

function write(device: string, setting: string, value: string): PlanProblem[] {
  const found = readSetting(setting);
  if (found === undefined || found === value) return [];
  try {
    writeFileSync(`${ROOT}/${setting}`, value);
    return [];
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    const text = `${setting} is ${found}, cannot be set to ${value}: ${code}`;
    return [{ code: 'unsupported', device, text }];
  }
}
