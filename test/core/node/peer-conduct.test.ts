/** A pair of nodes that hear each other's beats: who serves, what is believed, what is told. */
import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../firmware/core/time.ts';
import { lanAdvert, NodePair, stride } from './node-pair.ts';

const answers = (pair: NodePair): string[] =>
  pair.primary.outputs.flatMap((each) => {
    return each.kind === 'handover-ended' ? [`${each.ok}: ${each.text}`] : [];
  });

describe('a pair that starts', () => {
  it('serves as soon as the two have met, the better one, and nobody advertises twice', () => {
    const pair = new NodePair();
    pair.primary.start();
    pair.secondary.start();
    pair.run(milliseconds(5));
    expect(pair.serving).toBe('primary');
    expect(pair.overlaps).toBe(0);
    expect(pair.primary.events).toContain('peer: secondary is heard by beats');
    expect(pair.primary.alerts).toEqual([]);
    pair.run(seconds(20));
    expect(pair.serving).toBe('primary');
    expect(pair.secondary.deeds.filter((each) => each.startsWith('advertise'))).toEqual([]);
    expect(pair.secondary.alerts).toEqual([]);
  });

  it('lets a node that comes later wait before it takes what another one serves', () => {
    const pair = new NodePair();
    pair.secondary.start();
    pair.until(() => pair.serving === 'secondary');
    pair.primary.start();
    pair.run(seconds(9));
    expect(pair.serving).toBe('secondary');
    pair.run(seconds(2));
    expect(pair.serving).toBe('primary');
    expect(pair.overlaps).toBe(0);
  });
});

describe('a MASTER that dies', () => {
  it('is replaced when its beats are missing, and told', () => {
    const pair = new NodePair().begin();
    pair.primary.die();
    pair.run(milliseconds(50));
    expect(pair.serving).toBe('secondary');
    expect(pair.secondary.alerts).toEqual(['peer', 'takeover']);
    pair.primary.start();
    pair.run(milliseconds(500));
    expect(pair.secondary.alerts).toEqual(['takeover']);
    expect([pair.serving, pair.overlaps]).toEqual(['secondary', 0]);
  });

  it('is replaced sooner when the cable says so', () => {
    const pair = new NodePair().begin();
    pair.primary.die();
    for (const place of ['wan', 'lan', 'sync'] as const) pair.cut.add(place);
    pair.link('secondary', 'sync', false);
    pair.run(milliseconds(33));
    expect(pair.serving).toBe('secondary');
  });
});

describe('a broken cable', () => {
  it('on the MASTER moves the VIPs by grant', () => {
    const pair = new NodePair().begin();
    pair.link('primary', 'lan', false);
    pair.run(milliseconds(1));
    expect([pair.serving, pair.overlaps]).toEqual(['secondary', 0]);
    expect(pair.primary.deeds).toContain('linger');
    expect(pair.primary.deeds).not.toContain('release 1');
    expect(pair.secondary.alerts).toContain('path:lan');
  });

  it('on both leaves everything where it is', () => {
    const pair = new NodePair().begin();
    pair.link('secondary', 'lan', false);
    pair.run(milliseconds(50));
    pair.link('primary', 'lan', false);
    pair.run(seconds(5));
    expect([pair.serving, pair.overlaps]).toEqual(['primary', 0]);
  });

  it('between the nodes is named, and moves nothing', () => {
    for (const place of ['sync', 'lan', 'wan'] as const) {
      const pair = new NodePair().begin();
      pair.cut.add(place);
      pair.run(seconds(5));
      expect(pair.serving).toBe('primary');
      expect(pair.primary.alerts).toEqual([`path:${place}`]);
      expect(pair.secondary.alerts).toEqual([`path:${place}`]);
      pair.cut.delete(place);
      pair.run(seconds(2));
      expect(pair.secondary.alerts).toEqual([]);
    }
  });

  it('everywhere is a partition, and the better one is left when it heals', () => {
    const pair = new NodePair().begin();
    for (const place of ['wan', 'lan', 'sync'] as const) pair.cut.add(place);
    pair.run(seconds(1));
    expect(pair.serving).toBe('primary and secondary');
    pair.cut.clear();
    pair.run(milliseconds(300));
    expect(pair.serving).toBe('primary');
    expect(pair.primary.events.join()).toContain('overlap: two masters met: secondary');
    expect(pair.secondary.events.join()).toContain('overlap: two masters met: primary');
  });

  it('that stops multicast only is named by the BACKUP', () => {
    const pair = new NodePair().begin();
    pair.filtered.add('lan');
    pair.run(seconds(5));
    expect(pair.secondary.alerts).toEqual(['path:lan']);
    expect(pair.serving).toBe('primary');
  });
});

