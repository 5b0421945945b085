// The rack: a pair of gateways with everything around them, in network namespaces on one machine.
//
//            client .100                                                server .100
//                │                                                          │
//        ┌───────┴───────────── LAN switch ──┐        ┌── WAN switch ───────┴──────┐
//        │ 192.168.1.0/24, VIP .1 (vhid 1)   │        │ 198.51.100.0/24, VIP .200  │
//        │ 2001:db8:1::/64                   │        │ (vhid 200)                 │
//        └──────┬───────────────────┬────────┘        └──────┬──────────────┬──────┘
//               │lan .2             │lan .3                  │wan .201      │wan .202
//               │        ┌──────────┼────────────────────────┘              │
//             ┌─┴────────┴─┐      ┌─┴──────────┐                            │
//             │ a  primary │      │ b secondary├────────────────────────────┘
//             └─────┬──────┘      └──────┬─────┘
//                   │sync 172.16.1.1     │sync 172.16.1.2
//                   └──── sync cable ────┘
//
// The client's default route is the LAN VIP, the server's route to the LAN is the WAN VIP: traffic
// passes whoever holds them. With two providers and a DMZ: dual-wan.ts. Every station is a
// namespace yk<pid>-<n>-<station>; switches and sync cable are bridges in yk<pid>-<n>-net. A rack
// is removed by `remove`, by the end of its process however it comes, and at the latest by the next
// rack that is built.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArpWatch } from './arp-watch.ts';
import { DualWan } from './dual-wan.ts';
import { Namespace } from './namespace.ts';
import { type Firewall, RackNode } from './node.ts';
import {
  CLIENT,
  type NodeLetter,
  SEGMENTS,
  SERVER,
  type Segment,
  type Site,
  VIPS,
} from './rack-plan.ts';
import { Station, type StationPlan } from './station.ts';
import { Switches } from './switches.ts';

export interface RackOptions {
  /** Default `none`: plain routing, so that TCP survives without replicated connection state. */
  readonly firewall?: Firewall;
  /** Default `office`: what the drawing shows. */
  readonly site?: Site;
}

interface RackParts {
  readonly switches: Switches;
  readonly a: RackNode;
  readonly b: RackNode;
  readonly client: Station;
  readonly server: Station;
  readonly dualWan: DualWan | undefined;
}

const NAME = /^yk(\d+)-\d+/;
const standing = new Set<Rack>();

export class Rack {
  readonly name: string;
  readonly directory: string;
  readonly switches: Switches;
  readonly nodes: Readonly<Record<NodeLetter, RackNode>>;
  readonly client: Station;
  readonly server: Station;
  private readonly outside: DualWan | undefined;
  private extraStations = 0;

  private constructor(place: { name: string; directory: string }, parts: RackParts) {
    this.name = place.name;
    this.directory = place.directory;
    this.switches = parts.switches;
    this.nodes = { a: parts.a, b: parts.b };
    this.client = parts.client;
    this.server = parts.server;
    this.outside = parts.dualWan;
  }

  static async build(options: RackOptions = {}): Promise<Rack> {
    Rack.sweep();
    removeAtTheEnd();
    const place = claimPlace();
    try {
      const site = options.site ?? 'office';
      const segments = SEGMENTS[site];
      const net = await Namespace.create(`${place.name}-net`);
      const switches = await Switches.build(net, segments);
      const { firewall = 'none' } = options;
      const nodeOptions = { directory: place.directory, firewall, segments };
      const a = await RackNode.buildNode('a', place.name, switches, nodeOptions);
      const b = await RackNode.buildNode('b', place.name, switches, nodeOptions);
      const client = await Station.build(clientPlan(place.name), switches);
      const server = await Station.build(serverPlan(place.name), switches);
      const dualWan = site === 'dual-wan' ? await DualWan.build(place.name, switches) : undefined;
      const rack = new Rack(place, { switches, a, b, client, server, dualWan });
      standing.add(rack);
      return rack;
    } catch (error) {
      removePlace(place);
      throw error;
    }
  }

  /** The providers and what is behind them; only in a rack of the site `dual-wan`. */
  get dualWan(): DualWan {
    if (this.outside === undefined) throw new Error('this rack was not built with dual-wan');
    return this.outside;
  }

  /** Removes what racks of dead processes left behind. */
  static sweep(): void {
    const left = new Set(Namespace.names().map((name) => NAME.exec(name)?.[0]));
    for (const name of left) {
      if (name === undefined || ownerLives(name)) continue;
      removePlace({ name, directory: directoryOf(name) });
    }
  }

  /** One more machine, for example a neighbour that speaks CARP or VRRP, or an attacker. */
  addStation(address: string, segment: Segment = 'lan'): Promise<Station> {
    this.extraStations += 1;
    const name = `x${this.extraStations}`;
    return Station.build(
      {
        name,
        namespaceName: `${this.name}-${name}`,
        number: 0x20 + this.extraStations,
        addresses: { [segment]: [address] },
      },
      this.switches,
    );
  }

  watchArp(): Promise<ArpWatch> {
    return ArpWatch.start(this.switches.namespace);
  }

  /** Kills every process of the rack and removes every namespace and file. Idempotent. */
  remove(): void {
    standing.delete(this);
    removePlace(this);
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

function clientPlan(rackName: string): StationPlan {
  return {
    name: 'client',
    namespaceName: `${rackName}-client`,
    number: 0x10,
    addresses: { lan: [`${CLIENT.address}/24`, `${CLIENT.ipv6}/64`] },
    routes: [`default via ${VIPS.lan.address}`],
  };
}

function serverPlan(rackName: string): StationPlan {
  return {
    name: 'server',
    namespaceName: `${rackName}-server`,
    number: 0x11,
    addresses: { wan: [`${SERVER.address}/24`] },
    routes: [`192.168.1.0/24 via ${VIPS.wan.address}`],
  };
}

function directoryOf(name: string): string {
  return join(tmpdir(), name);
}

/** Takes the first free name of this process; making the directory is the claim. */
function claimPlace(): { name: string; directory: string } {
  for (let number = 1; ; number += 1) {
    const name = `yk${process.pid}-${number}`;
    const directory = directoryOf(name);
    if (existsSync(directory)) continue;
    mkdirSync(directory);
    writeFileSync(join(directory, 'owner'), startOf(process.pid) ?? '');
    return { name, directory };
  }
}

/** When a process started, in clock ticks since boot (proc(5), stat field 22); tells reused ids. */
function startOf(pid: number | string): string | undefined {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function ownerLives(name: string): boolean {
  const start = startOf(NAME.exec(name)?.[1] ?? '');
  const owner = join(directoryOf(name), 'owner');
  if (start === undefined) return false;
  return !existsSync(owner) || readFileSync(owner, 'utf8') === start;
}

function removePlace(place: { readonly name: string; readonly directory: string }): void {
  for (const name of Namespace.names()) {
    if (name.startsWith(`${place.name}-`)) Namespace.removeNow(name);
  }
  rmSync(place.directory, { recursive: true, force: true });
}

function removeAll(): void {
  for (const rack of [...standing]) rack.remove();
}

let watchesTheEnd = false;

function removeAtTheEnd(): void {
  if (watchesTheEnd) return;
  watchesTheEnd = true;
  process.once('exit', removeAll);
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.once(signal, () => process.exit(128 + number));
  }
}
