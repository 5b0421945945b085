// A status document for tests: the primary of the example pair, MASTER for two minutes.
import type { PeerSnapshot, Snapshot } from '../../../firmware/core/telemetry/snapshot.ts';

export function exampleSnapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    schema: 1,
    time: '2026-03-01T12:00:00.000Z',
    version: '0.1.0',
    node: 'office-a',
    cluster: 'branch-042',
    role: 'primary',
    board: null,
    failover: 'node',
    state: 'MASTER',
    since: '2026-03-01T11:57:55.000Z',
    reason: 'the other node said good-bye',
    maintenance: false,
    vips: [
      {
        name: 'wan',
        interface: 'wan',
        vhid: 200,
        address: '198.51.100.200/24',
        aliases: [],
        state: 'MASTER',
        advbase: 1,
        advskew: 0,
      },
      {
        name: 'lan',
        interface: 'lan',
        vhid: 1,
        address: '192.168.1.1/24',
        aliases: ['192.168.1.4/24', '2001:db8:1::1/64'],
        state: 'MASTER',
        advbase: 1,
        advskew: 0,
      },
    ],
    links: [
      {
        name: 'wan',
        device: 'eth0',
        present: true,
        carrier: true,
        addresses: ['198.51.100.201/24', 'fe80::ff:fe00:1/64'],
      },
      { name: 'lan', device: 'eth1', present: true, carrier: false, addresses: [] },
    ],
    demotions: [],
    peer: strangePeer({
      reachable: true,
      heard: [{ vip: 'lan', source: '192.168.1.3', advbase: 1, advskew: 100, agoMs: 125_300 }],
    }),
    flows: null,
    config: {
      revision: 1,
      hash: '0123456789abcdef'.repeat(4),
      peerHash: '0123456789abcdef'.repeat(4),
      lastSync: '2026-03-01T11:59:00.000Z',
      sync: 'synced',
      errors: [],
    },
    alerts: [],
    counters: { 'advertisements.sent': 42 },
    pid: 4711,
    uptime: 100_000,
    realtime: { priority: 50, latenessMaxMs: 0.31 },
    ...changes,
  };
}

/** A peer that speaks CARP only. */
export function strangePeer(
  told: Pick<PeerSnapshot, 'reachable' | 'heard'> & Partial<PeerSnapshot>,
): PeerSnapshot {
  return {
    verdict: 'unknown',
    node: null,
    role: null,
    state: null,
    health: null,
    demotion: null,
    lastBeatMs: null,
    sameConfiguration: null,
    paths: [],
    ...told,
  };
}

/** The secondary of the example pair, telling about itself in beats. */
export function beatingPeer(changes: Partial<PeerSnapshot> = {}): PeerSnapshot {
  return {
    reachable: true,
    verdict: 'alive',
    node: 'office-b',
    role: 'secondary',
    state: 'BACKUP',
    health: 2,
    demotion: 0,
    lastBeatMs: 8.2,
    sameConfiguration: true,
    paths: [
      { interface: 'sync', address: '172.16.1.2', up: true, lastBeatMs: 8.2 },
      { interface: 'lan', address: '192.168.1.3', up: true, lastBeatMs: 130 },
      { interface: 'wan', address: '198.51.100.202', up: true, lastBeatMs: 212.7 },
    ],
    heard: [],
    ...changes,
  };
}
