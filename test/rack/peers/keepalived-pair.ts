// keepalived, the usual VRRP daemon (RFC 5798), in four profiles: what a default installation does
// (advertisements each second, VIPs on the interface's own MAC) and three that a knowledgeable
// person would tune (virtual MAC, real-time priority, repeated gratuitous ARP, no preemption), down
// to the shortest interval VRRPv3 has. LAN and WAN move together by a sync group. Where conntrackd
// is installed it runs beside keepalived, told of each change of state, as it does on gateways.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RackNode } from '../node.ts';
import type { GroupState, PairKind, Speaker } from '../pair-kind.ts';
import { VIP_SEGMENTS, VIPS, type VipSegment } from '../rack-plan.ts';
import type { RackProcess } from '../rack-process.ts';
import type { Station } from '../station.ts';
import { Conntrackd } from './conntrackd.ts';

export interface KeepalivedProfile {
  readonly name: string;
  readonly advertSeconds: number;
  readonly tuned: boolean;
}

type ProfileName = 'default' | 'tuned' | 'fast' | 'fastest';

export const KEEPALIVED: Readonly<Record<ProfileName, KeepalivedProfile>> = {
  default: { name: 'keepalived 1 s', advertSeconds: 1, tuned: false },
  tuned: { name: 'keepalived 100 ms', advertSeconds: 0.1, tuned: true },
  fast: { name: 'keepalived 20 ms', advertSeconds: 0.02, tuned: true },
  fastest: { name: 'keepalived 10 ms', advertSeconds: 0.01, tuned: true },
};

const PID_FILES = ['keepalived.pid', 'vrrp.pid'] as const;

const TUNED_GLOBALS = `
  vrrp_rt_priority 50
  vrrp_no_swap
  vrrp_rlimit_rttime 2000000
  vrrp_garp_master_delay 1
  vrrp_garp_master_repeat 3
  vrrp_garp_master_refresh 10
  vrrp_garp_master_refresh_repeat 1`;

export class KeepalivedPair implements PairKind {
  readonly name: string;
  readonly preempts: boolean;
  private readonly profile: KeepalivedProfile;

  constructor(profile: KeepalivedProfile = KEEPALIVED.default) {
    this.preempts = !profile.tuned;
    this.name = profile.name;
    this.profile = profile;
  }

  async start(node: RackNode): Promise<Speaker> {
    // Without it neighbours learn the VIP beside the real MAC.
    await node.namespace.sysctl({ 'net.ipv4.conf.all.arp_announce': 2 });
    const flows = Conntrackd.installed
      ? await Conntrackd.start(node, { direct: this.profile.tuned })
      : undefined;
    return new KeepalivedSpeaker(node, this.profile, flows);
  }
}

class KeepalivedSpeaker implements Speaker {
  readonly node: RackNode;
  private readonly profile: KeepalivedProfile;
  private readonly flows: Conntrackd | undefined;
  private process: RackProcess;
  private said = new Map<string, GroupState>();
  private promoted = 0;

  constructor(node: RackNode, profile: KeepalivedProfile, flows: Conntrackd | undefined) {
    this.node = node;
    this.profile = profile;
    this.flows = flows;
    this.process = this.begin();
  }

  async states(): Promise<Record<VipSegment, GroupState>> {
    return { lan: this.said.get('LAN') ?? 'INIT', wan: this.said.get('WAN') ?? 'INIT' };
  }

  async flaws(): Promise<readonly string[]> {
    return [];
  }

  async promotions(): Promise<number> {
    return this.promoted;
  }

  /** The tuned profile leaves by its maintenance file, the default one by being stopped. */
  async handover(): Promise<void> {
    if (this.profile.tuned) writeFileSync(this.maintenanceFile, '1\n');
    else await this.process.stop();
  }

  async release(): Promise<void> {
    if (this.profile.tuned) writeFileSync(this.maintenanceFile, '0\n');
    else this.process = this.begin();
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await this.flows?.stop();
  }

  log(): string[] {
    return this.process.said;
  }

  private get maintenanceFile(): string {
    return join(this.node.directories.runtime, 'maintenance');
  }

