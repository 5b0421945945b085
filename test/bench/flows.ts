/**
 * What replication of connections costs, and how much of it there can be: Yoke and conntrackd on
 * the same rack in one run. Connections are made in the kernel of node a at a pace, and looked for
 * in the kernel of node b.
 *
 *   flows.ts [yoke|conntrackd...] [cost|rate|lag|bulk...]     default both, everything
 *
 * Prints Markdown. Sets nf_conntrack_max for its time.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { watchVips } from '../rack/client-traffic.ts';
import { eventually } from '../rack/eventually.ts';
import type { RackNode } from '../rack/node.ts';
import { Pair } from '../rack/pair.ts';
import { Conntrackd } from '../rack/peers/conntrackd.ts';
import { probeProgram } from '../rack/probe-program.ts';
import { Rack } from '../rack/rack.ts';
import { YokePair } from '../rack/yoke-pair.ts';
import { FlowSource } from './flow-source-process.ts';
import { type ProcessUse, processesOf, useOf } from './process-use.ts';

const MAX = '/proc/sys/net/netfilter/nf_conntrack_max';
const MOST_FLOWS = 1_200_000;
const COST = { flows: 200_000, rate: 20_000 };
/** Code that has run for a while is compiled, as it is on a gateway. */
const WARM_UP = { flows: 100_000, rate: 20_000 };
/** Pace at which a table is filled for a bulk copy. */
const FILL_RATE = 30_000;
const RATES = [20_000, 40_000, 60_000, 80_000, 100_000];
const RATE_SECONDS = 5;
const BULKS = [100_000, 500_000];
const SETTLE_MS = 15_000;
const BULK_PATIENCE_MS = 60_000;
/** Of the loop that tells what the kernel alone can do. */
const LIMIT_FLOWS = 200_000;
const LIMIT_BATCH = 64;
/** Of the node itself (beats, multicast), in the same table. */
const OWN_FLOWS = 50;

interface Rival {
  readonly name: string;
  start(rack: Rack): Promise<void>;
  /** Starts the replicating process of node b anew, and has it ask for everything. */
  restart(rack: Rack): Promise<void>;
  isReplicator(commandLine: string): boolean;
}

/** A machine that does nothing but flows for minutes keeps no lease of milliseconds. */
const CALM = { beats: { interval: '100ms' } } as const;

class YokeRival implements Rival {
  readonly name = 'yoke';

  async start(rack: Rack): Promise<void> {
    const pair = await Pair.start(rack, await watchVips(rack), new YokePair(CALM));
    for (const speaker of Object.values(pair.speakers)) {
      await speaker.untilStatus('is synced', ({ flows }) => flows?.synced === true);
    }
  }

  /** The node starts it again by itself. */
  async restart(rack: Rack): Promise<void> {
    for (const pid of processesOf(rack.nodes.b, this.isReplicator)) process.kill(pid, 'SIGKILL');
  }

  isReplicator(commandLine: string): boolean {
    return commandLine.includes('\0flows\0run\0');
  }
}

class ConntrackdRival implements Rival {
  readonly name = 'conntrackd';
  #second: Conntrackd | undefined;

  async start(rack: Rack): Promise<void> {
    await Conntrackd.start(rack.nodes.a, { direct: true });
    this.#second = await Conntrackd.start(rack.nodes.b, { direct: true });
    await pause(2000);
  }

  async restart(rack: Rack): Promise<void> {
    for (const pid of processesOf(rack.nodes.b, this.isReplicator)) process.kill(pid, 'SIGKILL');
    await this.#second?.stop();
    rmSync(join(rack.nodes.b.directories.runtime, 'conntrackd.lock'), { force: true });
    this.#second = await Conntrackd.start(rack.nodes.b, { direct: true });
    await this.#second.request();
  }

  isReplicator(commandLine: string): boolean {
    return commandLine.startsWith('conntrackd\0');
  }
}

class Stand {
  readonly rack: Rack;
  readonly rival: Rival;
  readonly source: FlowSource;

  private constructor(rack: Rack, rival: Rival) {
    this.rack = rack;
    this.rival = rival;
    this.source = new FlowSource(rack.nodes.a);
  }

  static async build(rival: Rival): Promise<Stand> {
    const rack = await Rack.build({ firewall: 'snat' });
    try {
      await rival.start(rack);
      return new Stand(rack, rival);
    } catch (error) {
      rack.remove();
      throw error;
    }
  }

  use(letter: 'a' | 'b'): ProcessUse {
    return useOf(this.rack.nodes[letter], this.rival.isReplicator);
  }

