/**
 * `make simulate-mutants`: plants each fault of mutants.ts in a copy of the sources and lets the
 * simulator look for it. Fails when one survives.
 *
 *     simulate-mutants.ts [name part] ...
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MUTANTS, type Mutant } from './mutants.ts';

/** How long the simulator may look for one, simulated. */
const HOURS = 10;
const FIRST_SEED = 1;
const COPIED = ['firmware', 'test/simulator', 'package.json', 'tsconfig.json'];
const NAME_WIDTH = 32;

const root = dirname(dirname(import.meta.dirname));

interface Outcome {
  readonly caught: boolean;
  readonly text: string;
}

const asked = process.argv.slice(2);
const mutants = MUTANTS.filter(
  ({ name }) => asked.length === 0 || asked.some((part) => name.includes(part)),
);
const folders = new Set<string>();
const waiting = [...mutants];
const survivors: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
await Promise.all(Array.from({ length: availableParallelism() }, () => work()));
console.log(`${mutants.length - survivors.length} of ${mutants.length} planted faults were found`);
process.exitCode = survivors.length === 0 ? 0 : 1;

async function work(): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const { caught, text } = await hunt(mutant);
    if (!caught) survivors.push(mutant.name);
    console.log(`${mutant.name.padEnd(NAME_WIDTH)} ${caught ? 'caught' : 'SURVIVED'}  ${text}`);
  }
}

async function hunt(mutant: Mutant): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'yoke-mutant-'));
  folders.add(folder);
  try {
    for (const path of COPIED) cpSync(join(root, path), join(folder, path), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    plant(mutant, folder);
    return await search(folder);
  } finally {
    rmSync(folder, { recursive: true });
    folders.delete(folder);
  }
}

/** A seed that fails without the planted fault too shows nothing: the next ones are tried. */
async function search(folder: string): Promise<Outcome> {
  for (let first = FIRST_SEED; ; ) {
    const { failed, text, seed } = await simulate(folder, first);
    if (!failed) return { caught: false, text };
    if (!(await simulate(root, seed, true)).failed) return { caught: true, text };
    first = seed + 1;
  }
}

function plant({ name, file, search, replace }: Mutant, folder: string): void {
  const path = join(folder, 'firmware', file);
  const parts = readFileSync(path, 'utf8').split(search);
  if (parts.length !== 2) {
    const found = `found ${parts.length - 1} times in firmware/${file}`;
    throw new Error(`mutants.ts: the search text of ${name} must occur once, but was ${found}`);
  }
  writeFileSync(path, parts.join(replace));
}

interface Search {
  readonly failed: boolean;
  /** The first that failed. */
  readonly seed: number;
  readonly text: string;
}

/** From a seed on until one fails, or only that one. */
function simulate(folder: string, seed: number, isOnlyOne = false): Promise<Search> {
  const script = join(folder, 'test/simulator/simulate.ts');
  const hours = isOnlyOne ? 0 : HOURS;
  const options = ['--first', '--seed', `${seed}`, '--hours', `${hours}`, '--workers', '1'];
  return new Promise((done, refused) => {
    const child = spawn(process.execPath, [script, ...options], { cwd: folder });
    const output: string[] = [];
    child.stdout.on('data', (chunk) => output.push(String(chunk)));
    child.stderr.on('data', (chunk) => output.push(String(chunk)));
    child.on('error', refused);
    child.on('close', (code) => {
      const lines = output.join('').split('\n');
      const at = lines.findIndex((line) => line.includes('FAILED'));
      const found = Number(/^seed (\d+)/.exec(lines[at] ?? '')?.[1]);
      if (code !== 0 && at === -1) return refused(new Error(output.join('')));
      const text = at === -1 ? lines.at(-2) : `seed ${found}: ${lines[at + 1]?.trim()}`;
      done({ failed: code !== 0, seed: found, text: text?.trim() ?? '' });
    });
  });
}