  private begin(): RackProcess {
    writeFileSync(this.maintenanceFile, '0\n');
    const { runtime } = this.node.directories;
    const process = startKeepalived(this.node, runtime, this.configuration());
    const said = new Map<string, GroupState>();
    this.said = said;
    process.onLine((line) => {
      const entry = entryOf(line);
      if (entry === undefined) return;
      said.set(entry.instance, entry.state);
      if (entry.instance === 'LAN' && entry.state === 'MASTER') this.promoted += 1;
    });
    return process;
  }

  private configuration(): string {
    const { tuned } = this.profile;
    const track = `track_file maintenance {\n  file ${this.maintenanceFile}\n  init_file 0\n}`;
    return `
global_defs {
  router_id ${this.node.name}
  dynamic_interfaces
  script_user root
  vrrp_version 3${tuned ? TUNED_GLOBALS : ''}
}
${tuned ? track : ''}
vrrp_sync_group GATEWAY {
  group {
    LAN
    WAN
  }
  ${tuned ? 'track_file {\n    maintenance weight 0\n  }' : ''}
${this.flows?.notifications ?? ''}}
${VIP_SEGMENTS.map((segment) => this.instance(segment)).join('\n')}`;
  }

  private instance(segment: VipSegment): string {
    const { tuned, advertSeconds } = this.profile;
    return vrrpInstance({
      name: segment.toUpperCase(),
      device: segment,
      id: VIPS[segment].vhid,
      priority: this.node.role === 'primary' ? 150 : 100,
      advertSeconds,
      address: `${VIPS[segment].address}${tuned ? '/32' : '/24'}`,
      extra: tuned ? `nopreempt\n  use_vmac ${segment}v` : '',
    });
  }
}

export interface VrrpInstance {
  readonly name: string;
  readonly device: string;
  readonly id: number;
  readonly priority: number;
  readonly advertSeconds: number;
  readonly address: string;
  readonly extra?: string;
}

export function vrrpInstance(instance: VrrpInstance): string {
  return `vrrp_instance ${instance.name} {
  state BACKUP
  interface ${instance.device}
  virtual_router_id ${instance.id}
  priority ${instance.priority}
  advert_int ${instance.advertSeconds}
  ${instance.extra ?? ''}
  virtual_ipaddress {
    ${instance.address}
  }
}
`;
}

function startKeepalived(station: Station, directory: string, configuration: string): RackProcess {
  const file = (name: string) => join(directory, name);
  writeFileSync(file('keepalived.conf'), configuration);
  // Those of one that was killed name a process that may be another by now.
  for (const name of PID_FILES) rmSync(file(name), { force: true });
  return station.namespace.start(`keepalived on ${station.name}`, 'keepalived', [
    '--vrrp',
    '--dont-fork',
    '--log-console',
    '--log-detail',
    `--use-file=${file('keepalived.conf')}`,
    `--pid=${file(PID_FILES[0])}`,
    `--vrrp_pid=${file(PID_FILES[1])}`,
  ]);
}

/** A VRRP router alone on its station: the neighbour whose packets share CARP's protocol number. */
export async function startVrrpNeighbour(
  station: Station,
  directory: string,
  instance: Omit<VrrpInstance, 'name' | 'device'>,
): Promise<RackProcess> {
  const globals = 'global_defs {\n  vrrp_version 3\n  script_user root\n}\n';
  const whole = globals + vrrpInstance({ ...instance, name: 'NEIGHBOUR', device: 'lan' });
  const process = startKeepalived(station, directory, whole);
  const isMaster = (line: string) => (entryOf(line)?.state === 'MASTER' ? true : undefined);
  await process.nextLine(isMaster, 30_000);
  return process;
}

/** What keepalived says when an instance enters a state; FAULT is no state of a group here. */
function entryOf(line: string): { instance: string; state: GroupState } | undefined {
  const match = /\((\w+)\) Entering (\w+) STATE/.exec(line);
  if (match === null) return undefined;
  const [, instance = '', word] = match;
  return { instance, state: word === 'MASTER' || word === 'BACKUP' ? word : 'INIT' };
}
