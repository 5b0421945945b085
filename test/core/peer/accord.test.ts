/**
 * Never both, never nobody: two relations through lossy cables, stops at any point of a turn,
 * restarts and changes of standing.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calm, live } from './relation-life.ts';

/** How long until the pair has found its place after the last fault, with delays of preemption. */
const QUIET = 1_500_000;

describe('whatever happens', () => {
  const seeds = fc.integer({ min: 0, max: 2 ** 31 });

  it('never both serve', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        live(seed, 30);
      }),
      { numRuns: 300 },
    );
  });

  it('after quiet the better one serves, and stays', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const pair = live(seed, 15);
        calm(pair);
        pair.run(QUIET);
        expect(pair.serving, pair.log.slice(-30).join('\n')).toBe('a');
        const moves = pair.log.length;
        pair.run(QUIET);
        expect(pair.log.length).toBe(moves);
      }),
      { numRuns: 100 },
    );
  });
});
