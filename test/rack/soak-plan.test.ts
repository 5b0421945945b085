import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SOAK_FAULTS, soakPlan } from './soak-plan.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test('a seed always gives the same plan', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      expect(soakPlan(seed, 50)).toEqual(soakPlan(seed, 50));
    }),
  );
});

test('a longer plan begins with the shorter one', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      expect(soakPlan(seed, 80).slice(0, 30)).toEqual(soakPlan(seed, 30));
    }),
  );
});

test('at most two faults overlap, and never on one node', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const plan = soakPlan(seed, 200);
      for (const [index, step] of plan.entries()) {
        if (!step.overlaps) continue;
        expect(plan[index - 1]).toMatchObject({ overlaps: false });
        expect(plan[index - 1]?.node).not.toBe(step.node);
      }
    }),
  );
});

test('two hundred steps meet every fault on both nodes, some at the same time', () => {
  const plan = soakPlan(1, 200);
  const met = new Set(plan.map(({ node, fault }) => `${node} ${fault}`));
  expect(met.size).toBe(2 * SOAK_FAULTS.length);
  expect(plan.some(({ overlaps }) => overlaps)).toBe(true);
});
