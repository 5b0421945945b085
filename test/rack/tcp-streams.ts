// Parallel TCP connections from client to server, numbered words both ways without rest.
import { setTimeout as pause } from 'node:timers/promises';
import { type ProbeEvent, ProbeProcess } from './probe-process.ts';
import type { Station } from './station.ts';

export interface StreamsReport extends ProbeEvent {
  readonly streams: number;
  readonly open: number;
  /** Open streams that were heard within the last half second. */
  readonly flowing: number;
  readonly reset: number;
  readonly closed: number;
  /** Streams whose numbers did not follow each other. */
  readonly corrupt: number;
  readonly longestStallUs: number;
}

const PORT = 7008;

export class TcpStreams {
  private readonly probe: ProbeProcess;

  private constructor(probe: ProbeProcess) {
    this.probe = probe;
  }

  static serve(station: Station, intervalMs: number): Promise<ProbeProcess> {
    return ProbeProcess.start(station.namespace, 'tcp-streams', ['serve', PORT, intervalMs]);
  }

  /** Returns when every stream is connected. */
  static async connect(
    station: Station,
    address: string,
    count: number,
    intervalMs: number,
  ): Promise<TcpStreams> {
    const args = ['connect', address, PORT, count, intervalMs];
    return new TcpStreams(await ProbeProcess.start(station.namespace, 'tcp-streams', args));
  }

  mark(): void {
    this.probe.mark();
  }

  report(): Promise<StreamsReport> {
    return this.probe.report<StreamsReport>();
  }

  /**
   * The report once every stream that can still flow does. TCP doubles its waiting time with each
   * loss (RFC 6298), so a stream may need as long again as the outage took.
   */
  async settled(patienceMs: number): Promise<StreamsReport> {
    const giveUpAt = performance.now() + patienceMs;
    for (;;) {
      const report = await this.report();
      const given = performance.now() > giveUpAt;
      if (
        report.flowing + report.reset + report.closed + report.corrupt === report.streams ||
        given
      )
        return report;
      await pause(100);
    }
  }

  stop(): Promise<void> {
    return this.probe.stop();
  }
}
