/** Runs vitest with the pinned Node, shows its output, and returns the total. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Report, type TestTotal, testTotal } from './test-total.ts';

const root = dirname(import.meta.dirname);

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined; // vitest died before it wrote one: testTotal counts that as a failure
  }
}

/** @param filters path parts of the test files to run; none means all. */
export function vitestRun(filters: readonly string[]): TestTotal {
  // Not in build/: a report written by root would be in the way of the next ordinary user.
  const folder = mkdtempSync(join(tmpdir(), 'yoke-test-'));
  const file = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--configLoader=native'];
  const args = [...vitest, ...reporters, ...filters];
  try {
    const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
    return testTotal(readReport(file), status);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
