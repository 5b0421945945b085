// ucarp, the classical userspace CARP: one process per side and no link between them, the VIP on
// the interface's own MAC, scripts that add and remove the address.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RackNode } from '../node.ts';
import type { GroupState, PairKind, Speaker } from '../pair-kind.ts';
import { VIP_SEGMENTS, VIPS, type VipSegment, withoutPrefix } from '../rack-plan.ts';
import type { RackProcess } from '../rack-process.ts';
import type { Station } from '../station.ts';

export const PASSWORD = 'labsecret';

export interface UcarpGroup {
  readonly device: string;
  readonly source: string;
  readonly vhid: number;
  readonly address: string;
  /** Seconds between advertisements, default 1. */
  readonly advbase?: number;
  readonly advskew: number;
  readonly preempt?: boolean;
  readonly password?: string;
  readonly directory: string;
}

/** One ucarp process; on any station, so that it can also be a neighbour with another VHID. */
export function startUcarp(station: Station, group: UcarpGroup): RackProcess {
  const script = (verb: 'add' | 'del') => {
    const path = join(group.directory, `${verb}-${group.device}-${group.vhid}`);
    writeFileSync(path, `#!/bin/sh\nip addr ${verb} ${group.address}/24 dev ${group.device}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  return station.namespace.start(`ucarp ${group.vhid} on ${station.name}`, 'ucarp', [
    `--interface=${group.device}`,
    `--srcip=${group.source}`,
    `--vhid=${group.vhid}`,
    `--pass=${group.password ?? PASSWORD}`,
    `--addr=${group.address}`,
    `--advbase=${group.advbase ?? 1}`,
    `--advskew=${group.advskew}`,
    `--upscript=${script('add')}`,
    `--downscript=${script('del')}`,
    '--shutdown',
    '--facility=none',
    ...(group.preempt ? ['--preempt'] : []),
  ]);
}

export interface UcarpOptions {
  readonly preempt?: boolean;
  /** Default: 0 on the primary, 100 on the secondary. */
  readonly advskew?: number;
}

export class UcarpPair implements PairKind {
  readonly name = 'ucarp';
  readonly preempts: boolean;
  private readonly options: UcarpOptions;

  constructor(options: UcarpOptions = {}) {
    this.preempts = options.preempt ?? false;
    this.options = options;
  }

  async start(node: RackNode): Promise<Speaker> {
    return new UcarpSpeaker(node, this.options);
  }
}

class UcarpSpeaker implements Speaker {
  readonly node: RackNode;
  private readonly options: UcarpOptions;
  private processes: Record<VipSegment, RackProcess>;
  private promoted = 0;

  constructor(node: RackNode, options: UcarpOptions) {
    this.node = node;
    this.options = options;
    this.processes = this.begin();
  }

  async states(): Promise<Record<VipSegment, GroupState>> {
    return { lan: lastState(this.processes.lan), wan: lastState(this.processes.wan) };
  }

  async flaws(): Promise<readonly string[]> {
    return [];
  }

  async promotions(): Promise<number> {
    return this.promoted;
  }

  // ucarp knows no maintenance: an operator stops it.
  async handover(): Promise<void> {
    await this.stop();
  }

  async release(): Promise<void> {
    this.processes = this.begin();
  }

  async stop(): Promise<void> {
    await Promise.all(VIP_SEGMENTS.map((segment) => this.processes[segment].stop()));
  }

  log(): string[] {
    return VIP_SEGMENTS.flatMap((segment) => this.processes[segment].said);
  }

  private begin(): Record<VipSegment, RackProcess> {
    const start = (segment: VipSegment) =>
      startUcarp(this.node, {
        device: segment,
        source: this.node.address(segment),
        vhid: VIPS[segment].vhid,
        address: withoutPrefix(VIPS[segment].address),
        advskew: this.options.advskew ?? (this.node.role === 'primary' ? 0 : 100),
        preempt: this.options.preempt ?? false,
        directory: this.node.directories.runtime,
      });
    const processes = { lan: start('lan'), wan: start('wan') };
    processes.lan.onLine((line) => {
      if (line.includes('Switching to state: MASTER')) this.promoted += 1;
    });
    return processes;
  }
}

function lastState(process: RackProcess): GroupState {
  const line = process.said.findLast((text) => text.includes('Switching to state: '));
  const state = line?.split('Switching to state: ')[1]?.trim();
  return state === 'MASTER' || state === 'BACKUP' ? state : 'INIT';
}
