/**
 * Random lives of two nodes that replicate flows (flow-life.ts), the same ones in every run.
 *
 * FLOW_SEED=n begins elsewhere, FLOW_LIVES=n lives more of them. A failure names its seed and tells
 * what happened in that life.
 */
import { describe, expect, it } from 'vitest';
import { FlowLife } from './flow-life.ts';

const first = Number(process.env['FLOW_SEED'] ?? 1);
const count = Number(process.env['FLOW_LIVES'] ?? 8);
const LENGTH_MS = 8_000;

/** Which deeds happen: each group on its own shows what all together may hide. */
const GROUPS: Readonly<Record<string, readonly string[] | undefined>> = {
  'bad cables and processes': ['weather', 'cable', 'process', 'barrier'],
  'forgetful kernels': ['weather', 'stall', 'overrun', 'lapse', 'barrier'],
  handovers: ['weather', 'handover', 'lapse', 'barrier'],
  'power losses': ['weather', 'power', 'lapse'],
  splits: ['weather', 'split'],
  everything: undefined,
};

describe.each(Object.entries(GROUPS))('lives with %s', (name, deeds) => {
  it('break no promise, and end with two equal tables', () => {
    for (let seed = first; seed < first + count; seed += 1) {
      const life = new FlowLife(seed, deeds);
      const wrongs = life.live(LENGTH_MS);
      const story = `seed ${seed} of ${name}:\n${life.log.join('\n')}`;
      expect(wrongs.slice(0, 10), story).toEqual([]);
    }
  });
});
