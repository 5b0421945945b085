/** What a group makes of what it hears, where the two families of a VHID meet. */
import { describe, expect, it } from 'vitest';
import { GroupStage, LAN, WAN } from './group-stage.ts';

describe('a tie in a dual-stack VHID', () => {
  const dual = { ...LAN, families: [4, 6] as const };

  it('is decided by IPv4 alone', () => {
    const stage = new GroupStage([dual]).reach('MASTER');
    expect(stage.turn(stage.hear('1/100', { source: 'fe80::2', family: 6 }))).toEqual([]);
    expect(stage.turn(stage.hear('1/100', { source: '192.0.2.2' }))[0]).toBe('MASTER -> BACKUP');
  });

  it('shows a BACKUP that a master is there, in either family', () => {
    const stage = new GroupStage([dual]).reach('BACKUP');
    stage.wait(3_000_000).turn(stage.hear('1/100', { source: 'fe80::2', family: 6 }));
    expect(stage.wait(3_000_000).turn()).toEqual([]);
  });
});

describe('a MASTER that hears a better one', () => {
  const better = [
    ['of a better pace', '1/0', '192.0.2.9'],
    ['that wins the tie', '1/100', '192.0.2.2'],
  ] as const;

  it.each(better)('%s says good-bye to one that claims the place', (_what, pace, source) => {
    const stage = new GroupStage().reach('MASTER');
    const goodbye = 'advertise lan 255/255';
    expect(stage.turn(stage.hear(pace, { source }))).toEqual([
      'MASTER -> BACKUP',
      'release',
      goodbye,
    ]);
    expect(stage.wait(10_000).turn()).toEqual([goodbye]);
  });

  it('says one to a MASTER that only wins the tie: a BSD yields as well, and must be told', () => {
    const stage = new GroupStage().reach('MASTER');
    const said = stage.turn(stage.hear('1/100', { source: '192.0.2.2', serving: true }));
    expect(said).toEqual(['MASTER -> BACKUP', 'release', 'advertise lan 255/255']);
  });

  it('says none to a better one that is MASTER already', () => {
    const stage = new GroupStage().reach('MASTER');
    const yields = ['MASTER -> BACKUP', 'release'];
    expect(stage.turn(stage.hear('1/0', { source: '192.0.2.9', serving: true }))).toEqual(yields);
    expect(stage.group.saysGoodbye).toBe(false);
    for (let count = 0; count < 3; count += 1) expect(stage.wait(10_000).turn()).toEqual([]);
  });

  it('yields too when that one serves a segment that is not usable here, and says so', () => {
    const stage = new GroupStage([LAN, WAN]).reach('MASTER');
    stage.turn(stage.usable('wan', false));
    const heard = stage.hear('1/0', { vip: 'wan', source: '198.51.100.9', serving: true });
    expect(stage.turn(heard)).toEqual(['MASTER -> BACKUP', 'release', 'advertise lan 255/255']);
  });

  it('stays and answers when a MASTER is not better', () => {
    const stage = new GroupStage().reach('MASTER');
    const answer = ['advertise lan 1/100', 'announce lan'];
    expect(stage.turn(stage.hear('1/150', { serving: true }))).toEqual(answer);
  });
});

describe('among three nodes', () => {
  const LEAVER = { source: '192.0.2.2' };
  const THIRD = { source: '192.0.2.9' };

  it('a good-bye of one that lost to another one calls nobody in', () => {
    const stage = new GroupStage().reach('BACKUP');
    stage.turn(stage.hear('1/50', LEAVER));
    stage.wait(1_000).turn(stage.hear('1/0', THIRD));
    for (let count = 0; count < 3; count += 1) {
      expect(stage.wait(10_000).turn(stage.hear('255/255', LEAVER))).toEqual([]);
    }
    expect(stage.group.state).toBe('BACKUP');
  });

  it('nor does it when that one advertises in the same turn', () => {
    const stage = new GroupStage().reach('BACKUP');
    stage.turn(stage.hear('1/50', LEAVER));
    expect(stage.turn(stage.hear('1/0', THIRD), stage.hear('255/255', LEAVER))).toEqual([]);
  });

  it('the good-bye of the one that spoke last does', () => {
    const stage = new GroupStage().reach('BACKUP');
    stage.turn(stage.hear('1/50', LEAVER));
    stage.wait(1_000).turn(stage.hear('1/0', THIRD));
    stage.wait(1_000).turn(stage.hear('255/255', LEAVER));
    expect(stage.wait(1_000).turn(stage.hear('255/255', THIRD))[0]).toBe('BACKUP -> MASTER');
  });

  it('a CLAIMANT does not follow it either', () => {
    const stage = new GroupStage().reach('CLAIMANT');
    stage.turn(stage.hear('1/150', THIRD));
    expect(stage.turn(stage.hear('255/255', LEAVER))).toEqual([]);
    expect(stage.group.state).toBe('CLAIMANT');
    expect(stage.turn(stage.hear('255/255', THIRD))[0]).toBe('CLAIMANT -> MASTER');
  });

  const elsewhere = { vip: 'wan', source: '198.51.100.9' };

  it('one that was outbid on another VHID of the group calls nobody in', () => {
    const stage = new GroupStage([LAN, WAN]).reach('BACKUP');
    stage.turn(stage.hear('1/50', LEAVER));
    stage.wait(1_000).turn(stage.hear('1/0', elsewhere));
    expect(stage.wait(1_000).turn(stage.hear('255/255', LEAVER))).toEqual([]);
    expect(stage.group.state).toBe('BACKUP');
  });

  it('but does when it was not, or when that cannot be known', () => {
    const own = new GroupStage([LAN, WAN]).reach('BACKUP');
    own.turn(own.hear('1/50', LEAVER));
    own.wait(1_000).turn(own.hear('1/50', elsewhere));
    expect(own.wait(1_000).turn(own.hear('255/255', LEAVER))[0]).toBe('BACKUP -> MASTER');

    const split = [LAN, { ...WAN, pace: { advbase: 1, advskew: 0 } }];
    const other = new GroupStage(split).reach('BACKUP');
    other.turn(other.hear('1/50', LEAVER));
    other.wait(1_000).turn(other.hear('1/0', elsewhere));
    expect(other.wait(1_000).turn(other.hear('255/255', LEAVER))[0]).toBe('BACKUP -> MASTER');
  });

  it('and does when nothing was heard of the better one for the dead time', () => {
    const slow = { ...LAN, families: [4, 6] as const };
    const stage = new GroupStage([slow, WAN]).reach('BACKUP');
    stage.turn(stage.hear('1/50', LEAVER));
    stage.wait(1_000).turn(stage.hear('1/0', elsewhere));
    // The other family keeps the node from taking over by itself.
    stage.wait(2_000_000).turn(stage.hear('1/50', { source: 'fe80::2', family: 6 }));
    const goodbye = stage.hear('255/255', LEAVER);
    expect(stage.wait(1_390_624).turn(goodbye)).toEqual([]);
    expect(stage.wait(1).turn(goodbye)[0]).toBe('BACKUP -> MASTER');
  });
});
