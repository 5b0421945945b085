// Chaos for the replication of connections: five thousand established flows a second begin and end
// on whichever node is MASTER, the sync cable loses 1 % each way, processes and whole nodes are
// killed on both sides and cables are pulled. Now and then, and in the end, everything is repaired
// and both kernels are compared, exactly: no established flow may be missing or surplus, sessions
// that rested through all of it must answer from the same outside port, and nothing may leak.
//
//   flow-chaos.ts [MINUTES] [SEED] [RATE]     60 minutes, seed from the clock and printed,
//                                             5000 flows a second
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { FlowSource } from '../bench/flow-source-process.ts';
import { processesOf, useOf } from '../bench/process-use.ts';
import { Prng } from '../simulator/prng.ts';
import { watchVips } from './client-traffic.ts';
import { Faults } from './faults.ts';
import { monotonicUs } from './monotonic.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import { type NodeLetter, otherLetter, SEGMENTS } from './rack-plan.ts';
import { Sessions } from './sessions.ts';
import { YokePair, type YokeSpeaker } from './yoke-pair.ts';

const LIFE_S = 5;
const LOSS_PERCENT = 1;
/** Of all interfaces only the macvlan of the LAN VIP is called so; it is up on the MASTER. */
const VIP_INTERFACE = 'vip1.';
const SESSIONS = 100;
/** The subject is the replication: with these beats a busy machine moves nothing by itself. */
const CALM = { beats: { interval: '100ms' } } as const;
const LETTERS = ['a', 'b'] as const;
/** More than a round of digests: what the last fault has left behind is made good in it. */
const QUIET_MS = 15_000;
/** Faults between two comparisons. */
const CHAPTER = 10;
const REPAIR_PATIENCE_MS = 120_000;
/** Of one process between two moments of rest; V8 keeps some of what it has once had. */
const GROWTH_BYTES = 40e6;
/** Everything of the rack's own that is tracked: beats, multicast, sessions. */
const OWN_FLOWS = 500;

type Repair = () => Promise<unknown>;

/** How long each kind of fault lasts at most, and how often it is drawn. */
const FAULTS = [
  { name: 'kill yoke-flows', weight: 4, longestMs: 0 },
  { name: 'power loss', weight: 2, longestMs: 5000 },
  { name: 'crash', weight: 2, longestMs: 3000 },
  { name: 'pull sync', weight: 2, longestMs: 8000 },
  { name: 'pull lan', weight: 1, longestMs: 3000 },
  { name: 'pull wan', weight: 1, longestMs: 3000 },
] as const;
type FaultName = (typeof FAULTS)[number]['name'];

class FlowChaos {
  readonly failures: string[] = [];
  private readonly rack: Rack;
  private readonly pair: Pair<YokeSpeaker>;
  private readonly faults: Faults;
  private readonly prng: Prng;
  private readonly begun = monotonicUs();
  private readonly sources: Record<NodeLetter, FlowSource | undefined> = {
    a: undefined,
    b: undefined,
  };
  private readonly rate: number;
  private count = 0;

  constructor(rack: Rack, pair: Pair<YokeSpeaker>, { seed, rate }: { seed: number; rate: number }) {
    this.rate = rate;
    this.rack = rack;
    this.pair = pair;
    this.faults = new Faults(rack);
    this.prng = new Prng(seed);
  }

  async run(minutes: number): Promise<void> {
    const until = performance.now() + minutes * 60_000;
    await Sessions.serve(this.rack);
    const sessions = await Sessions.open(this.rack, 'tcp', SESSIONS);
    await this.faults.lose('a', 'sync', LOSS_PERCENT);
    await this.judgeRest('at the beginning');
    while (performance.now() < until) {
      this.startChurn();
      for (let fault = 0; fault < CHAPTER && performance.now() < until; fault += 1) {
        await this.trouble();
      }
      await this.judge();
    }
    await this.judgeAge();
    await this.judgeRest('in the end');
    const { answered, same } = await sessions.ask();
    say(`sessions that rested meanwhile: ${answered} of ${SESSIONS} answered, ${same} as before`);
    if (same !== SESSIONS) this.failures.push(`only ${same} of ${SESSIONS} sessions go on`);
  }