describe('a handover', () => {
  it('is done, told when the peer serves, and lasts', () => {
    const pair = new NodePair().begin();
    pair.primary.turn({ kind: 'handover' }, { kind: 'handover' });
    pair.run(milliseconds(1));
    expect([pair.serving, pair.overlaps]).toEqual(['secondary', 0]);
    const ok = 'true: secondary has taken over';
    expect(answers(pair)).toEqual([ok, ok]);
    pair.run(seconds(60));
    expect(pair.serving).toBe('secondary');
    pair.secondary.turn({ kind: 'handover' });
    pair.run(milliseconds(1));
    expect(pair.serving).toBe('primary');
    expect(pair.primary.up.demotions.list()).toEqual([]);
  });

  it('is refused where there is nobody to take over', () => {
    const alone = new NodePair();
    alone.primary.start();
    alone.until(() => alone.serving === 'primary');
    alone.primary.turn({ kind: 'handover' });
    expect(answers(alone)).toEqual(['false: no peer is known by its beats: use maintenance']);

    const widowed = new NodePair().begin();
    widowed.secondary.die();
    widowed.run(seconds(1));
    widowed.primary.turn({ kind: 'handover' });
    expect(answers(widowed)).toEqual(['false: secondary is not reachable']);
  });

  it('is refused to one that cannot serve as much, or is not meant to', () => {
    const weak = new NodePair().begin();
    weak.link('secondary', 'lan', false);
    weak.run(milliseconds(50));
    weak.primary.turn({ kind: 'handover' });
    expect(answers(weak)).toEqual(['false: secondary could serve only 1 of the VIPs']);

    const resting = new NodePair().begin();
    resting.secondary.turn({ kind: 'maintenance', entered: true });
    resting.run(milliseconds(50));
    resting.primary.turn({ kind: 'handover' });
    expect(answers(resting)).toEqual(['false: secondary is demoted (maintenance?)']);
  });

  it('is refused by one that does not serve', () => {
    const pair = new NodePair().begin();
    pair.link('primary', 'lan', false);
    pair.run(milliseconds(50));
    pair.primary.turn({ kind: 'handover' });
    expect(answers(pair)).toEqual(['false: this node is not MASTER: run it on secondary']);
  });

  it('that the peer does not answer is given up', () => {
    const pair = new NodePair().begin();
    pair.secondary.die();
    pair.primary.turn({ kind: 'handover' });
    pair.run(seconds(3));
    expect(answers(pair)).toEqual(['false: secondary did not take over: this node goes on']);
    expect(pair.serving).toBe('primary');
    expect(pair.primary.up.demotions.list()).toEqual([]);
  });
});

describe('maintenance', () => {
  it('moves the VIPs to a peer that can serve, and back after the delay', () => {
    const pair = new NodePair().begin();
    pair.primary.turn({ kind: 'maintenance', entered: true });
    pair.run(milliseconds(1));
    expect([pair.serving, pair.overlaps]).toEqual(['secondary', 0]);
    pair.run(seconds(60));
    pair.primary.turn({ kind: 'maintenance', entered: false });
    pair.run(seconds(9));
    expect(pair.serving).toBe('secondary');
    pair.run(seconds(2));
    expect([pair.serving, pair.overlaps]).toEqual(['primary', 0]);
  });

  it('leaves them where they are when nobody else could serve', () => {
    const pair = new NodePair().begin();
    pair.secondary.die();
    pair.run(seconds(1));
    pair.primary.turn({ kind: 'maintenance', entered: true });
    pair.run(seconds(5));
    expect(pair.serving).toBe('primary');
    expect(pair.primary.deeds).not.toContain('release 1');
  });
});

