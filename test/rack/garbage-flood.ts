// Garbage at a fixed rate from a machine on the LAN or the WAN, to every address there behind which
// the pair listens: both nodes and the VIP on UDP port 7112, and IP protocol 112.
import { type ProbeEvent, ProbeProcess } from './probe-process.ts';
import type { Rack } from './rack.ts';
import { NODES, VIPS, type VipSegment, withoutPrefix } from './rack-plan.ts';
import type { Station } from './station.ts';

export interface FloodTarget {
  readonly segment: VipSegment;
  readonly protocol: 'UDP 7112' | 'protocol 112';
}

export const FLOOD_TARGETS: readonly FloodTarget[] = [
  { segment: 'lan', protocol: 'UDP 7112' },
  { segment: 'lan', protocol: 'protocol 112' },
  { segment: 'wan', protocol: 'UDP 7112' },
  { segment: 'wan', protocol: 'protocol 112' },
];

export interface FloodReport extends ProbeEvent {
  readonly sinceUs: number;
  readonly sent: number;
  readonly failed: number;
}

const BEAT_PORT = 7112;

export class GarbageFlood {
  private readonly probe: ProbeProcess;

  private constructor(probe: ProbeProcess) {
    this.probe = probe;
  }

  /** `rate`: datagrams a second, all addresses together. */
  static async start(station: Station, target: FloodTarget, rate: number): Promise<GarbageFlood> {
    const { segment, protocol } = target;
    const port = protocol === 'UDP 7112' ? BEAT_PORT : 0;
    const args = [segment, rate, HEADS[protocol], port, ...addresses(target)];
    return new GarbageFlood(await ProbeProcess.start(station.namespace, 'garbage-flood', args));
  }

  /** Datagrams a second that really went out. */
  async rate(): Promise<number> {
    const { sent, sinceUs, t } = await this.probe.report<FloodReport>();
    return (sent / (t - sinceUs)) * 1e6;
  }

  stop(): Promise<void> {
    return this.probe.stop();
  }
}

/** A machine to flood from, with an address in every family its targets have. */
export async function floodStation(rack: Rack, segment: VipSegment): Promise<Station> {
  if (segment === 'wan') return rack.addStation('198.51.100.208/24', 'wan');
  const station = await rack.addStation('192.168.1.208/24');
  await station.namespace.ip('addr add 2001:db8:1::208/64 dev lan nodad');
  return station;
}

/** How a greeting begins, in hexadecimal: noise behind it is refused the latest. */
const HEADS: Readonly<Record<FloodTarget['protocol'], string>> = {
  'UDP 7112': '010100000000',
  'protocol 112': '-',
};

function addresses({ segment, protocol }: FloodTarget): string[] {
  const groups = protocol === 'UDP 7112' ? [VIPS[segment].address] : ['224.0.0.18', 'ff02::12'];
  const nodes = [NODES.a, NODES.b].flatMap((node) => node.addresses[segment].map(withoutPrefix));
  return [...nodes, ...groups];
}
