// Who is measured, how often, and under which name.
import type { DrillName } from '../rack/drill.ts';
import type { PairKind } from '../rack/pair-kind.ts';
import { KEEPALIVED_PAIRS, UCARP_PAIR } from '../rack/peers/rivals.ts';
import type { YokeOptions } from '../rack/yoke-configuration.ts';
import { YokePair } from '../rack/yoke-pair.ts';

export const BENCH_TESTS = [
  'power loss',
  'silent node',
  'LAN cable',
  'WAN cable',
  'planned handover',
] as const satisfies readonly DrillName[];

export type BenchTest = (typeof BENCH_TESTS)[number];

export interface BenchEntry {
  readonly kind: PairKind;
  readonly runs: Readonly<Record<BenchTest, number>>;
}

/** What the other columns are compared with. */
export const REFERENCE = 'yoke';

/** Nothing moves back by itself, so that each drill begins where the one before ended. */
const STAYS: YokeOptions = { preempt: { enabled: false, delay: '1s' } };

function runs(deaths: number, others: number): Readonly<Record<BenchTest, number>> {
  return {
    'power loss': deaths,
    'silent node': deaths,
    'LAN cable': others,
    'WAN cable': others,
    'planned handover': others,
  };
}

/** Where seconds are measured a few runs tell as much as many where milliseconds are. */
export const BENCH_PLAN: readonly BenchEntry[] = [
  { kind: new YokePair(STAYS, REFERENCE), runs: runs(50, 10) },
  { kind: new YokePair({ ...STAYS, beats: 'fast' }, 'yoke fast'), runs: runs(10, 4) },
  { kind: new YokePair({ ...STAYS, beats: 'off' }, 'yoke without beats'), runs: runs(2, 2) },
  ...KEEPALIVED_PAIRS.map((kind, index) => ({ kind, runs: index < 2 ? runs(3, 2) : runs(2, 2) })),
  { kind: UCARP_PAIR, runs: runs(1, 1) },
];