describe('a stop', () => {
  it('hands over first, forwards what is under way, and takes its leave', () => {
    const pair = new NodePair().begin();
    pair.primary.turn({ kind: 'stop' });
    pair.run(milliseconds(1));
    expect([pair.serving, pair.overlaps]).toEqual(['secondary', 0]);
    pair.run(milliseconds(98));
    expect(pair.primary.node).toBeDefined();
    pair.run(milliseconds(3));
    expect(pair.primary.node).toBeUndefined();
    expect(pair.secondary.events).toContain('peer: primary was stopped');
    expect(pair.secondary.alerts).toEqual(['peer']);
    expect(pair.primary.deeds.join()).not.toContain('255/255');
  });

  it('of a BACKUP, and of one whose peer is dead, waits for nobody', () => {
    const pair = new NodePair().begin();
    pair.secondary.turn({ kind: 'stop' });
    expect(pair.secondary.node).toBeUndefined();
    pair.run(seconds(1));
    expect(pair.serving).toBe('primary');
    pair.primary.turn({ kind: 'stop' });
    pair.run(milliseconds(20));
    expect(pair.primary.node).toBeUndefined();
    expect(pair.primary.deeds).toContain('advertise lan 255/255');
  });

  it('waits for a peer that does not take over, but not for ever', () => {
    const pair = new NodePair().begin();
    pair.primary.turn({ kind: 'stop' });
    pair.secondary.die();
    pair.run(seconds(2));
    expect(pair.primary.node).toBeUndefined();
    expect(pair.serving).toBe('');
  });

  it('and a start of the same node is a new life', () => {
    const pair = new NodePair().begin();
    pair.secondary.turn({ kind: 'stop' });
    pair.run(seconds(1));
    expect(pair.primary.alerts).toEqual(['peer']);
    pair.secondary.start();
    pair.run(seconds(1));
    expect(pair.primary.alerts).toEqual([]);
    pair.primary.turn({ kind: 'maintenance', entered: true });
    pair.run(milliseconds(10));
    expect([pair.serving, pair.overlaps]).toEqual(['secondary', 0]);
  });
});

describe('a MASTER that is stopped for a while', () => {
  const stalled = (span: number): NodePair => {
    const pair = new NodePair().begin().run(seconds(1));
    const { primary } = pair;
    const frozen = primary.node;
    primary.node = undefined;
    pair.run(milliseconds(16));
    primary.serves = false;
    pair.run(span - milliseconds(16));
    primary.node = frozen;
    return pair;
  };

  it('for longer than its lease gets its VIPs back from a peer that has not taken over', () => {
    const pair = stalled(milliseconds(25)).run(milliseconds(5));
    expect([pair.serving, pair.overlaps]).toEqual(['primary', 0]);
    expect(pair.primary.events.join()).toContain('node: LAPSED -> MASTER');
    expect(pair.secondary.up.state).toBe('BACKUP');
  });

  it('for longer than the dead time yields, and does not say that it serves', () => {
    const pair = stalled(milliseconds(500));
    const said = pair.primary.outputs.length;
    pair.run(milliseconds(50));
    expect([pair.serving, pair.overlaps]).toEqual(['secondary', 0]);
    const beats = pair.primary.outputs.slice(said).filter((each) => each.kind === 'beat');
    expect(beats.filter(({ beat }) => beat.serving)).toEqual([]);
    expect(pair.primary.deeds).not.toContain('advertise lan 255/255');
    expect(pair.secondary.events.join()).not.toContain('overlap');
    expect(pair.primary.up.demotions.has('late')).toBe(true);
  });

  it('and whose peer was dead before stands down without a good-bye, and serves again', () => {
    const pair = new NodePair().begin();
    const { primary } = pair;
    pair.secondary.die();
    pair.run(seconds(1));
    const frozen = primary.node;
    primary.node = undefined;
    pair.run(milliseconds(500));
    primary.node = frozen;
    pair.run(milliseconds(50));
    expect(primary.events.join()).toContain('LAPSED -> BACKUP');
    expect(primary.deeds).toContain('release 1');
    expect(primary.deeds).not.toContain('advertise lan 255/255');
    expect(primary.up.state).toBe('MASTER');
  });
});

