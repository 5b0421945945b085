/**
 * Random lives of a pair keep all promises of judge.ts; `make simulate` lives through more of them.
 *
 * A failing seed goes into open-seeds.txt with a word on what it found, and from there into
 * known-seeds.txt when that is mended. YOKE_SEED=n runs one seed and prints what happened in it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RandomRun } from './random-run.ts';

const SEEDS = 60;
const BATCH = 4;
/** Milliseconds for a batch, on a machine that has other things to do too. */
const LONGEST = 240_000;

const seedsIn = (name: string): readonly number[] =>
  readFileSync(join(import.meta.dirname, name), 'utf8')
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => Number.parseInt(line, 10));

const knownSeeds = seedsIn('known-seeds.txt');
const openSeeds = new Set(seedsIn('open-seeds.txt'));

function broken(seeds: readonly number[]): string[] {
  return seeds.flatMap((seed) =>
    new RandomRun(seed).judge().map((failure) => `seed ${seed}: ${failure}`),
  );
}

const asked = process.env['YOKE_SEED'];

describe('a pair under random faults', () => {
  if (asked !== undefined) {
    it(`seed ${asked}`, () => {
      const run = new RandomRun(Number(asked));
      const failures = run.judge();
      process.stdout.write(`${run.simulation.chronicle.lines().join('\n')}\n`);
      expect(failures).toEqual([]);
    });
    return;
  }

  it(
    'keeps its promises for seeds that once broke them',
    () => {
      expect(knownSeeds.length).toBeGreaterThan(0);
      expect(broken(knownSeeds)).toEqual([]);
    },
    LONGEST,
  );

  const batches = Array.from({ length: SEEDS / BATCH }, (_, index) => index * BATCH);
  it.each(batches)(
    'keeps its promises, seeds from %i',
    (first) => {
      const seeds = Array.from({ length: BATCH }, (_, index) => first + index);
      expect(broken(seeds.filter((seed) => !openSeeds.has(seed)))).toEqual([]);
    },
    LONGEST,
  );
});
