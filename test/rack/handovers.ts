// Planned handovers and failbacks in numbers: what they cost under a datagram each millisecond both
// ways and fifty TCP streams.
//
//   handovers.ts [COUNT] [WAY...]     COUNT of each, default 100; ways by name, default all
//
// Ways: "maintenance" (entered and left), "handover" (the command, to and fro).
import { milliseconds } from './drill-report.ts';
import {
  type Directions,
  type HandoverCost,
  HandoverSeries,
  totalCost,
} from './handover-series.ts';
import { HANDOVER_WAYS, type PlannedHandover } from './handover-ways.ts';
import { Rack } from './rack.ts';
import { StolenTime } from './stolen-time.ts';
import { textTable } from './text-table.ts';

const STREAMS = 50;

interface Outcome {
  readonly away: HandoverCost;
  readonly back: HandoverCost;
  readonly streams: string;
}

async function runSeries({ pair, way }: PlannedHandover, count: number): Promise<Outcome> {
  using rack = await Rack.build();
  const series = await HandoverSeries.start(rack, pair, STREAMS);
  const away: HandoverCost[] = [];
  const back: HandoverCost[] = [];
  for (let round = 1; round <= count; round += 1) {
    const costs = await series.round(way);
    away.push(costs.away);
    back.push(costs.back);
    process.stderr.write(`${way.name} ${round}: ${brief(costs.away)}; back ${brief(costs.back)}\n`);
  }
  const { streams, flowing, longestStallUs } = await series.streamReport();
  const missed = await series.watch.missedFrames();
  const monitor = missed === 0 ? '' : ` (monitor missed ${missed} frames)`;
  return {
    away: totalCost(away),
    back: totalCost(back),
    streams: `${flowing} of ${streams}, longest stall ${milliseconds(longestStallUs)} ms${monitor}`,
  };
}

function brief({ lost, arpUnanswered, arpDoubled, longestGapUs }: HandoverCost): string {
  const gap = milliseconds(longestGapUs);
  return `lost ${slashed(lost)}, gap ${gap} ms, ARP ${arpUnanswered} silent ${arpDoubled} double`;
}

function slashed({ up, down }: Directions): string {
  return `${up}/${down}`;
}

const HEAD = [
  'planned change',
  'times',
  'disturbed',
  'datagrams',
  'lost',
  'doubled',
  'overtaken',
  'longest gap ms',
  'ARP asked',
  'unanswered',
  'answered twice',
  'probe late ms',
];

function row(name: string, cost: HandoverCost): string[] {
  return [
    name,
    `${cost.changes}`,
    `${cost.disturbed}`,
    `${cost.datagrams}`,
    slashed(cost.lost),
    slashed(cost.doubled),
    slashed(cost.overtaken),
    milliseconds(cost.longestGapUs),
    `${cost.arpAsked}`,
    `${cost.arpUnanswered}`,
    `${cost.arpDoubled}`,
    milliseconds(cost.probeErrorUs),
  ];
}

const count = Number(process.argv[2] ?? 100);
const names = process.argv.slice(3);
const chosen = HANDOVER_WAYS.filter(({ way }) => names.length === 0 || names.includes(way.name));
const stolen = new StolenTime();
const rows: string[][] = [];
const notes: string[] = [];
for (const plan of chosen) {
  const { name } = plan.way;
  const { away, back, streams } = await runSeries(plan, count);
  rows.push(row(`${name}, away`, away), row(`${name}, back`, back));
  notes.push(`${name}: TCP streams preserved ${streams}`);
}
notes.push(
  'lost, doubled, overtaken: client to server / server to client',
  'disturbed: a lease lapsed or a claim had to be repeated',
  `processor time stolen by other machines: ${stolen}`,
);
process.stdout.write(`${textTable([HEAD, ...rows])}\n\n${notes.join('\n')}\n`);
