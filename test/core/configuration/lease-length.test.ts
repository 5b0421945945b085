// The lease is always over before anybody may take over.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkDocument } from '../../../firmware/core/configuration/document-check.ts';
import {
  leaseLength,
  RENEWAL_SLACK,
  SHORTEST_DEAD_TIME,
} from '../../../firmware/core/configuration/lease-length.ts';
import type { PairConfiguration } from '../../../firmware/core/configuration/pair-configuration.ts';
import {
  type Resolution,
  resolveConfiguration,
} from '../../../firmware/core/configuration/resolve-configuration.ts';
import { masterDownInterval } from '../../../firmware/core/election/interval.ts';
import { leaseOf } from '../../../firmware/core/node/group-plan.ts';
import { milliseconds } from '../../../firmware/core/time.ts';

const pace = fc.record({ advbase: fc.nat(255), advskew: fc.nat(254) });

describe('the lease', () => {
  test('is at most half of every dead time and at most 45 ms', () => {
    fc.assert(
      fc.property(fc.array(pace), (paces) => {
        const lease = leaseLength(paces, undefined);
        expect(lease).toBeLessThanOrEqual(45_000);
        for (const each of paces) expect(2 * lease).toBeLessThanOrEqual(masterDownInterval(each));
      }),
    );
  });

  test.each([
    [
      [
        { advbase: 1, advskew: 0 },
        { advbase: 1, advskew: 100 },
      ],
      45_000,
    ],
    [
      [
        { advbase: 0, advskew: 5 },
        { advbase: 0, advskew: 10 },
      ],
      29_296,
    ],
    [[{ advbase: 0, advskew: 2 }], 11_718],
    [[], 45_000],
  ])('%j: %i microseconds', (paces, length) => {
    expect(leaseLength(paces, undefined)).toBe(length);
  });

  test.each([
    [24, 16_000],
    [32, 24_000],
    [320, 45_000],
  ])('with beats that are missed for %i ms: %i microseconds', (deadTime, length) => {
    const beats = { deadTime: milliseconds(deadTime) };
    expect(leaseLength([{ advbase: 1, advskew: 0 }], beats)).toBe(length);
    expect(leaseLength([{ advbase: 0, advskew: 2 }], beats)).toBe(Math.min(11_718, length));
  });
});

describe('a configuration that is accepted', () => {
  const interval = fc.integer({ min: 0, max: 120 }).map((count) => ({ interval: `${count}ms` }));
  const advertise = fc.record({
    base: fc.oneof(fc.constant(0), fc.nat(3)),
    skew: fc.record({ primary: fc.nat(20), secondary: fc.nat(239) }),
  });
  const cluster = fc.record({
    cluster: fc.constant('c'),
    failover: fc.constantFrom('node', 'vip'),
    beats: fc.oneof(fc.constantFrom('normal', 'fast', 'off'), interval),
    advertise,
    vips: fc.constant([{ name: 'v', interface: 'lan', vhid: 1, address: '192.0.2.1/24' }]),
  });

  test('leaves a lease of 10 ms at least, and none that outlasts a dead time', () => {
    let accepted = 0;
    fc.assert(
      fc.property(cluster, fc.constantFrom('primary', 'secondary'), (document, role) => {
        const configuration = resolved(document, role);
        if (configuration === undefined) return;
        accepted += 1;
        const lease = leaseOf(configuration);
        expect(lease).toBeGreaterThanOrEqual(SHORTEST_DEAD_TIME / 2);
        for (const { advbase, advskew, peerAdvskew } of configuration.vips) {
          for (const skew of [advskew, peerAdvskew]) {
            expect(2 * lease).toBeLessThanOrEqual(masterDownInterval({ advbase, advskew: skew }));
          }
        }
        expect(configuration.beats === undefined).toBe(document.beats === 'off');
        if (configuration.beats === undefined) return;
        const { deadTime, interval: between } = configuration.beats;
        expect(lease + RENEWAL_SLACK).toBeLessThanOrEqual(deadTime);
        expect(deadTime).toBeGreaterThanOrEqual(Math.trunc((between * 14) / 5));
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  function resolved(document: unknown, role: string): PairConfiguration | undefined {
    const sync = { device: 'eth2', address: '172.16.1.1/30', peer: '172.16.1.2' };
    const lan = { device: 'eth1', address: '192.0.2.2/24' };
    const node = checkDocument('node', { node: 'a', role, interfaces: { lan, sync } });
    const checked = checkDocument('cluster', document);
    if (!node.ok || !checked.ok) return undefined;
    const resolution: Resolution = resolveConfiguration({
      node: node.value,
      cluster: checked.value,
      derivePassword: () => new Uint8Array(19),
      beatKey: new Uint8Array(32),
      clusterHash: '0000000000000000',
    });
    return resolution.ok ? resolution.configuration : undefined;
  }
});
