// The same faults to Yoke, ucarp and keepalived on the same rack in one run.
//
//   bench.ts [RUNS] [KIND...]     runs of each fault (default 5); kinds by name, default all
//
// Prints Markdown and, after a complete run, writes it between the bench markers of README.md.
import { cpus } from 'node:os';
import type { ArpWatch } from '../rack/arp-watch.ts';
import { ClientTraffic, watchVips } from '../rack/client-traffic.ts';
import { type DrillName, type DrillResult, Drills } from '../rack/drill.ts';
import { outage } from '../rack/drill-report.ts';
import { Pair } from '../rack/pair.ts';
import type { PairKind } from '../rack/pair-kind.ts';
import { KEEPALIVED, KeepalivedPair } from '../rack/peers/keepalived-pair.ts';
import { UcarpPair } from '../rack/peers/ucarp-pair.ts';
import { Rack } from '../rack/rack.ts';
import { YokePair } from '../rack/yoke-pair.ts';
import { activationReport } from './activation.ts';
import { type BenchColumn, benchTable, writeBlock } from './bench-table.ts';

const README = new URL('../../README.md', import.meta.url).pathname;
const TESTS: readonly DrillName[] = ['power loss', 'silent node', 'LAN cable', 'planned handover'];
const STREAMS = 20;
const PATIENCE_MS = 12_000;

const FAST = { base: 0, skew: { primary: 5, secondary: 10 } };
const KINDS: readonly { readonly kind: PairKind; readonly reference: string }[] = [
  { kind: new YokePair({}, 'yoke 1 s'), reference: 'yoke 1 s' },
  { kind: new UcarpPair(), reference: 'yoke 1 s' },
  { kind: new KeepalivedPair(KEEPALIVED.default), reference: 'yoke 1 s' },
  { kind: new YokePair({ advertise: FAST }, 'yoke 20 ms'), reference: 'yoke 20 ms' },
  { kind: new KeepalivedPair(KEEPALIVED.tuned), reference: 'yoke 20 ms' },
  { kind: new KeepalivedPair(KEEPALIVED.fast), reference: 'yoke 20 ms' },
];

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
      return new Stand(rack, pair, watch, await ClientTraffic.start(rack, STREAMS));
    } catch (error) {
      rack.remove();
      throw error;
    }
  }

  remove(): void {
    this.rack.remove();
  }
}

async function benchKind(kind: PairKind, runs: number): Promise<DrillResult[]> {
  const results: DrillResult[] = [];
  for (const test of TESTS) {
    let stand: Stand | undefined;
    try {
      for (let run = 0; run < runs; run += 1) {
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
  const runs = results.filter(({ kind }) => kind === columns[0]?.name).length / TESTS.length;
  const doubles = columns.map(({ name }) => {
    const sum = results.reduce((n, each) => n + (each.kind === name ? each.doubleAnswers : 0), 0);
    return `${name} ${sum}`;
  });
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}`;
  const date = new Date().toISOString().slice(0, 10);
  const what = `Outage in ms, median of ${runs} (range), and the ratio to Yoke at the same timers`;
  return `${what}; ${machine}, ${date}.

${benchTable('until everything answers', columns, TESTS, results, (each) => each.outageUs)}

${benchTable('datagrams through the pair', columns, TESTS, results, (each) => each.throughOutageUs)}

ARP requests for a VIP that were answered twice: ${doubles.join(', ')}.`;
}

const runs = Number(process.argv[2] ?? 5);
const names = process.argv.slice(3);
const chosen = KINDS.filter(({ kind }) => names.length === 0 || names.includes(kind.name));
const results: DrillResult[] = [];
for (const { kind } of chosen) results.push(...(await benchKind(kind, runs)));
const columns = chosen.map(({ kind, reference }) => ({ name: kind.name, reference }));
const activation = chosen.some(({ kind }) => kind instanceof YokePair)
  ? await activationReport()
  : '';
const text = [report(columns, results), activation].filter((part) => part !== '').join('\n\n');
process.stdout.write(`${text}\n`);
if (names.length === 0 && !writeBlock(README, text)) {
  process.stderr.write('README.md has no bench markers: nothing written\n');
}
