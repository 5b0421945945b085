/** When a good-bye means that the place is free. */
import { describe, expect, it } from 'vitest';
import { GroupStage, LAN, WAN } from './group-stage.ts';

describe('a vacancy', () => {
  it('is gone when somebody spoke after it', () => {
    const stage = new GroupStage().reach('BACKUP');
    expect(stage.turn(stage.hear('255/255'), stage.hear('1/0'))).toEqual([]);
    expect(stage.turn(stage.hear('1/0'), stage.hear('255/255'))[0]).toBe('BACKUP -> MASTER');
  });

  it('is none when another segment, read in the same turn, tells of a master', () => {
    const stage = new GroupStage([LAN, WAN]).reach('BACKUP');
    const master = stage.hear('1/50', { vip: 'wan', serving: true });
    const leaver = [stage.hear('1/0', { serving: true }), stage.hear('255/255')];
    expect(stage.turn(master, ...leaver)).toEqual([]);
    expect(stage.wait(1_000).turn(...leaver)[0]).toBe('BACKUP -> MASTER');
  });

  it('is one when the master says good-bye on all segments', () => {
    const stage = new GroupStage([LAN, WAN]).reach('BACKUP');
    const both = ['lan', 'wan'].flatMap((vip) => [
      stage.hear('1/0', { vip, serving: true }),
      stage.hear('255/255', { vip }),
    ]);
    expect(stage.turn(...both)[0]).toBe('BACKUP -> MASTER');
  });

  it('is none for a CLAIMANT that has called the old master back: both would come in', () => {
    const stage = new GroupStage().reach('CLAIMANT').wait(105_000);
    stage.turn();
    stage.wait(1_000).turn(stage.hear('255/255'));
    expect(stage.group.state).toBe('BACKUP');
    stage.wait(60_000).turn(stage.hear('255/255'));
    expect(stage.group.state).toBe('MASTER');
  });
});
