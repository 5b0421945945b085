// Planned changes of master, one after the other, under traffic that would notice the smallest gap:
// numbered datagrams both ways, TCP streams, ARP questions from both sides. Each half (away from
// the home node, back to it) is counted by itself.
import { setTimeout as pause } from 'node:timers/promises';
import type { ArpWatch } from './arp-watch.ts';
import { VipAskers } from './client-traffic.ts';
import { DatagramStream, type StreamReport } from './datagram-stream.ts';
import type { EchoReport } from './echo-probe.ts';
import { Pair } from './pair.ts';
import type { Rack } from './rack.ts';
import { type NodeLetter, otherLetter, SERVER } from './rack-plan.ts';
import { TcpStreams } from './tcp-streams.ts';
import type { YokePair, YokeSpeaker } from './yoke-pair.ts';

/** What a series of changes cost the clients. */
export interface HandoverCost {
  readonly changes: number;
  /** Changes in which a lease lapsed or a claim had to be repeated: the machine was too slow. */
  readonly disturbed: number;
  readonly datagrams: number;
  /** Client to server, server to client. */
  readonly lost: Directions;
  readonly doubled: Directions;
  readonly overtaken: Directions;
  /** Longest time without a datagram, either direction. */
  readonly longestGapUs: number;
  readonly arpAsked: number;
  readonly arpUnanswered: number;
  /** Requests that two stations answered, as the switches saw it. */
  readonly arpDoubled: number;
  /** How late a probe itself was at worst: gaps shorter than this mean nothing. */
  readonly probeErrorUs: number;
}

export interface Directions {
  readonly up: number;
  readonly down: number;
}

/** How VIPs are sent away from a node and brought back to it. */
export interface HandoverWay {
  readonly name: string;
  away(pair: Pair<YokeSpeaker>, home: NodeLetter): Promise<void>;
  back(pair: Pair<YokeSpeaker>, home: NodeLetter): Promise<void>;
}

const ARP_INTERVAL_US = 3000;
const STREAM_INTERVAL_MS = 20;
/** A loss is only known when later datagrams arrive, an unanswered question after 200 ms. */
const AFTERMATH_MS = 300;

export class HandoverSeries {
  readonly pair: Pair<YokeSpeaker>;
  readonly watch: ArpWatch;
  private readonly askers: VipAskers;
  private readonly datagrams: DatagramStream;
  private readonly streams: TcpStreams;

  private constructor(
    pair: Pair<YokeSpeaker>,
    watch: ArpWatch,
    traffic: { askers: VipAskers; datagrams: DatagramStream; streams: TcpStreams },
  ) {
    this.pair = pair;
    this.watch = watch;
    this.askers = traffic.askers;
    this.datagrams = traffic.datagrams;
    this.streams = traffic.streams;
  }

  static async start(rack: Rack, kind: YokePair, streamCount: number): Promise<HandoverSeries> {
    const watch = await rack.watchArp();
    const askers = await VipAskers.start(rack, ARP_INTERVAL_US);
    const pair = await Pair.start(rack, watch, kind);
    await TcpStreams.serve(rack.server, STREAM_INTERVAL_MS);
    const traffic = {
      askers,
      datagrams: await DatagramStream.start(rack),
      streams: await TcpStreams.connect(
        rack.client,
        SERVER.address,
        streamCount,
        STREAM_INTERVAL_MS,
      ),
    };
    return new HandoverSeries(pair, watch, traffic);
  }

  /** One change away from the master and one back, each with its cost. */
  async round(way: HandoverWay): Promise<{ away: HandoverCost; back: HandoverCost }> {
    await this.pair.fit();
    const home = await this.pair.settled();
    const away = await this.cost(() => way.away(this.pair, home), otherLetter(home));
    const back = await this.cost(() => way.back(this.pair, home), home);
    return { away, back };
  }

  /** The fate of the TCP streams since the beginning. */
  streamReport(patienceMs = 15_000) {
    return this.streams.settled(patienceMs);
  }

  /** Promotions and lapses of both nodes: a change is one promotion and nothing else. */
  private async turns(): Promise<number> {
    const { a, b } = this.pair.speakers;
    const counts = [a.promotions(), b.promotions(), a.lapses(), b.lapses()];
    return (await Promise.all(counts)).reduce((total, count) => total + count, 0);
  }

  private async cost(act: () => Promise<void>, to: NodeLetter): Promise<HandoverCost> {
    const before = await this.datagrams.report();
    const doublesBefore = this.watch.doubleAnswers.length;
    const turnsBefore = await this.turns();
    this.datagrams.mark();
    this.askers.mark();
    await act();
    await this.pair.settled(to);
    await pause(AFTERMATH_MS);
    const after = await this.datagrams.report();
    const arp = await Promise.all([this.askers.lan.report(), this.askers.wan.report()]);
    return {
      ...datagramCost(before, after),
      changes: 1,
      disturbed: (await this.turns()) - turnsBefore === 1 ? 0 : 1,
      arpAsked: sum(arp, ({ asked }) => asked),
      arpUnanswered: sum(arp, ({ lost }) => lost),
      arpDoubled: this.watch.doubleAnswers.length - doublesBefore,
    };
  }
}

type DatagramCost = Omit<HandoverCost, 'changes' | 'disturbed' | `arp${string}`>;

function datagramCost(before: StreamReport, after: StreamReport): DatagramCost {
  const grown = (key: 'missing' | 'duplicates' | 'late'): Directions => ({
    up: after.up[key] - before.up[key],
    down: after.down[key] - before.down[key],
  });
  const received = ({ up, down }: StreamReport) => up.received + down.received;
  return {
    datagrams: received(after) - received(before),
    lost: grown('missing'),
    doubled: grown('duplicates'),
    overtaken: grown('late'),
    longestGapUs: Math.max(after.up.longestGapUs, after.down.longestGapUs),
    probeErrorUs: Math.max(after.up.worstLateUs, after.down.worstLateUs),
  };
}

function sum(reports: readonly EchoReport[], pick: (report: EchoReport) => number): number {
  return reports.reduce((total, report) => total + pick(report), 0);
}

/** All of them as one; gaps and errors as the worst. Throws without any. */
export function totalCost(costs: readonly HandoverCost[]): HandoverCost {
  return costs.reduce((total, each) => ({
    changes: total.changes + each.changes,
    disturbed: total.disturbed + each.disturbed,
    datagrams: total.datagrams + each.datagrams,
    lost: both(total.lost, each.lost),
    doubled: both(total.doubled, each.doubled),
    overtaken: both(total.overtaken, each.overtaken),
    longestGapUs: Math.max(total.longestGapUs, each.longestGapUs),
    arpAsked: total.arpAsked + each.arpAsked,
    arpUnanswered: total.arpUnanswered + each.arpUnanswered,
    arpDoubled: total.arpDoubled + each.arpDoubled,
    probeErrorUs: Math.max(total.probeErrorUs, each.probeErrorUs),
  }));
}

function both(one: Directions, other: Directions): Directions {
  return { up: one.up + other.up, down: one.down + other.down };
}
