/** Which VIPs move together, and how long they may be used unheard. */
import { describe, expect, it } from 'vitest';
import {
  GroupNumbers,
  groupId,
  leaseOf,
  plannedGroups,
} from '../../../firmware/core/node/group-plan.ts';
import { configurationOf } from './node-stage.ts';

describe('groups', () => {
  it.each([
    ['node', [['node', ['wan', 'lan']]]],
    [
      'vip',
      [
        ['vip:wan', ['wan']],
        ['vip:lan', ['lan']],
      ],
    ],
  ] as const)('with failover: %s', (failover, expected) => {
    const configuration = configurationOf({ failover });
    const groups = plannedGroups(configuration);
    expect(groups.map(({ name, members }) => [name, members.map((each) => each.name)])).toEqual(
      expected,
    );
    for (const vip of configuration.vips) {
      const group = groups.find(({ id }) => id === groupId(configuration, vip));
      expect(group?.members.map(({ name }) => name)).toContain(vip.name);
    }
  });

  it('keep their numbers', () => {
    const numbers = new GroupNumbers();
    expect([numbers.of('a'), numbers.of('b'), numbers.of('a')]).toEqual([1, 2, 1]);
  });
});

describe('the lease', () => {
  it('is short enough for the most impatient of both nodes', () => {
    expect(leaseOf(configurationOf())).toBe(45_000);
    expect(leaseOf(configurationOf({ base: 0, skew: { primary: 10, secondary: 5 } }))).toBe(29_296);
  });
});
