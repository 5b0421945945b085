// A pair whose daemons do not get the processor: stopped for a span, stopped for ever, or sharing
// two processors with programs that want them all. Counted: takeovers, clients' view of them,
// requests that two stations answered.
import { setTimeout as pause } from 'node:timers/promises';
import type { ArpWatch } from './arp-watch.ts';
import { watchVips } from './client-traffic.ts';
import { EchoProbe } from './echo-probe.ts';
import { Faults } from './faults.ts';
import { Pair } from './pair.ts';
import type { PairKind, Speaker } from './pair-kind.ts';
import type { Rack } from './rack.ts';
import { type NodeLetter, otherLetter, SERVER, VIP_SEGMENTS } from './rack-plan.ts';
import { YokeSpeaker } from './yoke-pair.ts';

export interface StallCount {
  /** Times that a node became master that was not. */
  readonly takeovers: number;
  /** Times that another station answered for a VIP than before, as clients see it. */
  readonly moves: number;
  readonly doubleAnswers: number;
  /** Times that a MASTER found its lease run out; undefined where there is no lease. */
  readonly lapses: number | undefined;
  /** Longest time without an answer to datagrams through the pair. */
  readonly outageUs: number;
  /** How late the probe itself was at worst. */
  readonly probeErrorUs: number;
}

type Counted = Pick<StallCount, 'takeovers' | 'moves' | 'doubleAnswers' | 'lapses'>;

const BOTH: readonly NodeLetter[] = ['a', 'b'];
/** What is watched after a stopped daemon goes on: its mistakes come then. */
const AFTERMATH_MS = 2000;
export class StallStand {
  readonly pair: Pair;
  readonly watch: ArpWatch;
  private readonly faults: Faults;
  private readonly through: EchoProbe;

  private constructor(rack: Rack, pair: Pair, watch: ArpWatch, through: EchoProbe) {
    this.pair = pair;
    this.watch = watch;
    this.through = through;
    this.faults = new Faults(rack);
  }

  static async build(rack: Rack, kind: PairKind): Promise<StallStand> {
    const watch = await watchVips(rack);
    const pair = await Pair.start(rack, watch, kind);
    await EchoProbe.serve(rack.server);
    const through = await EchoProbe.udp(rack.client, SERVER.address, 1000);
    return new StallStand(rack, pair, watch, through);
  }

  /** Stops the daemons of the master for so long and lets them go on. */
  async stall(spanMs: number): Promise<StallCount> {
    await this.pair.fit();
    const master = await this.pair.settled();
    return this.count(BOTH, async () => {
      await this.faults.stall(master, spanMs);
      await pause(AFTERMATH_MS);
      await this.pair.settled();
    });
  }

  /**
   * Stops the daemons of the master for good and watches the other node serve for so long. They
   * are replaced afterwards, which is not counted.
   */
  async stop(watchedMs: number): Promise<StallCount> {
    await this.pair.fit();
    const master = await this.pair.settled();
    const other = otherLetter(master);
    const count = await this.count([other], async () => {
      const after = this.faults.hang(master);
      await Promise.all(
        VIP_SEGMENTS.map((segment) => this.watch.untilOwner(segment, other, { after })),
      );
      await pause(watchedMs);
    });
    this.faults.crash(master);
    await this.pair.restart(master);
    await this.pair.settled();
    return count;
  }

  /** Shares the machine with busy loops; both nodes, the switches, clients and probes suffer. */
  async saturate(loops: number, spanMs: number): Promise<StallCount> {
    await this.pair.fit();
    await this.pair.settled();
    const busy = this.faults.saturate(loops);
    try {
      return await this.count(BOTH, async () => {
        await pause(spanMs);
        if (!busy.running) throw new Error('a busy loop ended');
      });
    } finally {
      await busy.stop();
    }
  }

  private async count(
    letters: readonly NodeLetter[],
    act: () => Promise<void>,
  ): Promise<StallCount> {
    const speakers = letters.map((letter) => this.pair.speakers[letter]);
    const before = await this.counted(speakers);
    this.through.mark();
    await act();
    const { longestGapUs, worstLateUs } = await this.through.report();
    const after = await this.counted(speakers);
    const lapses = after.lapses === undefined ? undefined : after.lapses - (before.lapses ?? 0);
    return {
      takeovers: after.takeovers - before.takeovers,
      moves: after.moves - before.moves,
      doubleAnswers: after.doubleAnswers - before.doubleAnswers,
      lapses,
      outageUs: longestGapUs,
      probeErrorUs: worstLateUs,
    };
  }

  private async counted(speakers: readonly Speaker[]): Promise<Counted> {
    const promotions = await Promise.all(speakers.map((speaker) => speaker.promotions()));
    const leased = speakers.filter((speaker) => speaker instanceof YokeSpeaker);
    const lapses = await Promise.all(leased.map((speaker) => speaker.lapses()));
    return {
      takeovers: sum(promotions),
      moves: this.watch.moves.length,
      doubleAnswers: this.watch.doubleAnswers.length,
      lapses: leased.length === 0 ? undefined : sum(lapses),
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