describe('a peer that has fallen silent and may live anew', () => {
  /** Its new life advertises already: nothing tells yet that it is the peer. */
  const anew = (count = 1) => {
    const pace = { advbase: 1, advskew: 0 };
    return lanAdvert(stride(count, 77), { ...pace, source: '192.168.1.2' });
  };

  /** A BACKUP to which the MASTER, which has no power any more, speaks when told to. */
  const bereft = () => {
    const pair = new NodePair().begin();
    const { secondary } = pair;
    pair.primary.die();
    pair.run(milliseconds(1));
    const last = secondary.up.conduct.relation?.beat;
    if (last === undefined) throw new Error('the primary was not heard');
    let { sequence } = last;
    const speak = (farewell = false): void => {
      sequence += 1;
      const beat = { ...last, sequence, farewell, serving: !farewell };
      secondary.turn({ kind: 'beat', interface: 'sync', beat });
    };
    const speakFor = (span: number): void => {
      for (let gone = 0; gone < span; gone += milliseconds(10)) {
        pair.run(Math.min(span - gone, milliseconds(10)));
        speak();
      }
    };
    return { pair, secondary, speak, speakFor };
  };

  const fallsBack = (pair: NodePair): void => {
    const { secondary } = pair;
    pair.run(milliseconds(100));
    expect([secondary.up.state, pair.serving]).toEqual(['BACKUP', '']);
    expect(secondary.up.conduct.isKnown).toBe(false);
    expect(secondary.alerts).toContain('beats');
    expect(secondary.alerts).not.toContain('peer');
  };

  const takesOver = (pair: NodePair): void => {
    pair.run(milliseconds(100));
    expect(pair.serving).toBe('secondary');
    expect(pair.secondary.alerts).not.toContain('beats');
    expect(pair.secondary.alerts).toContain('takeover');
  };

  it('is left to CARP by a BACKUP: it takes over when the advertisements end', () => {
    const { pair, secondary } = bereft();
    secondary.turn(anew());
    fallsBack(pair);
    for (let count = 2; count < 12; count += 1) {
      secondary.turn(anew(count));
      pair.run(seconds(1));
    }
    expect(secondary.up.state).toBe('BACKUP');
    pair.run(seconds(3));
    expect(pair.serving).toBe('secondary');
  });

  it('is so too when it was read before the last beat, but not long before', () => {
    const soon = bereft();
    soon.secondary.turn(anew());
    soon.speakFor(milliseconds(100));
    fallsBack(soon.pair);

    const late = bereft();
    late.secondary.turn(anew());
    late.speakFor(milliseconds(100) + 1);
    takesOver(late.pair);
  });

  it('is so too after a farewell', () => {
    const soon = bereft();
    soon.secondary.turn(anew());
    soon.speakFor(milliseconds(90));
    soon.pair.run(milliseconds(10));
    soon.speak(true);
    fallsBack(soon.pair);

    const late = bereft();
    late.secondary.turn(anew());
    late.speakFor(milliseconds(90));
    late.pair.run(milliseconds(10) + 1);
    late.speak(true);
    late.pair.run(milliseconds(100));
    expect(late.pair.serving).toBe('secondary');
    expect(late.secondary.alerts).toContain('peer');
  });

  it('is not expected where a former life is replayed', () => {
    const pair = new NodePair().begin();
    pair.primary.die();
    pair.run(milliseconds(100));
    pair.primary.start();
    pair.run(seconds(11));
    expect(pair.serving).toBe('primary');
    pair.primary.die();
    pair.run(milliseconds(1));
    for (const count of [1, 2, 3]) {
      pair.secondary.turn(lanAdvert(stride(count, 101), { source: '192.168.1.2' }));
    }
    takesOver(pair);
  });

  it('is left to CARP by one that wakes from a lapse', () => {
    const pair = new NodePair().begin();
    const { primary } = pair;
    const frozen = primary.node;
    primary.node = undefined;
    pair.secondary.die();
    pair.run(seconds(4));
    primary.serves = false;
    primary.node = frozen;
    primary.turn(lanAdvert(stride(1, 77)));
    pair.run(milliseconds(100));
    expect([primary.up.state, pair.serving]).toEqual(['BACKUP', '']);
    expect(primary.events.join()).toContain('MASTER -> LAPSED');
    expect(primary.up.conduct.isKnown).toBe(false);
    expect(primary.alerts).toContain('beats');
  });

  it('moves no MASTER', () => {
    const pair = new NodePair().begin();
    const { primary } = pair;
    pair.secondary.die();
    pair.run(milliseconds(1));
    primary.turn(lanAdvert(stride(1, 77)));
    pair.run(milliseconds(100));
    expect([primary.up.state, pair.serving]).toEqual(['MASTER', 'primary']);
    expect(primary.up.conduct.isKnown).toBe(true);
    expect(primary.alerts).toEqual(['spoofed-advert:lan', 'peer']);
  });
});

