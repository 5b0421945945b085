/** Timers of one VHID, and of several together. */
import { describe, expect, it } from 'vitest';
import {
  type Member,
  Membership,
  nextAdvertisement,
  silenceOfAll,
} from '../../../firmware/core/election/membership.ts';
import { instant } from '../../../firmware/core/time.ts';

const PLAIN: Member = {
  id: 'eth1/1',
  name: 'lan',
  interface: 'lan',
  vhid: 1,
  families: [4, 6],
  pace: { advbase: 1, advskew: 0 },
  ties: 'yoke',
};

const usable = (member: Partial<Member> = {}): Membership => {
  const membership = new Membership({ ...PLAIN, ...member });
  membership.usable = true;
  return membership;
};

describe('a dual-stack VHID', () => {
  it('is silent when both families are', () => {
    const membership = usable();
    membership.restartTimers(instant(0));
    membership.restartTimer(6, instant(1_000_000));
    expect(membership.silentAt()).toBe(4_000_000);
    expect(membership.isSilent(instant(3_999_999))).toBe(false);
    expect(membership.isSilent(instant(4_000_000))).toBe(true);
    membership.stopTimers();
    expect(membership.silentAt()).toBeUndefined();
    expect(membership.isSilent(instant(9_000_000))).toBe(false);
  });
});

describe('the dead time with advbase 0', () => {
  const heard = (advbase: number, advskew: number): number => {
    const membership = usable({ pace: { advbase: 0, advskew: 5 } });
    const pace = { advbase, advskew };
    membership.heard = { at: instant(0), source: '192.0.2.2', pace };
    return membership.deadTime;
  };

  it('is three intervals of the slower of the two nodes', () => {
    expect(usable({ pace: { advbase: 0, advskew: 5 } }).deadTime).toBe(58_593);
    expect(heard(0, 10)).toBe(117_186);
    expect(heard(0, 3)).toBe(58_593);
  });

  it('is that of a living master which counts in seconds, demoted or not', () => {
    expect(heard(1, 0)).toBe(3_000_000);
    expect(heard(2, 240)).toBe(6_937_500);
  });

  it('does not grow with a demoted master, nor with one that has left', () => {
    expect(heard(0, 240)).toBe(58_593);
    expect(heard(255, 255)).toBe(58_593);
  });
});

describe('a pace', () => {
  it('is demoted for others, not for the own interval', () => {
    const membership = usable();
    expect(membership.effective(240)).toEqual({ advbase: 1, advskew: 240 });
    membership.scheduleAdvertisement(instant(5));
    expect(membership.advertiseAt).toBe(1_000_005);
  });
});

describe('several VHIDs', () => {
  it('are silent when the last usable one is', () => {
    const lan = usable();
    const wan = usable({ name: 'wan' });
    const dmz = new Membership({ ...PLAIN, name: 'dmz' });
    lan.restartTimers(instant(0));
    wan.restartTimers(instant(500));
    expect(silenceOfAll([lan, wan, dmz])).toBe(3_000_500);
    expect(silenceOfAll([dmz])).toBeUndefined();
  });

  it('advertise when the first usable one is due', () => {
    const lan = usable();
    const wan = usable({ name: 'wan' });
    lan.scheduleAdvertisement(instant(100));
    wan.scheduleAdvertisement(instant(50));
    expect(nextAdvertisement([lan, wan])).toBe(1_000_050);
    wan.usable = false;
    expect(nextAdvertisement([lan, wan])).toBe(1_000_100);
  });
});
