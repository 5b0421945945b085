/** After a claim in vain nothing is claimed for a while, longer each time. */
import { describe, expect, it } from 'vitest';
import { ClaimBackoff } from '../../../firmware/core/election/claim-backoff.ts';
import { instant } from '../../../firmware/core/time.ts';
import { GroupStage } from './group-stage.ts';

const ANSWER = ['advertise lan 1/100', 'announce lan'];
const LEAVE = ['LAPSED -> BACKUP', 'release', 'advertise lan 255/255'];

const at = (second: number) => instant(second * 1_000_000);

describe('the back-off of claims', () => {
  it('doubles from a second to a minute where another one serves, and stays a second else', () => {
    const backoff = new ClaimBackoff();
    expect(backoff.forbids(at(0))).toBe(false);
    const pauses: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      backoff.refused(at(1_000));
      pauses.push(((backoff.untilHeld ?? 0) - at(1_000)) / 1_000_000);
      expect(backoff.untilFree).toBe(at(1_001));
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(backoff.forbidsHeld(at(1_059))).toBe(true);
    expect(backoff.forbidsHeld(at(1_060))).toBe(false);
    expect(backoff.forbids(at(1_000.9))).toBe(true);
    expect(backoff.forbids(at(1_001))).toBe(false);
  });

  it('begins anew after a lease that was held for a second', () => {
    const backoff = new ClaimBackoff();
    backoff.refused(at(0));
    backoff.claimed(at(10));
    backoff.held(at(10.5));
    backoff.refused(at(11));
    expect(backoff.untilHeld).toBe(at(13));
    backoff.claimed(at(20));
    backoff.held(at(21));
    backoff.refused(at(22));
    expect(backoff.untilHeld).toBe(at(23));
  });

  it('takes a lapse soon after the claim for a refusal, a later one not', () => {
    const backoff = new ClaimBackoff();
    backoff.claimed(at(10));
    backoff.lapsed(at(11));
    expect(backoff.forbids(at(11))).toBe(false);
    backoff.lapsed(at(10.9));
    expect(backoff.untilHeld).toBe(at(11.9));
  });
});

describe('a claim of a group', () => {
  const ADVERTISES = /^advertise lan 1\//;

  it('is advertised only when the kernel has confirmed it', () => {
    const stage = new GroupStage().reach('BACKUP');
    stage.verdict = undefined;
    expect(stage.turn(stage.hear('255/255'))).toEqual(['BACKUP -> MASTER', 'claim']);
    expect(stage.turn(stage.hear('1/150'))).toEqual([]);
    expect(stage.turn({ kind: 'demotion', total: 240 })).toEqual([]);
    stage.turn({ kind: 'demotion', total: 0 });
    expect(stage.tell({ kind: 'claimed' })).toEqual(ANSWER);
  });

  it('that is refused says nothing as a MASTER, and is not repeated at once', () => {
    const stage = new GroupStage().reach('BACKUP');
    stage.verdict = { kind: 'claim-failed', text: 'refused' };
    const first = stage.turn(stage.hear('255/255'));
    expect(first.filter((each) => ADVERTISES.test(each))).toEqual([]);
    expect(stage.group.state).toBe('BACKUP');
    expect(stage.wait(999_999).turn(stage.hear('255/255'))).not.toContain('claim');
    expect(stage.turn(stage.hear('1/240'))).toEqual([]);
    expect(stage.wait(1).turn(stage.hear('255/255'))[0]).toBe('BACKUP -> MASTER');
    // No longer now: the place is free.
    expect(stage.wait(999_999).turn(stage.hear('255/255'))).not.toContain('claim');
    expect(stage.wait(1).turn(stage.hear('255/255'))).toContain('claim');
  });

  it('in vain again and again is repeated as soon as CARP allows, where nobody else serves', () => {
    const stage = new GroupStage().reach('BACKUP');
    stage.verdict = { kind: 'claim-failed', text: 'refused' };
    const claims: number[] = [];
    while (claims.length < 8) {
      stage.wait((stage.group.nextTimeout() ?? stage.now) - stage.now);
      if (stage.turn().includes('claim')) claims.push(stage.now);
    }
    const gaps = claims.slice(1).map((at, index) => at - (claims[index] ?? 0));
    expect(gaps.map((gap) => Math.trunc(gap / 1e6))).toEqual([3, 3, 3, 3, 3, 3, 3]);
  });

  it('whose lease is lost within a second is not repeated at once', () => {
    const stage = new GroupStage().reach('MASTER');
    const lost = stage.turn({ kind: 'lease-lost' });
    expect(lost).toEqual(['MASTER -> LAPSED', ...LEAVE]);
    expect(stage.turn(stage.hear('255/255'))).toEqual([]);
  });
});
