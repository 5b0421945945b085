// One of the rack's two gateways: a station on LAN, WAN and sync cable that forwards, with the
// directories a node's daemons need. `config` and `state` survive a power loss, `runtime` does not.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Namespace } from './namespace.ts';
import {
  NODES,
  type NodeLetter,
  type NodePlan,
  type NodeSegment,
  type Segment,
  withoutPrefix,
} from './rack-plan.ts';
import { Station, type StationPlan } from './station.ts';
import type { Switches } from './switches.ts';

const FIREWALL = new URL('./peers/stateful-firewall.nft', import.meta.url).pathname;

/** `none` routes; `snat` adds the stateful rule set with source NAT to the WAN VIP. */
export type Firewall = 'none' | 'snat';

export interface NodeDirectories {
  readonly config: string;
  readonly state: string;
  readonly runtime: string;
}

interface NodeOptions {
  readonly directory: string;
  readonly firewall: Firewall;
  /** Those of the rack; the node is on all of them that are in its plan. */
  readonly segments: readonly Segment[];
}

export class RackNode extends Station {
  readonly letter: NodeLetter;
  readonly role: NodePlan['role'];
  readonly directories: NodeDirectories;
  private readonly firewall: Firewall;

  private constructor(
    letter: NodeLetter,
    plan: StationPlan,
    switches: Switches,
    namespace: Namespace,
    options: NodeOptions,
  ) {
    super(plan, switches, namespace);
    this.letter = letter;
    this.role = NODES[letter].role;
    this.firewall = options.firewall;
    this.directories = {
      config: join(options.directory, letter, 'config'),
      state: join(options.directory, letter, 'state'),
      runtime: join(options.directory, letter, 'run'),
    };
    for (const path of Object.values(this.directories)) mkdirSync(path, { recursive: true });
  }

  static async buildNode(
    letter: NodeLetter,
    rackName: string,
    switches: Switches,
    options: NodeOptions,
  ): Promise<RackNode> {
    const plan: StationPlan = {
      name: letter,
      namespaceName: `${rackName}-${letter}`,
      number: letter === 'a' ? 0x0a : 0x0b,
      addresses: addressesOn(letter, options.segments),
      forwards: true,
    };
    const namespace = await Namespace.create(plan.namespaceName);
    const node = new RackNode(letter, plan, switches, namespace, options);
    await node.furnish();
    return node;
  }

  /** The node's own IPv4 address on a segment. */
  address(segment: NodeSegment): string {
    return withoutPrefix(NODES[this.letter].addresses[segment][0] ?? '');
  }

  /** After a power loss: an empty kernel, an empty runtime directory, links as they were. */
  async reboot(): Promise<void> {
    rmSync(this.directories.runtime, { recursive: true, force: true });
    mkdirSync(this.directories.runtime, { recursive: true });
    await this.replace();
  }

  protected override async furnish(): Promise<void> {
    await super.furnish();
    if (this.firewall === 'snat') await this.namespace.run('nft', ['-f', FIREWALL]);
  }
}

function addressesOn(letter: NodeLetter, segments: readonly Segment[]): StationPlan['addresses'] {
  const entries = Object.entries(NODES[letter].addresses);
  return Object.fromEntries(entries.filter(([name]) => segments.includes(name as Segment)));
}
