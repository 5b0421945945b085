import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DrillResult } from '../rack/drill.ts';
import { benchTable, writeBlock } from './bench-table.ts';
import { spread } from './median.ts';

function result(kind: string, outageMs: number, recovered = true): DrillResult {
  return {
    kind,
    test: 'power loss',
    date: new Date(0),
    from: 'a',
    recovered,
    outageUs: outageMs * 1000,
    throughOutageUs: outageMs * 1000,
    vipOutageUs: outageMs * 1000,
    datagramsLost: 0,
    streams: 1,
    streamsPreserved: 1,
    states: { a: 'off', b: 'MASTER' },
    doubleAnswers: 0,
    probeErrorUs: 0,
  };
}

const COLUMNS = [
  { name: 'yoke', reference: 'yoke' },
  { name: 'other', reference: 'yoke' },
];

function row(results: readonly DrillResult[]): string | undefined {
  return benchTable('outage', COLUMNS, ['power loss'], results, (each) => each.outageUs).split(
    '\n',
  )[2];
}

test('the median of an even number of values lies between the two in the middle', () => {
  expect(spread([4, 1, 3, 10])).toEqual({ median: 3.5, low: 1, high: 10 });
  expect(spread([5])).toEqual({ median: 5, low: 5, high: 5 });
  expect(() => spread([])).toThrow(RangeError);
});

test('a cell holds median, range and the ratio to the reference', () => {
  const runs = [100, 120, 140].map((ms) => result('yoke', ms));
  const others = [300, 360, 500].map((ms) => result('other', ms));
  expect(row([...runs, ...others])).toBe('| power loss | 120 (100-140) | 360 (300-500), 3.0x |');
});

test('an outage that did not end is a minimum', () => {
  const runs = [result('yoke', 100), result('other', 12_000, false)];
  expect(row(runs)).toBe('| power loss | 100 | > 12000, 120x |');
});

test('only what stands between the markers is replaced', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bench-table-'));
  const page = join(directory, 'page.md');
  try {
    writeFileSync(page, 'before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n');
    expect(writeBlock(page, 'new')).toBe(true);
    const expected = 'before\n<!-- bench:start -->\nnew\n<!-- bench:end -->\nafter\n';
    expect(readFileSync(page, 'utf8')).toBe(expected);
    writeFileSync(page, 'no markers\n');
    expect(writeBlock(page, 'new')).toBe(false);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
