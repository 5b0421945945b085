/** What a group makes of what it hears, where the two families of a VHID meet. */
import { describe, expect, it } from 'vitest';
import { GroupStage, LAN } from './group-stage.ts';

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
