// Numbered datagrams through the pair in both directions at once, one each millisecond: tells which
// were lost, doubled or overtaken, and on which way.
import { type ProbeEvent, ProbeProcess } from './probe-process.ts';
import type { Rack } from './rack.ts';
import { SERVER } from './rack-plan.ts';

/** What one end heard from the other since the stream began. */
export interface HeardDatagrams extends ProbeEvent {
  readonly received: number;
  /** Numbers below the highest heard that never came. */
  readonly missing: number;
  readonly duplicates: number;
  /** Came after a later one. */
  readonly late: number;
  /** Longest time without a datagram since the mark, the still open one included. */
  readonly longestGapUs: number;
  /** How late this end itself sent, at worst. */
  readonly worstLateUs: number;
}

export interface StreamReport {
  /** Client to server. */
  readonly up: HeardDatagrams;
  /** Server to client. */
  readonly down: HeardDatagrams;
}

const PORT = 7009;
const INTERVAL_US = 1000;

export class DatagramStream {
  private readonly client: ProbeProcess;
  private readonly server: ProbeProcess;

  private constructor(client: ProbeProcess, server: ProbeProcess) {
    this.client = client;
    this.server = server;
  }

  static async start(rack: Rack): Promise<DatagramStream> {
    const start = (station: 'client' | 'server', args: (string | number)[]) =>
      ProbeProcess.start(rack[station].namespace, 'datagram-stream', args);
    const server = await start('server', ['serve', PORT, INTERVAL_US]);
    const client = await start('client', ['connect', SERVER.address, PORT, INTERVAL_US]);
    return new DatagramStream(client, server);
  }

  /** Opens a new window for the longest gap; the counts go on. */
  mark(): void {
    this.client.mark();
    this.server.mark();
  }

  async report(): Promise<StreamReport> {
    const [up, down] = await Promise.all([
      this.server.report<HeardDatagrams>(),
      this.client.report<HeardDatagrams>(),
    ]);
    return { up, down };
  }
}
