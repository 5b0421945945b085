/** A segment that is broken between the nodes is named. */
import { describe, expect, it } from 'vitest';
import type { VipConfiguration } from '../../../firmware/core/configuration/pair-configuration.ts';
import { configurationOf, heard, NodeStage } from './node-stage.ts';

const named =
  (name: string) =>
  (vip: VipConfiguration): VipConfiguration => ({ ...vip, name });

describe('a path', () => {
  it('is alerted while the master is heard elsewhere only', () => {
    const stage = new NodeStage({ preempt: false }).boot();
    for (let second = 0; second < 4; second += 1) stage.wait(1_000_000).turn(heard('wan', '1/0'));
    const alerts = stage.node.bulletin.alerts.list();
    const text = alerts.find(({ code }) => code === 'path:lan')?.text;
    expect(text).toMatch(/do not arrive on lan.*multicast/);
    expect(stage.node.state).toBe('BACKUP');
    stage.turn(heard('lan', '1/0'));
    expect(stage.node.bulletin.alerts.has('path:lan')).toBe(false);
  });

  it('is no longer alerted when the node does not listen any more', () => {
    const stage = new NodeStage({ preempt: false }).boot();
    for (let second = 0; second < 4; second += 1) stage.wait(1_000_000).turn(heard('wan', '1/0'));
    stage.wait(3_000_000).turn();
    expect(stage.node.state).toBe('MASTER');
    expect(stage.node.bulletin.alerts.has('path:lan')).toBe(false);
  });

  it('is whole when one of the VHIDs on it is heard', () => {
    const { vips, ...rest } = configurationOf({ preempt: false });
    const guest = vips.flatMap((vip) => (vip.name === 'lan' ? [{ ...vip, vhid: 9 }] : []));
    const configuration = { ...rest, vips: [...vips, ...guest.map(named('guest'))] };
    const stage = new NodeStage({ preempt: false }).boot();
    stage.turn({ kind: 'configure', configuration });
    for (let second = 0; second < 5; second += 1) {
      stage.wait(1_000_000).turn(heard('wan', '1/0'), heard('lan', '1/0'));
    }
    expect(stage.node.state).toBe('BACKUP');
    expect(stage.node.bulletin.alerts.has('path:lan')).toBe(false);
  });
});
