// One attack on a pair, judged: what it moves while both nodes live, what it costs when the master
// loses power under it, what it costs the election thread, and what people are told.
import { setTimeout as pause } from 'node:timers/promises';
import type { ArpWatch } from './arp-watch.ts';
import type { Attack } from './attack.ts';
import { watchVips } from './client-traffic.ts';
import { EchoProbe } from './echo-probe.ts';
import { Faults } from './faults.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import { otherLetter, SERVER, VIP_SEGMENTS } from './rack-plan.ts';
import { StolenTime } from './stolen-time.ts';
import { ThreadLoad } from './thread-load.ts';
import type { YokeOptions } from './yoke-configuration.ts';
import { YokePair, type YokeSpeaker } from './yoke-pair.ts';

export interface AttackVerdict {
  readonly attack: string;
  /** Datagrams a second that a flood really sent; 0 for other attacks. */
  readonly rate: number;
  /** Times that a node became MASTER while both lived. */
  readonly falseTakeovers: number;
  /** Times that a MASTER found its lease run out meanwhile; what explains a false takeover. */
  readonly lapses: number;
  /** Longest time without an answer through the pair while both lived. */
  readonly steadyGapUs: number;
  /** Whether the other node served everything within the patience after the power loss. */
  readonly recovered: boolean;
  /** The longest time without an answer then; a minimum when not recovered. */
  readonly outageUs: number;
  /** Times that the survivor became MASTER after the power loss; 1 is right. */
  readonly takeovers: number;
  readonly doubleAnswers: number;
  /** Share of one processor that the election threads of a and b needed while both lived. */
  readonly load: readonly [a: number, b: number];
  /** Processor time that other machines on the host took, share of all. */
  readonly stolen: number;
  /** Codes of the alerts of both nodes that are there because of the attack or the power loss. */
  readonly alerts: readonly string[];
}

export interface TrialOptions {
  /** How long both nodes live under the attack. */
  readonly steadyMs: number;
  /** How long the survivor is watched. */
  readonly aftermathMs: number;
  readonly yoke: YokeOptions;
}

type Steady = Pick<AttackVerdict, 'load' | 'steadyGapUs' | 'falseTakeovers' | 'lapses'>;
type Lost = Pick<AttackVerdict, 'recovered' | 'outageUs' | 'takeovers'>;

const TAKEOVER_PATIENCE_MS = 15_000;

class AttackTrial {
  private readonly pair: Pair<YokeSpeaker>;
  private readonly watch: ArpWatch;
  private readonly through: EchoProbe;
  private readonly faults: Faults;
  private readonly alerts = new Set<string>();

  constructor(rack: Rack, pair: Pair<YokeSpeaker>, watch: ArpWatch, through: EchoProbe) {
    this.pair = pair;
    this.watch = watch;
    this.through = through;
    this.faults = new Faults(rack);
  }

  async steady(spanMs: number): Promise<Steady> {
    const { a, b } = this.pair.speakers;
    const promotions = async () => (await a.promotions()) + (await b.promotions());
    const lapses = async () => (await a.lapses()) + (await b.lapses());
    const before = { promotions: await promotions(), lapses: await lapses() };
    const loads = [new ThreadLoad(a.pid), new ThreadLoad(b.pid)] as const;
    this.through.mark();
    await pause(spanMs);
    const load = [loads[0].share(), loads[1].share()] as const;
    const { longestGapUs } = await this.through.report();
    await this.note(a);
    await this.note(b);
    return {
      load,
      steadyGapUs: longestGapUs,
      falseTakeovers: (await promotions()) - before.promotions,
      lapses: (await lapses()) - before.lapses,
    };
  }

  async powerLoss(aftermathMs: number): Promise<Lost> {
    const master = this.watch.owner('lan')?.station === 'b' ? 'b' : 'a';
    const other = otherLetter(master);
    const survivor = this.pair.speakers[other];
    const before = await survivor.promotions();
    this.through.mark();
    const at = await this.faults.powerLoss(master);
    const options = { after: at, patienceMs: TAKEOVER_PATIENCE_MS };
    const recovered = await Promise.all(
      VIP_SEGMENTS.map((segment) => this.watch.untilOwner(segment, other, options)),
    ).then(
      () => true,
      () => false,
    );
    await pause(aftermathMs);
    const { longestGapUs } = await this.through.report();
    await this.note(survivor);
    const takeovers = (await survivor.promotions()) - before;
    return { recovered, outageUs: longestGapUs, takeovers };
  }

  get alertCodes(): string[] {
    return [...this.alerts].sort();
  }

  private async note(speaker: YokeSpeaker): Promise<void> {
    for (const { code } of (await speaker.status()).alerts) this.alerts.add(code);
  }
}

export async function tryAttack(attack: Attack, options: TrialOptions): Promise<AttackVerdict> {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair(options.yoke));
  await pair.fit();
  await EchoProbe.serve(rack.server);
  const through = await EchoProbe.udp(rack.client, SERVER.address, 1000);
  const trial = new AttackTrial(rack, pair, watch, through);
  const stolen = new StolenTime();
  const rate = await attack.begin(rack, pair);
  const steady = await trial.steady(options.steadyMs);
  const lost = await trial.powerLoss(options.aftermathMs);
  return {
    attack: attack.name,
    ...steady,
    ...lost,
    rate: await rate(),
    stolen: stolen.share(),
    doubleAnswers: watch.doubleAnswers.length,
    alerts: trial.alertCodes,
  };
}
