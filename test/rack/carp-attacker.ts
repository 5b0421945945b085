// An attacker's machine at the LAN switch: hears the pair's advertisements and sends them again,
// whole or with what the digest does not cover rewritten. It knows no password.
import { type ProbeEvent, ProbeProcess } from './probe-process.ts';
import type { Rack } from './rack.ts';
import { NODES, type NodeLetter, withoutPrefix } from './rack-plan.ts';
import type { Station } from './station.ts';

export interface AttackReport extends ProbeEvent {
  readonly captured: number;
  /** One for each VHID and family. */
  readonly kept: number;
  readonly sent: number;
}

/** Of an advertisement; a good-bye has 255 in both. */
export interface ForgedPace {
  readonly base: number;
  readonly skew: number;
}

const INTERVAL_US = 10_000;

export class CarpAttacker {
  readonly station: Station;
  private readonly probe: ProbeProcess;

  private constructor(station: Station, probe: ProbeProcess) {
    this.station = station;
    this.probe = probe;
  }

  static async start(rack: Rack, address = '192.168.1.207'): Promise<CarpAttacker> {
    const station = await rack.addStation(`${address}/24`);
    const probe = await ProbeProcess.start(station.namespace, 'carp-attacker', ['lan']);
    return new CarpAttacker(station, probe);
  }

  /** Keeps what was heard last, whoever speaks next. */
  hold(): void {
    this.probe.process.writeLine('hold');
  }

  hear(): void {
    this.probe.process.writeLine('hear');
  }

  /** Sends what is kept, unchanged, a hundred times a second. */
  replay(): void {
    this.probe.process.writeLine(`replay ${INTERVAL_US}`);
  }

  /** Sends what is kept with another pace, as if it came from this node. */
  forge({ base, skew }: ForgedPace, source: NodeLetter): void {
    const [v4 = '-'] = NODES[source].addresses.lan.map(withoutPrefix);
    const v6 = LINK_LOCAL[source];
    this.probe.process.writeLine(`forge ${base} ${skew} ${v4} ${v6} ${INTERVAL_US}`);
  }

  stop(): void {
    this.probe.process.writeLine('stop');
  }

  report(): Promise<AttackReport> {
    return this.probe.report<AttackReport>();
  }
}

/** Of the nodes' LAN interfaces, from their MAC addresses (RFC 4291, appendix A). */
const LINK_LOCAL: Readonly<Record<NodeLetter, string>> = {
  a: 'fe80::ff:fe00:a01',
  b: 'fe80::ff:fe00:b01',
};
