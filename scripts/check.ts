/**
 * What needs no root and no network: types, lint and format, and the rules of the house. All three
 * run even when the first fails, so that one round shows everything.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { totalLine } from './test-total.ts';
import { vitestRun } from './vitest-run.ts';

const root = dirname(import.meta.dirname);
const colors = `--colors=${process.stdout.isTTY ? 'force' : 'off'}`;

function succeeds(tool: string, ...args: readonly string[]): boolean {
  // The tools are started by the pinned Node too, whatever other one the machine has.
  const bin = join(root, 'node_modules/.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
  return spawnSync(join(bin, tool), args, { cwd: root, env, stdio: 'inherit' }).status === 0;
}

const house = vitestRun(['test/house']);
const steps: readonly (readonly [string, boolean])[] = [
  ['types', succeeds('tsc', '--noEmit')],
  ['lint and format', succeeds('biome', 'ci', '--error-on-warnings', colors, '.')],
  ['rules of the house', house.failed === 0],
];
for (const [step, good] of steps) console.log(`check: ${step}: ${good ? 'ok' : 'FAILED'}`);

// In a full run `make test` counts the tests of the house, so only the two tools are told.
const tools = steps.slice(0, 2).map(([, good]) => good);
const passed = tools.filter((good) => good).length;
const failed = tools.length - passed;
const file = process.env['TOTAL_FILE'];
if (file === undefined) {
  console.log(totalLine({ passed: passed + house.passed, failed: failed + house.failed }));
} else {
  appendFileSync(file, `${totalLine({ passed, failed })}\n`);
}
process.exitCode = steps.every(([, good]) => good) ? 0 : 1;
