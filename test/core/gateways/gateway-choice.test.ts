/** Which members of a group are in use. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GatewayMember } from '../../../firmware/core/configuration/routing-configuration.ts';
import { gatewayChoice } from '../../../firmware/core/gateways/gateway-choice.ts';
import type { GatewayLevel, GatewayState } from '../../../firmware/core/gateways/gateway-states.ts';
import { exampleGroup } from './example-routing.ts';

const MEMBERS: readonly GatewayMember[] = [
  { gateway: 'a', tier: 1, weight: 3 },
  { gateway: 'b', tier: 1, weight: 1 },
  { gateway: 'c', tier: 2, weight: 1 },
];

interface Known {
  readonly state: GatewayState;
  readonly lossLevel: GatewayLevel;
  readonly latencyLevel: GatewayLevel;
}
const UP: Known = { state: 'up', lossLevel: 'up', latencyLevel: 'up' };
const DOWN: Known = { state: 'down', lossLevel: 'down', latencyLevel: 'up' };
const LOSSY: Known = { state: 'warn', lossLevel: 'warn', latencyLevel: 'up' };
const SLOW: Known = { state: 'warn', lossLevel: 'up', latencyLevel: 'warn' };

function chosen(
  states: Readonly<Record<string, Known>>,
  trigger: 'down' | 'loss' | 'latency' | 'warn' = 'down',
  former?: readonly string[],
): string {
  const group = exampleGroup({ members: MEMBERS, trigger });
  const known = former && MEMBERS.filter(({ gateway }) => former.includes(gateway));
  return gatewayChoice(group, new Map(Object.entries(states)), known)
    .map(({ gateway, weight }) => `${gateway}*${weight}`)
    .join(' ');
}

test('the lowest tier shares, without those that are down', () => {
  expect(chosen({ a: UP, b: UP, c: UP })).toBe('a*3 b*1');
  expect(chosen({ a: DOWN, b: UP, c: UP })).toBe('b*1');
  expect(chosen({ a: DOWN, b: DOWN, c: UP })).toBe('c*1');
});

test('nothing known yet is used', () => {
  expect(chosen({})).toBe('a*3 b*1');
  expect(chosen({ a: { ...UP, state: 'unknown' }, b: DOWN, c: UP })).toBe('a*3');
});

test('the trigger decides what a warning does', () => {
  const states = { a: LOSSY, b: SLOW, c: UP };
  expect(chosen(states, 'down')).toBe('a*3 b*1');
  expect(chosen(states, 'loss')).toBe('b*1');
  expect(chosen(states, 'latency')).toBe('a*3');
  expect(chosen(states, 'warn')).toBe('c*1');
});

test('a warned gateway is better than none', () => {
  expect(chosen({ a: LOSSY, b: DOWN, c: DOWN }, 'warn')).toBe('a*3');
});

test('when all are down what was used last stays', () => {
  const states = { a: DOWN, b: DOWN, c: DOWN };
  expect(chosen(states, 'down', ['c'])).toBe('c*1');
  expect(chosen(states)).toBe('a*3 b*1');
});

test('never nobody, never one that is down beside one that is not, one tier at a time', () => {
  const known = fc.constantFrom(UP, DOWN, LOSSY, SLOW);
  const members = fc
    .uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 })
    .chain((numbers) =>
      fc.tuple(
        ...numbers.map((number) =>
          fc.record({
            gateway: fc.constant(`g${number}`),
            tier: fc.integer({ min: 1, max: 3 }),
            weight: fc.constant(1),
            known,
          }),
        ),
      ),
    );
  const trigger = fc.constantFrom('down', 'loss', 'latency', 'warn' as const);
  fc.assert(
    fc.property(members, trigger, (all, given) => {
      const group = exampleGroup({ members: all, trigger: given });
      const reports = new Map<string, Known>(all.map((each) => [each.gateway, each.known]));
      const found = gatewayChoice(group, reports, undefined);
      expect(found.length).toBeGreaterThan(0);
      expect(new Set(found.map(({ tier }) => tier)).size).toBe(1);
      const isDown = ({ gateway }: GatewayMember) => reports.get(gateway)?.state === 'down';
      if (!all.every(isDown)) expect(found.some(isDown)).toBe(false);
      const tier = found[0]?.tier ?? 0;
      const lower = all.filter((each) => each.tier < tier && reports.get(each.gateway) === UP);
      expect(lower).toEqual([]);
    }),
    { seed: 11, numRuns: 500 },
  );
});