  /** Flows of the source's kind in a node's kernel. */
  async count(letter: 'a' | 'b'): Promise<number> {
    const { namespace } = this.rack.nodes[letter];
    const text = await namespace.run('cat', ['/proc/sys/net/netfilter/nf_conntrack_count']);
    return Number(text);
  }

  /** Flows of the source that node b lacks (or has too many of) when it has had time. */
  async missing(wanted: number, patienceMs = SETTLE_MS): Promise<number> {
    let left = wanted;
    const isThere = async () => {
      // Some flows of the node's own are in the table, too: beats, multicast.
      left = wanted - (await this.count('b'));
      return left <= 0 && left > -OWN_FLOWS ? true : undefined;
    };
    await eventually('b has all flows', isThere, { patienceMs }).catch(() => false);
    return left <= 0 && left > -OWN_FLOWS ? 0 : left;
  }
}

async function syncBytes(node: RackNode): Promise<number> {
  const text = await node.namespace.run('cat', ['/sys/class/net/sync/statistics/tx_bytes']);
  return Number(text);
}

/** CPU, bytes on the cable and memory of flows that come and go at a modest pace. */
async function cost(stand: Stand): Promise<void> {
  const { flows, rate } = COST;
  await stand.source.create(0, WARM_UP.flows, WARM_UP.rate);
  await stand.missing(WARM_UP.flows);
  await stand.source.remove(0, WARM_UP.flows, WARM_UP.rate);
  await stand.missing(0);
  const idleFrom = [stand.use('a'), stand.use('b')] as const;
  await pause(3000);
  const [before, other] = [stand.use('a'), stand.use('b')];
  const idle = [
    (before.cpuUs - idleFrom[0].cpuUs) / 3,
    (other.cpuUs - idleFrom[1].cpuUs) / 3,
  ] as const;
  const wire = await syncBytes(stand.rack.nodes.a);
  const took = await stand.source.create(0, flows, rate);
  const missing = await stand.missing(flows);
  const [after, otherAfter] = [stand.use('a'), stand.use('b')];
  const sent = (await syncBytes(stand.rack.nodes.a)) - wire;
  const per = (from: ProcessUse, to: ProcessUse, idleUs: number): string =>
    ((to.cpuUs - from.cpuUs - idleUs * took) / flows).toFixed(2);
  const row = (what: string, ...cells: (string | number)[]) =>
    console.log(`| ${stand.rival.name} | ${what} | ${cells.join(' | ')} |`);
  row(
    `create, ${rate}/s`,
    per(before, after, idle[0]),
    per(other, otherAfter, idle[1]),
    (sent / flows).toFixed(1),
    ((after.rssBytes - before.rssBytes) / flows).toFixed(0),
    ((otherAfter.rssBytes - other.rssBytes) / flows).toFixed(0),
    missing,
  );
  const wireAgain = await syncBytes(stand.rack.nodes.a);
  const gone = await stand.source.remove(0, flows, rate);
  const left = await stand.missing(0);
  const [last, otherLast] = [stand.use('a'), stand.use('b')];
  const per2 = (from: ProcessUse, to: ProcessUse, idleUs: number): string =>
    ((to.cpuUs - from.cpuUs - idleUs * gone) / flows).toFixed(2);
  row(
    `remove, ${rate}/s`,
    per2(after, last, idle[0]),
    per2(otherAfter, otherLast, idle[1]),
    (((await syncBytes(stand.rack.nodes.a)) - wireAgain) / flows).toFixed(1),
    '',
    '',
    left,
  );
}

/** The highest rate at which nothing is missing afterwards. */
async function sustained(stand: Stand): Promise<void> {
  for (const rate of RATES) {
    const flows = rate * RATE_SECONDS;
    const [a, b] = [stand.use('a'), stand.use('b')];
    const took = await stand.source.create(0, flows, rate);
    const missing = await stand.missing(flows);
    const [a2, b2] = [stand.use('a'), stand.use('b')];
    const cpu = [a2.cpuUs - a.cpuUs, b2.cpuUs - b.cpuUs].map((us) => (us / flows).toFixed(2));
    const reached = Math.round(flows / took);
    console.log(
      `| ${stand.rival.name} | ${rate}/s | ${reached}/s | ${missing} | ${cpu.join(' | ')} |`,
    );
    await stand.source.remove(0, flows, rate);
    const left = await stand.missing(0);
    if (missing !== 0 || left !== 0 || reached < rate * 0.9) return;
  }
}