  private async trouble(): Promise<void> {
    const letter = this.prng.pick(LETTERS);
    const { name, longestMs } = this.prng.pick(
      FAULTS.flatMap((fault) => Array.from({ length: fault.weight }, () => fault)),
    );
    // What the only node that knows takes with it is not for the other one to have.
    if (name === 'power loss' || name === 'crash') await this.whole();
    this.count += 1;
    say(`${this.count} ${name} on ${letter}`);
    const repair = await this.break(letter, name);
    await pause(this.prng.between(0, longestMs));
    await repair();
    await pause(this.prng.between(0, 2000));
  }

  private async break(letter: NodeLetter, fault: FaultName): Promise<Repair> {
    const restart = async (): Promise<void> => {
      await this.pair.restart(letter);
      this.startSource(letter);
    };
    switch (fault) {
      case 'kill yoke-flows':
        for (const pid of this.replicators(letter)) process.kill(pid, 'SIGKILL');
        return async () => undefined;
      case 'power loss':
        await this.faults.powerLoss(letter);
        return async () => {
          await this.faults.boot(letter);
          await restart();
        };
      case 'crash':
        this.faults.crash(letter);
        return restart;
      default: {
        const segment = SEGMENTS.office.find((each) => fault.endsWith(each)) ?? 'sync';
        await this.faults.pull(letter, segment);
        return () => this.faults.plug(letter, segment);
      }
    }
  }

  /** Both nodes are there, one serves, and each has the flows of the other. */
  private async whole(): Promise<void> {
    await this.pair.settled(undefined, REPAIR_PATIENCE_MS);
    for (const speaker of Object.values(this.pair.speakers)) {
      const synced = 'has the flows of the peer';
      await speaker.untilStatus(synced, ({ flows }) => flows?.synced === true, REPAIR_PATIENCE_MS);
    }
  }

  /** Under churn: what differs must be what has just begun or ended. */
  private async judge(): Promise<void> {
    await this.whole();
    await pause(QUIET_MS);
    await this.compare('churn goes on');
  }

  /** Without churn, and again without a flow: nothing may be left. */
  private async judgeRest(when: string): Promise<void> {
    this.endChurn();
    await this.whole();
    await pause(1000);
    await this.compare(`${when}, 1 s after the last flow`);
    await pause(QUIET_MS);
    await this.compare(`${when}, quiet`);
    const master = await this.pair.settled(undefined, REPAIR_PATIENCE_MS);
    await this.rack.nodes[master].namespace.run('sh', ['-c', 'conntrack -D -d 10.128.0.1 || true']);
    await pause(QUIET_MS);
    await this.compare(`${when}, all ended`);
    for (const letter of LETTERS) await this.judgeTables(letter, when);
  }

  private async judgeTables(letter: NodeLetter, when: string): Promise<void> {
    const { flows } = await this.pair.speakers[letter].status();
    const kernel = Number(
      await this.rack.nodes[letter].namespace.run('cat', [
        '/proc/sys/net/netfilter/nf_conntrack_count',
      ]),
    );
    const known = flows?.local ?? Number.NaN;
    const { rssBytes } = useOf(this.rack.nodes[letter], isReplicator);
    say(
      `${when}: ${letter} knows ${known} flows, its kernel has ${kernel}; ` +
        `${megabytes(rssBytes)}, of it ${megabytes(flows?.memoryBytes ?? 0)} in tables`,
    );
    if (!(known <= OWN_FLOWS && kernel <= OWN_FLOWS)) {
      this.failures.push(`${when}: ${letter} still has ${known} flows, its kernel ${kernel}`);
    }
  }

