/** Who continues whom when the failover mode changes or VIPs go. */
import { describe, expect, it } from 'vitest';
import { plannedGroups } from '../../../firmware/core/node/group-plan.ts';
import { succession } from '../../../firmware/core/node/group-succession.ts';
import { configurationOf, heard, NodeStage } from './node-stage.ts';

const fates = (stage: NodeStage, failover: 'node' | 'vip', vips = ['wan', 'lan']) => {
  const { vips: all, ...rest } = configurationOf({ failover });
  const left = all.filter(({ name }) => vips.includes(name));
  const found = succession(stage.node.groups, plannedGroups({ ...rest, vips: left }));
  return [found.heirs, found.continued, found.ended].map((ids) => [...ids]);
};

describe('succession', () => {
  it('of what stays is none', () => {
    expect(fates(new NodeStage().serve(), 'node', ['wan'])).toEqual([[], [], []]);
  });

  it('of a MASTER is everybody who takes over from it', () => {
    const stage = new NodeStage().serve();
    expect(fates(stage, 'vip')).toEqual([['eth0/200', 'eth1/1'], ['node'], []]);
    expect(fates(stage, 'node', [])).toEqual([[], [], ['node']]);
  });

  it('of several is who takes over from masters only', () => {
    const stage = new NodeStage({ failover: 'vip' }).boot();
    stage.wait(1_000_000).turn(heard('wan', '1/0'));
    stage.wait(2_000_000).turn();
    expect(fates(stage, 'node')).toEqual([[], [], ['eth0/200', 'eth1/1']]);
    expect(fates(stage, 'node', ['lan'])).toEqual([['node'], ['eth1/1'], ['eth0/200']]);
  });
});
