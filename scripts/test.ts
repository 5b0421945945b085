/**
 * Runs every suite, or those whose path contains one of the arguments, and ends with one line:
 * `N passed, N failed`. With TOTAL_FILE set the line goes to that file instead (`.ci/run` adds up).
 */
import { appendFileSync } from 'node:fs';
import { totalLine } from './test-total.ts';
import { vitestRun } from './vitest-run.ts';

const total = vitestRun(process.argv.slice(2));
const file = process.env['TOTAL_FILE'];
if (file === undefined) console.log(totalLine(total));
else appendFileSync(file, `${totalLine(total)}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
