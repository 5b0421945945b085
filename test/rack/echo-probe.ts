// Questions at a fixed pace from one station: UDP through the pair, ICMP and ARP to a VIP. What it
// measures is what a client feels: the longest time without an answer.

import { type ProbeEvent, ProbeProcess } from './probe-process.ts';
import type { VipSegment } from './rack-plan.ts';
import type { Station } from './station.ts';

export interface EchoReport extends ProbeEvent {
  readonly asked: number;
  readonly lost: number;
  readonly longestLossRun: number;
  /** Longest time between two answers since the mark, the still open one included. */
  readonly longestGapUs: number;
  readonly longestGapAt: number;
  readonly openGapUs: number;
  /** Second and later answers to one question. */
  readonly duplicates: number;
  /** How late the probe itself asked, at worst: the measurement's own error. */
  readonly worstLateUs: number;
}

export const ECHO_PORT = 7007;

export class EchoProbe {
  private readonly probe: ProbeProcess;

  private constructor(probe: ProbeProcess) {
    this.probe = probe;
  }

  /** An echo server for `udp` probes; it lives as long as its station. */
  static serve(station: Station): Promise<ProbeProcess> {
    return ProbeProcess.start(station.namespace, 'echo-probe', ['serve', ECHO_PORT]);
  }

  static async udp(station: Station, address: string, intervalUs: number): Promise<EchoProbe> {
    return EchoProbe.start(station, ['udp', address, ECHO_PORT, intervalUs]);
  }

  static async icmp(station: Station, address: string, intervalUs: number): Promise<EchoProbe> {
    return EchoProbe.start(station, ['icmp', address, intervalUs]);
  }

  static async arp(
    station: Station,
    segment: VipSegment,
    address: string,
    intervalUs: number,
  ): Promise<EchoProbe> {
    return EchoProbe.start(station, ['arp', segment, address, intervalUs]);
  }

  private static async start(station: Station, args: (string | number)[]): Promise<EchoProbe> {
    return new EchoProbe(await ProbeProcess.start(station.namespace, 'echo-probe', args));
  }

  /** Opens a new window: the next report counts from here. */
  mark(): void {
    this.probe.mark();
  }

  report(): Promise<EchoReport> {
    return this.probe.report<EchoReport>();
  }

  stop(): Promise<void> {
    return this.probe.stop();
  }
}
