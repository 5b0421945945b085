// The switches of all segments and the sync cable: Linux bridges in one namespace, so that one
// nftables transaction can silence a station on all of them at once. The sync cable is a
// bridge with two ports because a plain veth pair cannot be unplugged: only a port that is shut on
// this side takes the carrier away from both nodes, as a pulled cable does.
//
// Ports are named SEGMENT.STATION. Bridges learn and flood like dumb switches: no spanning tree, no
// multicast snooping.
import type { Namespace } from './namespace.ts';
import type { Segment } from './rack-plan.ts';

const RULES = `
table bridge rack {
  set silent { type ifname; }
  chain lose_in { }
  chain lose_out { }
  chain cross {
    type filter hook forward priority 0
  }
  chain arrive {
    type filter hook prerouting priority -300
    iifname @silent drop
    jump lose_in
  }
  chain leave {
    type filter hook postrouting priority 300
    oifname @silent drop
    jump lose_out
  }
}
`;

/** One place where a cable ends. */
export interface Port {
  readonly segment: Segment;
  readonly station: string;
}

/** Frames a switch keeps from one port to another: all, or what CARP sends (IP protocol 112). */
export type Blocked = 'all' | 'CARP';

/** One way through a switch. */
export interface Way {
  readonly from: Port;
  readonly to: Port;
}

export function portName(port: Port): string {
  return `${port.segment}.${port.station}`;
}

export class Switches {
  readonly namespace: Namespace;
  private readonly losses = new Map<string, number>();
  private readonly blocks = new Map<string, Blocked>();

  private constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  static async build(namespace: Namespace, segments: readonly Segment[]): Promise<Switches> {
    await namespace.sysctl({ 'net.ipv6.conf.default.disable_ipv6': 1 });
    await namespace.ip(
      ...segments.flatMap((name) => [
        `link add ${name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
        `link set ${name} up`,
      ]),
    );
    await namespace.nft(RULES);
    return new Switches(namespace);
  }

  /** Lays a cable from the port to a new interface, named like the segment, inside `station`. */
  async connect(port: Port, station: Namespace, mac: string): Promise<void> {
    const name = portName(port);
    const far = `name ${port.segment} address ${mac} netns ${station.name}`;
    await this.namespace.ip(
      `link add ${name} type veth peer ${far}`,
      `link set ${name} master ${port.segment}`,
      `link set ${name} up`,
    );
  }

  /** Takes the carrier away from the stations at these ports. */
  async pull(...ports: Port[]): Promise<void> {
    await this.namespace.ip(...ports.map((port) => `link set ${portName(port)} down`));
  }

  async plug(...ports: Port[]): Promise<void> {
    await this.namespace.ip(...ports.map((port) => `link set ${portName(port)} up`));
  }

  /** From one instant on, nothing passes these ports in either direction; carriers stay. */
  async silence(ports: readonly Port[]): Promise<void> {
    await this.namespace.nft(`add element bridge rack silent { ${elements(ports)} }\n`);
  }

  async unsilence(ports: readonly Port[]): Promise<void> {
    // Adding first makes the deletion valid when a port was not silent; it is one transaction.
    const set = `element bridge rack silent { ${elements(ports)} }`;
    await this.namespace.nft(`add ${set}\ndelete ${set}\n`);
  }

  /** Loses this share of frames, each direction by itself. 0 ends it. Per mille for small rates. */
  async lose(port: Port, perMille: number): Promise<void> {
    this.losses.set(portName(port), perMille);
    const rules = [...this.losses]
      .filter(([, rate]) => rate > 0)
      .flatMap(([name, rate]) => [
        `add rule bridge rack lose_in iifname "${name}" ${lost(rate)}`,
        `add rule bridge rack lose_out oifname "${name}" ${lost(rate)}`,
      ]);
    const chains = ['flush chain bridge rack lose_in', 'flush chain bridge rack lose_out'];
    await this.namespace.nft(`${[...chains, ...rules].join('\n')}\n`);
  }

  /** From one instant on, these frames do not cross any of these ways; carriers stay. */
  async block(ways: readonly Way[], what: Blocked): Promise<void> {
    for (const way of ways) this.blocks.set(wayMatch(way), what);
    await this.applyBlocks();
  }

  async unblock(ways: readonly Way[]): Promise<void> {
    for (const way of ways) this.blocks.delete(wayMatch(way));
    await this.applyBlocks();
  }

  private async applyBlocks(): Promise<void> {
    const rules = [...this.blocks].flatMap(([way, what]) =>
      FRAMES[what].map((frames) => `add rule bridge rack cross ${way} ${frames} drop`),
    );
    await this.namespace.nft(`${['flush chain bridge rack cross', ...rules].join('\n')}\n`);
  }
}

/** What is blocked, as nftables matches it; one rule each. */
const FRAMES: Readonly<Record<Blocked, readonly string[]>> = {
  all: [''],
  CARP: ['ip daddr 224.0.0.18', 'ip6 daddr ff02::12', 'ip protocol 112', 'ip6 nexthdr 112'],
};

function wayMatch({ from, to }: Way): string {
  return `iifname "${portName(from)}" oifname "${portName(to)}"`;
}

function elements(ports: readonly Port[]): string {
  return ports.map((port) => `"${portName(port)}"`).join(', ');
}

/** The share as nftables writes it; all of 1000 is in its range only this way. */
function lost(perMille: number): string {
  return `numgen random mod 1000 <= ${perMille - 1} drop`;
}
