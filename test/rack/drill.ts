// One failover done on purpose and measured: the act, the wait until clients are served again by
// the other node, the way back.
import { setTimeout as pause } from 'node:timers/promises';
import type { ArpWatch } from './arp-watch.ts';
import type { ClientTraffic } from './client-traffic.ts';
import { eventually } from './eventually.ts';
import { Faults } from './faults.ts';
import { monotonicUs } from './monotonic.ts';
import type { Pair } from './pair.ts';
import type { Rack } from './rack.ts';
import { type NodeLetter, otherLetter, VIP_SEGMENTS } from './rack-plan.ts';

export type DrillName =
  | 'planned handover'
  | 'LAN cable'
  | 'WAN cable'
  | 'power loss'
  | 'silent node'
  | 'daemon killed'
  | 'daemon stopped';

export interface DrillResult {
  readonly kind: string;
  readonly test: DrillName;
  readonly date: Date;
  readonly from: NodeLetter;
  /** False when clients were not served again within the patience: `outageUs` is then a minimum. */
  readonly recovered: boolean;
  /** What clients missed: the longer of the two times below. */
  readonly outageUs: number;
  /** Longest time without an answer to datagrams sent through the pair. */
  readonly throughOutageUs: number;
  /** Longest time without an answer to echo requests to the LAN VIP. */
  readonly vipOutageUs: number;
  readonly datagramsLost: number;
  readonly streams: number;
  readonly streamsPreserved: number;
  readonly states: Readonly<Record<NodeLetter, string>>;
  /** Requests that two answered, counted by the monitor port during the drill. */
  readonly doubleAnswers: number;
  /** How late the probe itself was at worst: outages shorter than this mean nothing. */
  readonly probeErrorUs: number;
}

interface Act {
  begin(faults: Faults, pair: Pair, master: NodeLetter): Promise<unknown> | number;
  end(faults: Faults, pair: Pair, letter: NodeLetter): Promise<unknown> | number;
}

const rebootAfter = {
  end: async (faults: Faults, pair: Pair, letter: NodeLetter) => {
    await faults.boot(letter);
    await pair.restart(letter);
  },
};

const ACTS: Readonly<Record<DrillName, Act>> = {
  'planned handover': {
    begin: (_faults, pair, master) => pair.speakers[master].handover(),
    end: (_faults, pair, letter) => pair.speakers[letter].release(),
  },
  'LAN cable': {
    begin: (faults, _pair, master) => faults.pull(master, 'lan'),
    end: (faults, _pair, letter) => faults.plug(letter, 'lan'),
  },
  'WAN cable': {
    begin: (faults, _pair, master) => faults.pull(master, 'wan'),
    end: (faults, _pair, letter) => faults.plug(letter, 'wan'),
  },
  'power loss': { begin: (faults, _pair, master) => faults.powerLoss(master), ...rebootAfter },
  'silent node': { begin: (faults, _pair, master) => faults.freeze(master), ...rebootAfter },
  'daemon killed': {
    begin: (faults, _pair, master) => faults.crash(master),
    end: (_faults, pair, letter) => pair.restart(letter),
  },
  'daemon stopped': {
    begin: (faults, _pair, master) => faults.hang(master),
    end: (faults, _pair, letter) => faults.wake(letter),
  },
};

/** What is watched after clients are served again, so that late mistakes are seen too. */
const AFTERMATH_MS = 600;

export interface DrillOptions {
  readonly takeoverPatienceMs?: number;
  readonly streamPatienceMs?: number;
}

export class Drills {
  private readonly pair: Pair;
  private readonly watch: ArpWatch;
  private readonly traffic: ClientTraffic;
  private readonly faults: Faults;

  constructor(rack: Rack, pair: Pair, watch: ArpWatch, traffic: ClientTraffic) {
    this.pair = pair;
    this.watch = watch;
    this.traffic = traffic;
    this.faults = new Faults(rack);
  }

  /** Fails the present master over. The fault is still there when this returns: see `undo`. */
  async run(test: DrillName, options: DrillOptions = {}): Promise<DrillResult> {
    await this.pair.fit();
    const from = await this.pair.settled();
    const doublesBefore = this.watch.doubleAnswers.length;
    const date = new Date();
    this.traffic.mark();
    const begun = monotonicUs();
    await ACTS[test].begin(this.faults, this.pair, from);
    const recovered = await this.servedBy(otherLetter(from), begun, options.takeoverPatienceMs);
    await pause(AFTERMATH_MS);
    const report = await this.traffic.report(options.streamPatienceMs ?? (recovered ? 15_000 : 0));
    return {
      kind: this.pair.name,
      test,
      date,
      from,
      recovered,
      outageUs: Math.max(report.through.longestGapUs, report.vip.longestGapUs),
      throughOutageUs: report.through.longestGapUs,
      vipOutageUs: report.vip.longestGapUs,
      datagramsLost: report.through.lost,
      streams: report.streams.streams,
      streamsPreserved: report.streams.flowing,
      states: { a: await this.pair.said('a'), b: await this.pair.said('b') },
      doubleAnswers: this.watch.doubleAnswers.length - doublesBefore,
      probeErrorUs: Math.max(report.through.worstLateUs, report.vip.worstLateUs),
    };
  }

  /** Repairs what the drill broke and waits until the pair is whole and at home again. */
  async undo(test: DrillName, from: NodeLetter): Promise<void> {
    await ACTS[test].end(this.faults, this.pair, from);
    await this.pair.settled();
  }

  private async servedBy(letter: NodeLetter, after: number, patienceMs = 20_000): Promise<boolean> {
    const moved = () =>
      VIP_SEGMENTS.every((segment) => {
        const answer = this.watch.owner(segment);
        return answer?.station === letter && answer.t > after;
      });
    const served = async () => (moved() && (await this.traffic.flows()) ? true : undefined);
    return eventually('clients are served', served, { patienceMs }).catch(() => false);
  }
}