describe('what is told of the peer', () => {
  it('that none was ever heard, after half a minute', () => {
    const pair = new NodePair();
    pair.primary.start();
    pair.run(seconds(29));
    expect(pair.primary.alerts).toEqual([]);
    pair.run(seconds(2));
    expect(pair.primary.alerts).toEqual(['peer']);
  });

  it('that it is configured otherwise, after five seconds', () => {
    const pair = new NodePair().begin();
    const { configuration } = pair.secondary.up;
    const other = { ...configuration, clusterHash: 'f'.repeat(16) };
    pair.secondary.turn({ kind: 'configure', configuration: other });
    pair.run(seconds(4));
    expect(pair.primary.alerts).toEqual([]);
    pair.run(seconds(2));
    expect(pair.primary.alerts).toEqual(['config-differs']);
    pair.secondary.turn({ kind: 'configure', configuration });
    pair.run(seconds(1));
    expect(pair.primary.alerts).toEqual([]);
  });

  it('that somebody speaks with another secret or version', () => {
    const pair = new NodePair().begin();
    const refused = { kind: 'beat-refused', interface: 'lan', source: '192.168.1.9' } as const;
    pair.primary.turn({ ...refused, reason: 'key' }, { ...refused, reason: 'version' });
    expect(pair.primary.alerts).toEqual(['peer-key:lan', 'peer-version:lan']);
    expect(pair.primary.up.bulletin.counters.get('beats.lan.refused.key')).toBe(1);
  });

  it('that MASTER changes too often: then preference waits', () => {
    const pair = new NodePair({ delaySeconds: 1 }).begin();
    const flaps = { changes: 4, hold: seconds(10) };
    for (const box of [pair.primary, pair.secondary]) {
      const { preempt, ...rest } = box.up.configuration;
      box.turn({ kind: 'configure', configuration: { ...rest, preempt: { ...preempt, flaps } } });
    }
    for (let count = 0; count < 4; count += 1) {
      pair.link('primary', 'lan', false);
      pair.run(seconds(1));
      expect(pair.serving).toBe('secondary');
      pair.link('primary', 'lan', true);
      pair.run(seconds(4));
    }
    expect(pair.serving).toBe('secondary');
    expect([pair.primary.alerts, pair.secondary.alerts]).toEqual([['flapping'], ['flapping']]);
    pair.until(() => pair.serving === 'primary').run(milliseconds(100));
    expect([pair.primary.alerts, pair.secondary.alerts]).toEqual([[], []]);
  });
});

