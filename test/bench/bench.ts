// The same faults to Yoke, ucarp and keepalived on the same rack in one run.
//
//   bench.ts [RUNS] [KIND...]     runs of each fault, default as in bench-plan.ts ("plan" says the
//                                 same); kinds by name, default all
//
// Prints Markdown and, after a complete run, writes it between the bench markers of README.md.
import { cpus } from 'node:os';
import type { ArpWatch } from '../rack/arp-watch.ts';
import { ClientTraffic, watchVips } from '../rack/client-traffic.ts';
import { type DrillResult, Drills } from '../rack/drill.ts';
import { outage } from '../rack/drill-report.ts';
import { Pair } from '../rack/pair.ts';
import type { PairKind } from '../rack/pair-kind.ts';
import { Conntrackd } from '../rack/peers/conntrackd.ts';
import { Rack } from '../rack/rack.ts';
import { StolenTime } from '../rack/stolen-time.ts';
import { YokePair } from '../rack/yoke-pair.ts';
import { activationReport } from './activation.ts';
import { BENCH_PLAN, BENCH_TESTS, type BenchEntry, REFERENCE } from './bench-plan.ts';
import { type BenchColumn, benchTable, type Outage, writeBlock } from './bench-table.ts';

const README = new URL('../../README.md', import.meta.url).pathname;
const STREAMS = 20;
const PATIENCE_MS = 12_000;
/** Four questions each millisecond: an outage is known to a quarter of one. */
const ASK_INTERVAL_US = 250;

/** A rack with a settled pair under traffic; built anew when a drill's end is not its beginning. */
class Stand {
  readonly drills: Drills;
  private readonly rack: Rack;

  private constructor(rack: Rack, pair: Pair, watch: ArpWatch, traffic: ClientTraffic) {
    this.rack = rack;
    this.drills = new Drills(rack, pair, watch, traffic);
  }

  static async build(kind: PairKind): Promise<Stand> {
    const rack = await Rack.build();
    try {
      const watch = await watchVips(rack);
      const pair = await Pair.start(rack, watch, kind);
      return new Stand(
        rack,
        pair,
        watch,
        await ClientTraffic.start(rack, STREAMS, ASK_INTERVAL_US),
      );
    } catch (error) {
      rack.remove();
      throw error;
    }
  }

  remove(): void {
    this.rack.remove();
  }
}

async function benchKind({ kind, runs }: BenchEntry, all?: number): Promise<DrillResult[]> {
  const results: DrillResult[] = [];
  for (const test of BENCH_TESTS) {
    let stand: Stand | undefined;
    try {
      for (let run = 0; run < (all ?? runs[test]); run += 1) {
        stand ??= await Stand.build(kind);
        const result = await stand.drills.run(test, { takeoverPatienceMs: PATIENCE_MS });
        results.push(result);
        progress(result);
        // A pair that did not recover may never be whole again: the next run gets a new one.
        if (!result.recovered) stand.remove();
        if (!result.recovered) stand = undefined;
        else await stand.drills.undo(test, result.from);
      }
    } finally {
      stand?.remove();
    }
  }
  return results;
}

function progress(result: DrillResult): void {
  const { kind, test, from, doubleAnswers, streamsPreserved, streams, probeErrorUs } = result;
  process.stderr.write(
    `${kind}, ${test} of ${from}: ${outage(result)} ms, ${streamsPreserved}/${streams} streams, ` +
      `${doubleAnswers} double answers, probe late ${Math.round(probeErrorUs / 1000)} ms\n`,
  );
}

function report(columns: readonly BenchColumn[], results: readonly DrillResult[]): string {
  const of = (name: string) => results.filter(({ kind }) => kind === name);
  const doubles = columns.map(({ name }) => {
    const sum = of(name).reduce((n, each) => n + each.doubleAnswers, 0);
    return `${name} ${sum}`;
  });
  const counts = columns.map(({ name }) => `${name} ${runsOf(of(name))}`);
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}`;
  const date = new Date().toISOString().slice(0, 10);
  const what = `Outage in ms, median (range), and the ratio to ${REFERENCE}; ${machine}, ${date}`;
  const flows = Conntrackd.installed ? 'with conntrackd' : 'alone: conntrackd is not installed';
  const table = (title: string, outageOf: Outage) =>
    benchTable(title, columns, BENCH_TESTS, results, outageOf);
  return `${what}. Keepalived runs ${flows}.

${table('until everything answers', (each) => each.outageUs)}

${table('datagrams through the pair', (each) => each.throughOutageUs)}

Runs of each fault: ${counts.join(', ')}.

ARP requests for a VIP that were answered twice: ${doubles.join(', ')}.`;
}

/** "50 (power loss, silent node), 15 (LAN cable, ...)" or one number when all are the same. */
function runsOf(results: readonly DrillResult[]): string {
  const count = (test: string) => results.filter((result) => result.test === test).length;
  const byCount = Map.groupBy(BENCH_TESTS, count);
  if (byCount.size === 1) return `${[...byCount.keys()][0]}`;
  return [...byCount].map(([runs, tests]) => `${runs} (${tests.join(', ')})`).join(' and ');
}

const asked = process.argv[2] ?? 'plan';
const all = asked === 'plan' ? undefined : Number(asked);
const names = process.argv.slice(3);
const chosen = BENCH_PLAN.filter(({ kind }) => names.length === 0 || names.includes(kind.name));
const stolen = new StolenTime();
const results: DrillResult[] = [];
for (const entry of chosen) results.push(...(await benchKind(entry, all)));
const columns = chosen.map(({ kind }) => ({ name: kind.name, reference: REFERENCE }));
const activation = chosen.some(({ kind }) => kind instanceof YokePair)
  ? await activationReport()
  : '';
const theft = `Processor time that other machines on the host took meanwhile: ${stolen}.`;
const text = [report(columns, results), activation, theft]
  .filter((part) => part !== '')
  .join('\n\n');
process.stdout.write(`${text}\n`);
if (names.length === 0 && !writeBlock(README, text)) {
  process.stderr.write('README.md has no bench markers: nothing written\n');
}
