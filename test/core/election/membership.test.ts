/** Timers of one VHID, and of several together. */
import { describe, expect, it } from 'vitest';
import {
  type Family,
  type Member,
  Membership,
  nextAdvertisement,
  silenceOfAll,
} from '../../../firmware/core/election/membership.ts';
import { type Instant, instant } from '../../../firmware/core/time.ts';

const PLAIN: Member = {
  id: 'eth1/1',
  name: 'lan',
  interface: 'lan',
  vhid: 1,
  families: [4, 6],
  pace: { advbase: 1, advskew: 0 },
  peerPace: { advbase: 1, advskew: 100 },
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
  const heard = (advbase: number, advskew: number, peerSkew = 10): number => {
    const peerPace = { advbase: 0, advskew: peerSkew };
    const membership = usable({ pace: { advbase: 0, advskew: 5 }, peerPace });
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

  it('is that of the other node as configured when the master is demoted', () => {
    expect(heard(0, 240)).toBe(117_186);
    expect(heard(0, 240, 3)).toBe(58_593);
  });

  it('does not grow with a master that has left', () => {
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

/** Hears an advertisement: `1/100`. */
const hear = (
  membership: Membership,
  text: string,
  { at = instant(0), source = '192.0.2.2', family = 4 as Family } = {},
): void => {
  const [advbase = 0, advskew = 0] = text.split('/').map(Number);
  const { id } = membership.member;
  const pace = { advbase, advskew };
  membership.hear({ id, family, source, ownSource: undefined, pace, serving: true }, at);
};

describe('a good-bye', () => {
  /** Said at `now` by the one at 192.0.2.2. */
  const vacates = (membership: Membership, now: Instant, family: Family = 4): boolean => {
    hear(membership, '255/255', { at: now, family });
    const pace = { advbase: 255, advskew: 255 };
    const { id } = membership.member;
    const heard = { id, family, source: '192.0.2.2', ownSource: undefined, pace, serving: false };
    return membership.isVacatedBy(heard, now);
  };

  it('of the only one that spoke, or of one that was never heard, vacates the place', () => {
    const membership = usable();
    expect(vacates(membership, instant(5))).toBe(true);
    hear(membership, '1/50', { at: instant(10) });
    expect(vacates(membership, instant(20))).toBe(true);
    expect(vacates(membership, instant(30))).toBe(true);
  });

  it('of the last one that spoke vacates it, whoever spoke before', () => {
    const membership = usable();
    hear(membership, '1/0', { at: instant(10), source: '192.0.2.9' });
    hear(membership, '1/50', { at: instant(20) });
    expect(vacates(membership, instant(30))).toBe(true);
  });

  it('vacates nothing when another one has spoken since, within the dead time', () => {
    for (const pace of ['1/0', '1/150']) {
      const membership = usable();
      hear(membership, '1/50', { at: instant(10) });
      hear(membership, pace, { at: instant(20), source: '192.0.2.9' });
      expect(vacates(membership, instant(20))).toBe(false);
      expect(vacates(membership, instant(3_000_019))).toBe(false);
      expect(vacates(membership, instant(3_000_020))).toBe(true);
    }
  });

  it('of another one is not spoken: it leaves too', () => {
    const membership = usable();
    hear(membership, '1/50', { at: instant(10) });
    hear(membership, '255/255', { at: instant(20), source: '192.0.2.9' });
    expect(vacates(membership, instant(30))).toBe(true);
  });

  it('is judged in its own family: addresses of the other one are not comparable', () => {
    const membership = usable();
    hear(membership, '1/50', { at: instant(10) });
    hear(membership, '1/50', { at: instant(20), source: 'fe80::2', family: 6 });
    expect(vacates(membership, instant(30))).toBe(true);
    expect(vacates(membership, instant(30), 6)).toBe(false);
  });
});

describe('one that leaves on one VHID', () => {
  interface Scene {
    /** Of the one that leaves, at 10, on the VHID it leaves. */
    readonly there?: string;
    /** Of whoever speaks at `at` on the other one. */
    readonly here?: string;
    readonly at?: number;
    readonly now?: number;
    readonly member?: Partial<Member>;
    readonly family?: Family;
  }

  const isOutbid = ({ there, here, at = 20, now = 30, member, family = 4 }: Scene): boolean => {
    const wan = usable({ id: 'eth0/200', name: 'wan', interface: 'wan', vhid: 200 });
    const lan = usable(member);
    if (there !== undefined) hear(wan, there, { at: instant(10) });
    if (here !== undefined) hear(lan, here, { at: instant(at), source: '198.51.100.9' });
    return lan.outbids(wan, family, instant(now));
  };

  it('is outbid by a better pace that came later on another one', () => {
    expect(isOutbid({ there: '1/100', here: '1/50' })).toBe(true);
    expect(isOutbid({ there: '1/0', here: '0/50' })).toBe(true);
  });

  it('is not outbid by its own pace, a worse one or a good-bye', () => {
    for (const here of ['1/100', '1/101', '255/255']) {
      expect(isOutbid({ there: '1/100', here })).toBe(false);
    }
  });

  it('is not outbid by what came before its own word, or with it', () => {
    for (const at of [9, 10]) expect(isOutbid({ there: '1/100', here: '1/50', at })).toBe(false);
    expect(isOutbid({ there: '1/100', here: '1/50', at: 11 })).toBe(true);
  });

  it('is outbid within the dead time only', () => {
    const scene = { there: '1/100', here: '1/50' };
    expect(isOutbid({ ...scene, now: 3_000_019 })).toBe(true);
    expect(isOutbid({ ...scene, now: 3_000_020 })).toBe(false);
  });

  it('cannot be compared where the two are configured differently', () => {
    const member = { pace: { advbase: 1, advskew: 50 } };
    expect(isOutbid({ there: '1/100', here: '1/0', member })).toBe(false);
    const same = { pace: { advbase: 1, advskew: 0 } };
    expect(isOutbid({ there: '1/100', here: '1/0', member: same })).toBe(true);
  });

  it('cannot be compared before both have spoken, in this family', () => {
    expect(isOutbid({ there: '1/100' })).toBe(false);
    expect(isOutbid({ here: '1/50' })).toBe(false);
    expect(isOutbid({ there: '1/100', here: '1/50', family: 6 })).toBe(false);
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
