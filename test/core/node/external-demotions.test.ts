/** Demotions of other processes: believed for a while, and not before the peer can see the same. */
import { expect, test } from 'vitest';
import { ExternalDemotions } from '../../../firmware/core/node/external-demotions.ts';
import { instant, seconds } from '../../../firmware/core/time.ts';

const at = (count: number) => instant(count * 1_000_000);
const wan1 = { reason: 'target:wan1', weight: 50, patience: seconds(2) };
const report = (...demotions: (typeof wan1)[]) => ({
  owner: 'gateways',
  demotions,
  lasts: seconds(5),
});
const raised = { kind: 'raise', reason: 'target:wan1', owner: 'gateways', weight: 50 };
const cleared = { kind: 'clear', reason: 'target:wan1' };

test('a BACKUP is demoted at once and forgiven after the patience', () => {
  const external = new ExternalDemotions();
  external.take(report(wan1), at(0));
  expect(external.settle(false, at(0))).toEqual([raised]);
  external.take(report(), at(1));
  expect(external.settle(false, at(2.9))).toEqual([]);
  expect(external.nextTimeout()).toBe(at(3));
  expect(external.settle(false, at(3))).toEqual([cleared]);
  expect(external.nextTimeout()).toBeUndefined();
});

test('a MASTER is demoted after the patience and forgiven at once', () => {
  const external = new ExternalDemotions();
  external.take(report(wan1), at(0));
  expect(external.settle(true, at(1.9))).toEqual([]);
  expect(external.nextTimeout()).toBe(at(2));
  expect(external.settle(true, at(2))).toEqual([raised]);
  external.take(report(), at(3));
  expect(external.settle(true, at(3))).toEqual([cleared]);
});

test('what passes within the patience of a MASTER never counted', () => {
  const external = new ExternalDemotions();
  external.take(report(wan1), at(0));
  external.settle(true, at(1));
  external.take(report(), at(1));
  expect([external.settle(true, at(1)), external.nextTimeout()]).toEqual([[], undefined]);
});

test('a report that is not renewed lapses, one that is renewed stays', () => {
  const external = new ExternalDemotions();
  external.take(report(wan1), at(0));
  external.settle(false, at(0));
  external.take(report(wan1), at(4));
  expect(external.settle(true, at(8.9))).toEqual([raised]);
  expect(external.settle(true, at(9))).toEqual([cleared]);
});

test('an owner speaks for its own reasons only', () => {
  const external = new ExternalDemotions();
  const dhcp = { reason: 'service:dhcp', weight: 20, patience: seconds(0) };
  external.take(report(wan1), at(0));
  external.take({ owner: 'services', demotions: [dhcp], lasts: seconds(60) }, at(0));
  external.settle(false, at(0));
  external.take(report(), at(1));
  expect(external.settle(false, at(3))).toEqual([
    cleared,
    { kind: 'raise', reason: 'service:dhcp', owner: 'services', weight: 20 },
  ]);
});

test('a weight that changes is told again', () => {
  const external = new ExternalDemotions();
  external.take(report(wan1), at(0));
  external.settle(false, at(0));
  external.take(report({ ...wan1, weight: 80 }), at(1));
  expect(external.settle(false, at(1))).toEqual([{ ...raised, weight: 80 }]);
});