async function lag(stand: Stand, rate: number): Promise<void> {
  const flows = rate * 3;
  const observer = new FlowSource(stand.rack.nodes.b);
  const collected = observer.collect(0, flows, 20);
  await observer.collecting();
  await stand.source.create(0, flows, rate);
  const told = await collected;
  const handed = await stand.source.handedAt();
  const lags = told
    .flatMap((at, index) => (at === 0 ? [] : [(at - (handed[index] ?? 0)) / 1000]))
    .toSorted((one, other) => one - other);
  const quantile = (share: number): string =>
    (lags[Math.min(lags.length - 1, Math.floor(lags.length * share))] ?? NaN).toFixed(1);
  const cells = [quantile(0.5), quantile(0.99), quantile(1), flows - lags.length];
  console.log(`| ${stand.rival.name} | ${rate}/s | ${cells.join(' | ')} |`);
  observer.end();
  await stand.source.remove(0, flows, 20_000);
  await stand.missing(0);
}

/** Microseconds the kernel needs to take in a flow, from a loop in C and with nobody listening. */
async function kernelLimit({ rack }: Stand): Promise<number> {
  const program = probeProgram('conntrack-inserts');
  const said = await rack.client.namespace.run(program, [String(LIMIT_FLOWS), String(LIMIT_BATCH)]);
  const { insertUs, refused } = JSON.parse(said) as { insertUs: number; refused: number };
  if (refused > 0) throw new Error(`the kernel refused ${refused} of ${LIMIT_FLOWS} flows`);
  return insertUs / LIMIT_FLOWS;
}

/** The whole table to a node whose process and kernel know nothing. */
async function bulk(stand: Stand, flows: number): Promise<void> {
  const limit = await kernelLimit(stand);
  await stand.source.create(0, flows, FILL_RATE);
  const missing = await stand.missing(flows);
  const [a, b] = [stand.use('a'), stand.use('b')];
  await stand.rack.nodes.b.namespace.run('conntrack', ['-F']);
  const begun = performance.now();
  await stand.rival.restart(stand.rack);
  const lacking = await stand.missing(flows, BULK_PATIENCE_MS);
  const seconds = (performance.now() - begun) / 1000;
  const cells = [
    seconds.toFixed(2),
    lacking,
    ((limit * flows) / 1e6).toFixed(2),
    missing,
    Math.round(a.rssBytes / 1e6),
    Math.round(b.rssBytes / 1e6),
  ];
  console.log(`| ${stand.rival.name} | ${flows} | ${cells.join(' | ')} |`);
  await stand.source.remove(0, flows, FILL_RATE);
  await stand.missing(0);
}

type Table = readonly [string, readonly string[], (stand: Stand) => Promise<void>];

/** Name, titles of the columns behind the name of the rival, and what fills them. */
const TABLES: readonly Table[] = [
  [
    'cost',
    [
      ...['flows', 'CPU us/flow sender', 'receiver', 'bytes/flow on the cable'],
      ...['RSS bytes/flow sender', 'receiver', 'missing'],
    ],
    cost,
  ],
  ['rate', ['asked for', 'made', 'missing', 'CPU us/flow sender', 'receiver'], sustained],
  [
    'lag',
    ['rate', 'lag p50 ms', 'p99', 'max', 'never seen'],
    async (stand) => {
      for (const rate of [1000, 10_000, 20_000]) await lag(stand, rate);
    },
  ],
  [
    'bulk',
    [
      ...['flows', 'bulk copy s', 'missing', 'the kernel alone s', 'missing before'],
      ...['RSS MB sender', 'receiver'],
    ],
    async (stand) => {
      for (const flows of BULKS) await bulk(stand, flows);
    },
  ],
];

const wanted = process.argv.slice(2);

/** Of names of one kind: those that were given, all when none was. */
function isWanted(name: string, kind: readonly string[]): boolean {
  return wanted.includes(name) || !kind.some((each) => wanted.includes(each));
}

const former = readFileSync(MAX, 'latin1');
writeFileSync(MAX, String(MOST_FLOWS));
// However it ends: signals end the process, too (rack.ts).
process.once('exit', () => writeFileSync(MAX, former));
const names = TABLES.map(([name]) => name);
for (const [name, titles, measure] of TABLES) {
  if (!isWanted(name, names)) continue;
  console.log(`\n| who | ${titles.join(' | ')} |\n|${'---|'.repeat(titles.length + 1)}`);
  for (const rival of [new YokeRival(), new ConntrackdRival()]) {
    if (!isWanted(rival.name, ['yoke', 'conntrackd'])) continue;
    const stand = await Stand.build(rival);
    await measure(stand).catch((error) => console.log(`${rival.name}: ${error}`));
    stand.source.end();
    stand.rack.remove();
  }
}
