// Every attack on a pair, one after the other, beside a run without any: what moves, what a power
// loss costs, what the election thread costs, what is said about it.
//
//   attacks.ts [SECONDS] [off]     how long both nodes live under each attack, default 20;
//                                  "off" for a pair without beats, which knows CARP only
import { ATTACKS, NO_ATTACK } from './attack.ts';
import { type AttackVerdict, tryAttack } from './attack-trial.ts';
import { milliseconds } from './drill-report.ts';
import { textTable } from './text-table.ts';
import type { YokeOptions } from './yoke-configuration.ts';

const AFTERMATH_MS = 5000;

const HEAD = [
  'attack',
  'datagrams/s',
  'false takeovers',
  'lapses',
  'longest gap ms',
  'power loss: outage ms',
  'takeovers',
  'answered twice',
  'election thread a, b',
  'stolen',
  'alerts',
];

function row(verdict: AttackVerdict): string[] {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  return [
    verdict.attack,
    verdict.rate === 0 ? '-' : verdict.rate.toFixed(0),
    `${verdict.falseTakeovers}`,
    `${verdict.lapses}`,
    milliseconds(verdict.steadyGapUs),
    `${verdict.recovered ? '' : '> '}${milliseconds(verdict.outageUs)}`,
    `${verdict.takeovers}`,
    `${verdict.doubleAnswers}`,
    verdict.load.map(percent).join(', '),
    percent(verdict.stolen),
    verdict.alerts.join(' '),
  ];
}

const steadyMs = Number(process.argv[2] ?? 20) * 1000;
const yoke: YokeOptions = process.argv[3] === 'off' ? { beats: 'off' } : {};
const rows: string[][] = [];
for (const attack of [NO_ATTACK, ...ATTACKS]) {
  const verdict = await tryAttack(attack, { steadyMs, aftermathMs: AFTERMATH_MS, yoke });
  rows.push(row(verdict));
  process.stderr.write(`${row(verdict).join(', ')}\n`);
}
process.stdout.write(`${textTable([HEAD, ...rows])}\n`);
