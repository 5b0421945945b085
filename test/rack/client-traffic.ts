// What the people on both sides of the pair do all day, with its servers: datagrams through the
// pair, echo requests and ARP questions to the VIPs, TCP sessions. One mark and one report for all.
import type { ArpWatch } from './arp-watch.ts';
import { EchoProbe, type EchoReport } from './echo-probe.ts';
import type { Rack } from './rack.ts';
import { SERVER, VIPS } from './rack-plan.ts';
import { type StreamsReport, TcpStreams } from './tcp-streams.ts';

const STREAM_INTERVAL_MS = 100;
const ARP_INTERVAL_US = 10_000;
const ASK_INTERVAL_US = 1000;

export interface TrafficReport {
  /** Datagrams client to server and back. */
  readonly through: EchoReport;
  /** ICMP echo to the LAN VIP. */
  readonly vip: EchoReport;
  readonly streams: StreamsReport;
}

/** Asks for both VIPs from both sides: what the ARP watch judges. */
export class VipAskers {
  readonly lan: EchoProbe;
  readonly wan: EchoProbe;

  private constructor(lan: EchoProbe, wan: EchoProbe) {
    this.lan = lan;
    this.wan = wan;
  }

  static async start(rack: Rack, intervalUs = ARP_INTERVAL_US): Promise<VipAskers> {
    const { lan, wan } = VIPS;
    return new VipAskers(
      await EchoProbe.arp(rack.client, 'lan', lan.address, intervalUs),
      await EchoProbe.arp(rack.server, 'wan', wan.address, intervalUs),
    );
  }

  mark(): void {
    this.lan.mark();
    this.wan.mark();
  }
}

export class ClientTraffic {
  private readonly through: EchoProbe;
  private readonly vip: EchoProbe;
  private readonly streams: TcpStreams;

  private constructor(through: EchoProbe, vip: EchoProbe, streams: TcpStreams) {
    this.through = through;
    this.vip = vip;
    this.streams = streams;
  }

  /**
   * Needs a pair that already forwards: the TCP sessions must connect. An outage is known to within
   * one interval of the questions.
   */
  static async start(
    rack: Rack,
    streamCount: number,
    intervalUs = ASK_INTERVAL_US,
  ): Promise<ClientTraffic> {
    await EchoProbe.serve(rack.server);
    await TcpStreams.serve(rack.server, STREAM_INTERVAL_MS);
    return new ClientTraffic(
      await EchoProbe.udp(rack.client, SERVER.address, intervalUs),
      await EchoProbe.icmp(rack.client, VIPS.lan.address, intervalUs),
      await TcpStreams.connect(rack.client, SERVER.address, streamCount, STREAM_INTERVAL_MS),
    );
  }

  mark(): void {
    this.through.mark();
    this.vip.mark();
    this.streams.mark();
  }

  /** Whether datagrams pass and the VIP answers now. */
  async flows(): Promise<boolean> {
    const [through, vip] = await Promise.all([this.through.report(), this.vip.report()]);
    return Math.max(through.openGapUs, vip.openGapUs) < 20_000;
  }

  async report(streamPatienceMs: number): Promise<TrafficReport> {
    const [through, vip] = await Promise.all([this.through.report(), this.vip.report()]);
    return { through, vip, streams: await this.streams.settled(streamPatienceMs) };
  }
}

/** The monitor and the askers that give it something to see. */
export async function watchVips(rack: Rack): Promise<ArpWatch> {
  const watch = await rack.watchArp();
  await VipAskers.start(rack);
  return watch;
}
