/** The status document as the machine's state makes it. */
import { describe, expect, it } from 'vitest';
import { nodeSnapshot } from '../../../firmware/core/node/node-snapshot.ts';
import type { PairPlan } from '../../simulator/pair-plan.ts';
import { heard, NodeStage, seen } from './node-stage.ts';

const WALL = Date.UTC(2026, 2, 1, 12);
const snapshotOf = ({ node, now }: NodeStage) => nodeSnapshot(node, { now, wallClock: WALL });

describe('the snapshot', () => {
  it('of a node that serves names the state, since when and why', () => {
    const stage = new NodeStage({ dualStack: true }).serve().wait(1_500);
    expect(snapshotOf(stage)).toMatchObject({
      schema: 1,
      time: '2026-03-01T12:00:00.000Z',
      node: 'primary',
      state: 'MASTER',
      since: '2026-03-01T11:59:59.998Z',
      reason: 'nothing heard from a master',
      maintenance: false,
      demotions: [],
      alerts: [],
    });
    expect(snapshotOf(stage).vips[1]).toEqual({
      name: 'lan',
      interface: 'lan',
      vhid: 1,
      address: '192.168.1.1/24',
      aliases: ['2001:db8:1::1/64'],
      state: 'MASTER',
      advbase: 1,
      advskew: 0,
    });
  });

  it('shows demotions with their ends, and the skew they lead to', () => {
    const stage = new NodeStage().serve();
    stage.turn(seen('lan', { carrier: false }));
    const { demotions, vips, links, alerts } = snapshotOf(stage);
    const now = '2026-03-01T12:00:00.000Z';
    const lost = { reason: 'link:lan', weight: 240, owner: 'link-watch', expires: null };
    expect(demotions).toEqual([{ ...lost, since: now }]);
    expect(vips.map(({ advskew }) => advskew)).toEqual([240, 240]);
    expect(links[1]).toMatchObject({ name: 'lan', device: 'eth1', present: true, carrier: false });
    expect(alerts.map(({ code }) => code)).toEqual(['link:lan']);
  });

  it('before anything was seen is INIT', () => {
    expect(snapshotOf(new NodeStage())).toMatchObject({ state: 'INIT', reason: 'started' });
    expect(snapshotOf(new NodeStage()).links[0]).toMatchObject({ present: false, addresses: [] });
  });
});

describe('the peer', () => {
  const peerAfter = (span: number, pair: Partial<PairPlan>, pace: string) => {
    const stage = new NodeStage(pair).boot();
    stage.turn(heard('lan', pace));
    return snapshotOf(stage.wait(span)).peer.reachable;
  };

  it('is reachable for as long as the election waits for it', () => {
    const fast = { base: 0, skew: { primary: 5, secondary: 10 } };
    expect(peerAfter(2_999_999, {}, '1/0')).toBe(true);
    expect(peerAfter(3_000_000, {}, '1/0')).toBe(false);
    expect(peerAfter(117_185, fast, '0/10')).toBe(true);
    expect(peerAfter(117_186, fast, '0/10')).toBe(false);
  });

  it('is not known to a MASTER that hears nothing', () => {
    const stage = new NodeStage().serve();
    expect(snapshotOf(stage).peer).toEqual({
      reachable: null,
      verdict: 'unknown',
      node: null,
      role: null,
      state: null,
      health: null,
      demotion: null,
      lastBeatMs: null,
      sameConfiguration: null,
      paths: [],
      heard: [],
    });
    stage.turn(heard('lan', '1/100'));
    expect(snapshotOf(stage.wait(7_000)).peer).toMatchObject({
      reachable: true,
      heard: [{ vip: 'lan', source: '192.168.1.3', advbase: 1, advskew: 100, agoMs: 7 }],
    });
  });
});
