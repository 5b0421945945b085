// Many drills of many kinds, as one Markdown table: a row per fault, a column per kind, in each
// cell the median outage, its range and how it compares with the first kind of the same class.
import { readFileSync, writeFileSync } from 'node:fs';
import type { DrillName, DrillResult } from '../rack/drill.ts';
import { milliseconds } from '../rack/drill-report.ts';
import { spread } from './median.ts';

export interface BenchColumn {
  readonly name: string;
  /** The column its ratios refer to; its own name for the reference itself. */
  readonly reference: string;
}

export type Outage = (result: DrillResult) => number;

export function benchTable(
  title: string,
  columns: readonly BenchColumn[],
  tests: readonly DrillName[],
  results: readonly DrillResult[],
  outageOf: Outage,
): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cell = (test: DrillName, column: BenchColumn) => {
    const of = (name: string) =>
      results.filter((result) => result.test === test && result.kind === name);
    return cellText(
      of(column.name),
      column.name === column.reference ? [] : of(column.reference),
      outageOf,
    );
  };
  return [
    row([title, ...columns.map(({ name }) => name)]),
    row(['---', ...columns.map(() => '---:')]),
    ...tests.map((test) => row([test, ...columns.map((column) => cell(test, column))])),
  ].join('\n');
}

function cellText(
  runs: readonly DrillResult[],
  reference: readonly DrillResult[],
  outageOf: Outage,
): string {
  if (runs.length === 0) return '';
  const { median, low, high } = spread(runs.map(outageOf));
  const recovered = runs.every((run) => run.recovered);
  const range = runs.length > 1 ? ` (${milliseconds(low)}-${milliseconds(high)})` : '';
  const text = `${recovered ? '' : '> '}${milliseconds(median)}${range}`;
  if (reference.length === 0) return text;
  const ratio = median / spread(reference.map(outageOf)).median;
  return `${text}, ${ratio.toFixed(ratio < 10 ? 1 : 0)}x`;
}

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** Replaces what stands between the markers. False when the page has no markers. */
export function writeBlock(page: string, block: string): boolean {
  const text = readFileSync(page, 'utf8');
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start < 0 || end < start) return false;
  writeFileSync(page, `${text.slice(0, start + START.length)}\n${block}\n${text.slice(end)}`);
  return true;
}