  /** Memory of processes that have been left alone for a while, under churn and pulled cables. */
  private async judgeAge(): Promise<void> {
    this.startChurn();
    await this.whole();
    await pause(QUIET_MS);
    const before = this.memory();
    for (let turn = 0; turn < CHAPTER; turn += 1) {
      const letter = this.prng.pick(LETTERS);
      const repair = await this.break(letter, 'pull sync');
      await pause(this.prng.between(0, 4000));
      await repair();
      await pause(this.prng.between(1000, 4000));
    }
    await this.judge();
    for (const [index, after] of this.memory().entries()) {
      const letter = LETTERS[index] ?? 'a';
      const growth = after.rss - (before[index]?.rss ?? 0);
      const isSame = after.pid === before[index]?.pid;
      say(`yoke-flows of ${letter}, same process ${isSame}: grew by ${megabytes(growth)}`);
      if (!isSame) this.failures.push(`yoke-flows of ${letter} was restarted by itself`);
      if (growth > GROWTH_BYTES) this.failures.push(`yoke-flows of ${letter} grows`);
    }
  }

  private memory(): { readonly pid: number | undefined; readonly rss: number }[] {
    return LETTERS.map((letter) => ({
      pid: this.replicators(letter)[0],
      rss: useOf(this.rack.nodes[letter], isReplicator).rssBytes,
    }));
  }

  private async compare(when: string): Promise<void> {
    const master = await this.pair.settled(undefined, REPAIR_PATIENCE_MS);
    const report = await this.pair.speakers[master].comparison(5);
    const { here, peer, equal, missing, surplus, changed } = report;
    const sizes = [missing, surplus, changed].map((each) => `${each.established}+${each.other}`);
    const text = `${when}: ${here} flows on ${master}, ${peer} on ${otherLetter(master)}`;
    say(
      `  ${text}; established+others missing ${sizes[0]}, surplus ${sizes[1]}, ` +
        `changed ${sizes[2]}`,
    );
    if (equal) return;
    for (const line of [missing, surplus, changed].flatMap((each) => each.examples))
      say(`  ${line}`);
    if (!when.includes('1 s after')) this.failures.push(`${text}: they differ`);
  }

  private startChurn(): void {
    for (const letter of LETTERS) if (this.sources[letter] === undefined) this.startSource(letter);
  }

  private startSource(letter: NodeLetter): void {
    this.sources[letter]?.end();
    const source = new FlowSource(this.rack.nodes[letter]);
    this.sources[letter] = source;
    source.churn(VIP_INTERFACE, this.rate, LIFE_S, this.begun);
  }

  private endChurn(): void {
    for (const letter of LETTERS) {
      this.sources[letter]?.end();
      this.sources[letter] = undefined;
    }
  }

  private replicators(letter: NodeLetter): number[] {
    return processesOf(this.rack.nodes[letter], isReplicator);
  }
}

function isReplicator(commandLine: string): boolean {
  return commandLine.includes('\0flows\0run\0');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

/** What both nodes said last, for whoever looks for the reason. */
async function lastWords({ speakers }: Pair<YokeSpeaker>): Promise<string> {
  const said = await Promise.all(
    Object.values(speakers).map(async (speaker) => {
      const events = (await speaker.events()).slice(-15).map(({ at, text }) => `${at} ${text}`);
      return [`${speaker.node.name}:`, ...events, ...speaker.log().slice(-10)].join('\n  ');
    }),
  );
  return said.join('\n');
}

const minutes = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const rate = Number(process.argv[4] ?? 5000);
say(`flow chaos: ${minutes} minutes, seed ${seed}, ${rate} flows a second`);
const most = Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_max', 'latin1'));
if (most < 8 * rate * LIFE_S) throw new Error(`nf_conntrack_max is only ${most}`);
const rack = await Rack.build({ firewall: 'snat' });
try {
  const pair = await Pair.start(rack, await watchVips(rack), new YokePair(CALM));
  const chaos = new FlowChaos(rack, pair, { seed, rate });
  await chaos.run(minutes).catch(async (error) => {
    chaos.failures.push(String(error));
    say(await lastWords(pair));
  });
  for (const failure of chaos.failures) say(`FAILED ${failure}`);
  say(`flow chaos of seed ${seed}: ${chaos.failures.length === 0 ? 'passed' : 'failed'}`);
  process.exitCode = chaos.failures.length === 0 ? 0 : 1;
} finally {
  rack.remove();
}
process.exit();
