// What happens when daemons do not get the processor: the master's are stopped for 50 ms, 500 ms,
// 5 s and for ever, then both nodes share the machine with eight busy loops for minutes.
//
//   stalls.ts [MINUTES] [KIND...]     minutes of saturation of each kind, default 10; kinds by name
import { milliseconds } from './drill-report.ts';
import type { PairKind } from './pair-kind.ts';
import { KEEPALIVED_PAIRS } from './peers/rivals.ts';
import { Rack } from './rack.ts';
import { type StallCount, StallStand } from './stall-stand.ts';
import { StolenTime } from './stolen-time.ts';
import { textTable } from './text-table.ts';
import { YokePair } from './yoke-pair.ts';

const SPANS_MS = [50, 500, 5000];
const TIMES = 5;
const BUSY_LOOPS = 8;
/** Watched after the takeover: longer than any timer here. */
const FOREVER_MS = 5000;

const KINDS: readonly PairKind[] = [
  new YokePair(),
  new YokePair({ beats: 'fast' }, 'yoke fast'),
  new YokePair({ beats: 'off' }, 'yoke without beats'),
  ...KEEPALIVED_PAIRS,
];

interface Trial {
  readonly what: string;
  run(stand: StallStand): Promise<StallCount>;
}

function trials(minutes: number): Trial[] {
  const spans = SPANS_MS.map((span) => ({
    what: `stopped for ${span} ms`,
    run: (stand: StallStand) => stand.stall(span),
  }));
  const repeated = [
    ...spans,
    { what: 'stopped for ever', run: (s: StallStand) => s.stop(FOREVER_MS) },
  ];
  const saturation = {
    what: `${BUSY_LOOPS} busy loops, ${minutes} min`,
    run: (stand: StallStand) => stand.saturate(BUSY_LOOPS, minutes * 60_000),
  };
  return [...repeated.flatMap((trial) => Array.from({ length: TIMES }, () => trial)), saturation];
}

const HEAD = [
  'kind',
  'what',
  'times',
  'takeovers',
  'moves',
  'answered twice',
  'leases lapsed',
  'longest outage ms',
  'probe late ms',
];

function row(kind: string, what: string, counts: readonly StallCount[]): string[] {
  const sum = (pick: (count: StallCount) => number) =>
    counts.reduce((total, count) => total + pick(count), 0);
  const worst = (pick: (count: StallCount) => number) => Math.max(...counts.map(pick));
  const leased = counts.every(({ lapses }) => lapses !== undefined);
  return [
    kind,
    what,
    `${counts.length}`,
    `${sum(({ takeovers }) => takeovers)}`,
    `${sum(({ moves }) => moves)}`,
    `${sum(({ doubleAnswers }) => doubleAnswers)}`,
    leased ? `${sum(({ lapses }) => lapses ?? 0)}` : '-',
    milliseconds(worst(({ outageUs }) => outageUs)),
    milliseconds(worst(({ probeErrorUs }) => probeErrorUs)),
  ];
}

/** A pair that a trial has ruined gets a new rack for the next one. */
async function runKind(kind: PairKind, minutes: number): Promise<string[][]> {
  const counts = new Map<string, StallCount[]>();
  const stolen = new StolenTime();
  let rack: Rack | undefined;
  let stand: StallStand | undefined;
  for (const { what, run } of trials(minutes)) {
    try {
      rack ??= await Rack.build();
      stand ??= await StallStand.build(rack, kind);
      const count = await run(stand);
      counts.set(what, [...(counts.get(what) ?? []), count]);
      process.stderr.write(`${row(kind.name, what, [count]).join(', ')}\n`);
    } catch (error) {
      process.stderr.write(`${kind.name}, ${what}: ${(error as Error).message}\n`);
      rack?.remove();
      rack = undefined;
      stand = undefined;
    }
  }
  rack?.remove();
  process.stderr.write(`${kind.name}: ${stolen} of the time stolen by other machines\n`);
  return [...counts].map(([what, each]) => row(kind.name, what, each));
}

const minutes = Number(process.argv[2] ?? 10);
const names = process.argv.slice(3);
const rows: string[][] = [];
for (const kind of KINDS) {
  if (names.length > 0 && !names.includes(kind.name)) continue;
  rows.push(...(await runKind(kind, minutes)));
}
process.stdout.write(`${textTable([HEAD, ...rows])}\n`);
