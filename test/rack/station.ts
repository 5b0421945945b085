// A machine at the rack's switches: one namespace, one interface per segment it is connected to.
import { Namespace } from './namespace.ts';
import type { Segment } from './rack-plan.ts';
import type { Port, Switches } from './switches.ts';

/** What a station is made of; the same description makes it again after a power loss. */
export interface StationPlan {
  readonly name: string;
  readonly namespaceName: string;
  /** Second-last byte of its MAC addresses, unique in the rack. */
  readonly number: number;
  readonly addresses: Readonly<Partial<Record<Segment, readonly string[]>>>;
  readonly routes?: readonly string[];
  readonly forwards?: boolean;
}

const SEGMENT_NUMBERS: Readonly<Record<Segment, number>> = {
  lan: 1,
  wan: 2,
  sync: 3,
  wan2: 4,
  dmz: 5,
  internet: 6,
};

export class Station {
  readonly plan: StationPlan;
  protected readonly switches: Switches;
  private current: Namespace;

  protected constructor(plan: StationPlan, switches: Switches, namespace: Namespace) {
    this.plan = plan;
    this.switches = switches;
    this.current = namespace;
  }

  static async build(plan: StationPlan, switches: Switches): Promise<Station> {
    const station = new Station(plan, switches, await Namespace.create(plan.namespaceName));
    await station.furnish();
    return station;
  }

  get name(): string {
    return this.plan.name;
  }

  get namespace(): Namespace {
    return this.current;
  }

  get segments(): Segment[] {
    return Object.keys(this.plan.addresses) as Segment[];
  }

  get ports(): Port[] {
    return this.segments.map((segment) => this.port(segment));
  }

  port(segment: Segment): Port {
    return { segment, station: this.name };
  }

  /** Lays the cable of one segment and configures the interface at its end. */
  async connect(segment: Segment): Promise<void> {
    const tail = [this.plan.number, SEGMENT_NUMBERS[segment]].map((byte) =>
      byte.toString(16).padStart(2, '0'),
    );
    await this.switches.connect(
      this.port(segment),
      this.namespace,
      `02:00:00:00:${tail.join(':')}`,
    );
    const addresses = this.plan.addresses[segment] ?? [];
    await this.namespace.ip(
      `link set ${segment} up`,
      ...addresses.map((address) => `addr replace ${address} dev ${segment} nodad`),
    );
  }

  /** Removes one interface from the machine, cable and all. */
  async disconnect(segment: Segment): Promise<void> {
    await this.namespace.ip(`link del ${segment}`);
  }

  /** A new machine in the old one's place: nothing the kernel knew is left. */
  protected async replace(): Promise<void> {
    // Links go first and by name: the kernel removes a namespace's own links only some time later.
    for (const segment of this.segments) {
      if ((await this.links()).includes(segment)) await this.disconnect(segment);
    }
    this.namespace.removeNow();
    this.current = await Namespace.create(this.plan.namespaceName);
    await this.furnish();
  }

  /** Names of all interfaces, `lo` included, or of those of one kind ("macvlan"). */
  async links(kind?: string): Promise<string[]> {
    const type = kind === undefined ? [] : ['type', kind];
    const listing = await this.namespace.run('ip', ['-json', 'link', 'show', ...type]);
    const rows = JSON.parse(listing || '[]');
    // Filtered listings leave an empty object for each link of another kind.
    return (rows as { ifname?: string }[]).flatMap((row) => row.ifname ?? []);
  }

  protected async furnish(): Promise<void> {
    await this.namespace.sysctl({
      'net.ipv4.ip_forward': this.plan.forwards ? 1 : 0,
      'net.ipv6.conf.all.forwarding': this.plan.forwards ? 1 : 0,
      'net.ipv4.conf.all.rp_filter': 0,
      'net.ipv4.conf.default.rp_filter': 0,
      'net.ipv4.conf.all.send_redirects': 0,
      'net.ipv6.conf.default.accept_ra': 0,
    });
    for (const segment of this.segments) await this.connect(segment);
    if (this.plan.routes) {
      await this.namespace.ip(...this.plan.routes.map((route) => `route add ${route}`));
    }
  }
}