describe('failover: vip', () => {
  it('leaves the elections to CARP, but takes over from a dead peer at once', () => {
    const pair = new NodePair({ failover: 'vip' }).begin();
    pair.run(seconds(5));
    expect(pair.primary.up.state).toBe('MASTER');
    pair.primary.die();
    pair.run(milliseconds(120));
    expect(pair.secondary.up.state).toBe('MASTER');
    expect([...pair.secondary.up.groups.values()].map(({ state }) => state)).toEqual([
      'MASTER',
      'MASTER',
    ]);
  });

  /** The primary dies, but its LAN VIP is advertised once more, so long after its last beat. */
  const outlived = (span: number) => {
    const pair = new NodePair({ failover: 'vip' }).begin();
    pair.run(seconds(5));
    pair.primary.die();
    pair.run(milliseconds(1));
    const { node } = pair.secondary;
    const heardAt = node?.conduct.relation?.liveness.heardAt ?? pair.now;
    pair.run(heardAt + span - pair.now);
    const pace = { advbase: 1, advskew: 0 };
    pair.secondary.turn(lanAdvert(stride(9, 101), { ...pace, source: '192.168.1.2' }));
    expect(pair.secondary.up.conduct.relation?.liveness.heardAt).toBe(heardAt);
    return pair.run(milliseconds(200));
  };
  const states = (pair: NodePair) =>
    [...pair.secondary.up.groups].map(([id, { state }]) => `${id} ${state}`);

  it('takes no VIP from one that advertises on when its beats are missing', () => {
    const pair = outlived(milliseconds(57) + 1);
    expect(pair.secondary.alerts).toContain('peer');
    expect(states(pair)).toEqual(['eth0/200 MASTER', 'eth1/1 BACKUP']);
    pair.run(seconds(4));
    expect(states(pair)).toEqual(['eth0/200 MASTER', 'eth1/1 MASTER']);
  });

  it('takes those that were advertised before it was clear that beats are missing', () => {
    const pair = outlived(milliseconds(57));
    expect(states(pair)).toEqual(['eth0/200 MASTER', 'eth1/1 MASTER']);
  });

  it('can be chosen and left while a claim waits', () => {
    const pair = new NodePair().begin();
    pair.secondary.turn({ kind: 'maintenance', entered: true });
    const { plan } = new NodePair({ failover: 'vip' });
    expect(plan.failover).toBe('vip');
    for (const failover of ['vip', 'node'] as const) {
      for (const box of [pair.primary, pair.secondary]) {
        const { configuration } = box.up;
        box.turn({ kind: 'configure', configuration: { ...configuration, failover } });
      }
      pair.run(seconds(5));
    }
    expect(pair.primary.up.state).toBe('MASTER');
    expect(pair.secondary.up.state).toBe('BACKUP');
  });
});

describe('what another process knows against a node', () => {
  const report = (...reasons: string[]) =>
    ({
      kind: 'demotions',
      report: {
        owner: 'gateways',
        lasts: seconds(60),
        demotions: reasons.map((reason) => ({ reason, weight: 50, patience: seconds(1) })),
      },
    }) as const;

  it('moves the place to a peer that is better, after the patience', () => {
    const pair = new NodePair().begin();
    pair.primary.turn(report('target:wan1'));
    pair.run(milliseconds(900));
    expect(pair.serving).toBe('primary');
    pair.run(milliseconds(200));
    expect([pair.serving, pair.overlaps]).toEqual(['secondary', 0]);
  });

  it('moves nothing when the peer says the same a little later', () => {
    const pair = new NodePair().begin();
    pair.primary.turn(report('target:wan1'));
    pair.run(milliseconds(900));
    pair.secondary.turn(report('target:wan1'));
    pair.run(seconds(20));
    pair.primary.turn(report());
    pair.run(milliseconds(900));
    pair.secondary.turn(report());
    pair.run(seconds(20));
    expect([pair.serving, pair.primary.up.demotions.total()]).toEqual(['primary', 0]);
    const served = pair.secondary.deeds.filter((each) => each.startsWith('claim'));
    expect(served).toEqual([]);
  });
});
