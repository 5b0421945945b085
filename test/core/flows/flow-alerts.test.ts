/** What people are told of the replication, and when a node stops waiting for it. */
import { describe, expect, it } from 'vitest';
import { FlowAlerts } from '../../../firmware/core/flows/flow-alerts.ts';
import { type Instant, instant } from '../../../firmware/core/time.ts';

const NOW = instant(1_000_000);
const inSeconds = (count: number): Instant => instant(NOW + count * 1_000_000);
const codes = (alerts: FlowAlerts, at = NOW): string[] => alerts.list(at).map(({ code }) => code);

describe('a direction that stands still', () => {
  it('is named with its cause, until it goes on', () => {
    const alerts = new FlowAlerts(NOW);
    alerts.take({ kind: 'stopped', direction: 'out', cause: 'unheard' }, NOW);
    alerts.take({ kind: 'stopped', direction: 'in', cause: 'silent' }, NOW);
    expect(alerts.list(NOW).map(({ text }) => text)).toEqual([
      'replication of flows to the peer has stopped: the peer does not hear this node',
      'replication of flows from the peer has stopped: the peer says nothing',
    ]);
    alerts.take({ kind: 'resumed', direction: 'out' }, NOW);
    expect(codes(alerts)).toEqual(['flows-stopped:in']);
  });
});

it('tables that differ by much are an alert until they do not', () => {
  const alerts = new FlowAlerts(NOW);
  alerts.take({ kind: 'divergence', percent: 1, high: false }, NOW);
  expect(codes(alerts)).toEqual([]);
  alerts.take({ kind: 'divergence', percent: 7.25, high: true }, NOW);
  expect(alerts.list(NOW)[0]?.text).toMatch(/^7\.3 %|^7\.2 %/);
  alerts.take({ kind: 'divergence', percent: 4, high: false }, NOW);
  expect(codes(alerts)).toEqual([]);
});

it('a warning about the kernel lapses when it is not said again', () => {
  const alerts = new FlowAlerts(NOW);
  alerts.warn('events', 'nf_conntrack_events is 0', NOW);
  expect(codes(alerts)).toEqual(['flows-kernel:events']);
  expect(codes(alerts, inSeconds(61))).toEqual([]);
});

describe('a node waits', () => {
  it('until the flows of the peer are here', () => {
    const alerts = new FlowAlerts(NOW);
    alerts.take({ kind: 'session', peerEpoch: 7 }, NOW);
    expect(alerts.isReady(inSeconds(30))).toBe(false);
    alerts.take({ kind: 'joined' }, NOW);
    expect(alerts.isReady(NOW)).toBe(true);
  });

  it('for a peer that is there, and says so when it was in vain', () => {
    const alerts = new FlowAlerts(NOW);
    alerts.take({ kind: 'session', peerEpoch: 7 }, NOW);
    alerts.take({ kind: 'join-overdue' }, NOW);
    expect(alerts.isReady(NOW)).toBe(true);
    expect(codes(alerts)).toEqual(['flows-join']);
  });

  it('no more than a few seconds for one that is not', () => {
    const alerts = new FlowAlerts(NOW);
    expect(alerts.isReady(inSeconds(4))).toBe(false);
    expect(alerts.isReady(inSeconds(5))).toBe(true);
    alerts.take({ kind: 'join-overdue' }, NOW);
    expect(codes(alerts)).toEqual([]);
  });
});
