/**
 * Connections through a pair that random faults befall: what was acknowledged survives every
 * takeover, and in the end both nodes have the same (carried-flows.ts).
 *
 * PAIR_SEED=n begins elsewhere, PAIR_LIVES=n lives more; lives without beats carry nothing.
 */
import { expect, it } from 'vitest';
import { RandomRun } from './random-run.ts';

const first = Number(process.env['PAIR_SEED'] ?? 1);
const count = Number(process.env['PAIR_LIVES'] ?? 24);
const LONGEST = 240_000;

it(
  'connections survive what befalls the pair',
  () => {
    const failures: string[] = [];
    let takeovers = 0;
    for (let seed = first; seed < first + count; seed += 1) {
      const run = new RandomRun(seed, undefined, true);
      if (run.flows === undefined) continue;
      failures.push(...run.judge().map((text) => `seed ${seed}: ${text}`));
      takeovers += run.flows.takeovers;
    }
    expect(failures).toEqual([]);
    if (first === 1 && count >= 12) expect(takeovers).toBeGreaterThan(20);
  },
  LONGEST,
);
