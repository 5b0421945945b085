/** What a group says on its segments, and what it leaves unsaid. */
import { describe, expect, it } from 'vitest';
import { GroupStage } from './group-stage.ts';

describe('leaving without a word', () => {
  const isSilent = (stage: GroupStage): void => {
    expect(stage.group.saysGoodbye).toBe(false);
    for (let count = 0; count < 3; count += 1) expect(stage.wait(10_000).turn()).toEqual([]);
    expect(stage.group.state).toBe('BACKUP');
  };

  it('a claim that was not made in time is given up, and begun again only by CARP', () => {
    const stage = new GroupStage().reach('BACKUP');
    stage.verdict = undefined;
    expect(stage.turn(stage.hear('255/255'))).toEqual(['BACKUP -> MASTER', 'claim']);
    expect(stage.wait(20_000).tell({ kind: 'claim-late' })).toEqual([
      'MASTER -> BACKUP',
      'release',
    ]);
    isSilent(stage);
    expect(stage.turn(stage.hear('255/255'))[0]).toBe('BACKUP -> MASTER');
  });

  it('after a lapse the place is left to the peer', () => {
    const stage = new GroupStage().reach('LAPSED');
    const cause = 'the peer has taken over';
    expect(stage.turn({ kind: 'stand-down', cause })).toEqual(['LAPSED -> BACKUP', 'release']);
    expect(stage.group.reason).toBe(cause);
    isSilent(stage);
  });

  it('too late to know who serves, it says good-bye only where no peer was met by beats', () => {
    for (const known of [true, false]) {
      const stage = new GroupStage().reach('MASTER');
      stage.turn({ kind: 'bind', bound: false, known });
      stage.wait(1_390_625);
      const goodbyes = known ? [] : ['advertise lan 255/255'];
      const leaves = ['MASTER -> LAPSED', 'LAPSED -> BACKUP', 'release'];
      expect(stage.turn()).toEqual([...leaves, ...goodbyes]);
      expect(stage.wait(10_000).turn()).toEqual(goodbyes);
    }
  });
});
