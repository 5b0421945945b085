/** Which advertisements the election hears of, which are only noted, which are forgeries. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../firmware/core/time.ts';
import { lanAdvert, NodePair, stride } from './node-pair.ts';
import { deeds, heard, NodeStage } from './node-stage.ts';

describe('advertisements', () => {
  it('of the living peer are noted, whatever they say', () => {
    const pair = new NodePair().begin();
    pair.primary.turn(
      lanAdvert(stride(5, 201)),
      lanAdvert(stride(6, 201), { advbase: 255, advskew: 255 }),
    );
    expect(pair.primary.alerts).toEqual([]);
    expect(pair.primary.up.state).toBe('MASTER');
  });

  it('that contradict its beats move nothing and are told', () => {
    const pair = new NodePair().begin();
    pair.primary.turn(lanAdvert(stride(5, 201)));
    pair.primary.turn(
      lanAdvert(stride(5, 201)),
      lanAdvert(stride(4, 201)),
      lanAdvert(stride(9, 77)),
    );
    expect(pair.primary.up.state).toBe('MASTER');
    expect(pair.primary.up.bulletin.counters.get('carp.lan.spoofed')).toBe(3);
    expect(pair.primary.alerts).toEqual(['spoofed-advert:lan']);
    pair.secondary.turn(lanAdvert(stride(9, 77), { advbase: 255, advskew: 255 }));
    pair.run(seconds(61));
    expect(pair.serving).toBe('primary');
    expect(pair.primary.alerts).toEqual([]);
  });

  it('of a dead master, replayed, keep nobody from serving', () => {
    const pair = new NodePair().begin();
    pair.run(seconds(3));
    const recorded = pair.primary.outputs.findLast((each) => each.kind === 'advertise');
    const { counter = 0n } = recorded ?? {};
    pair.primary.die();
    pair.run(milliseconds(100));
    for (let count = 0; count < 100; count += 1) {
      pair.secondary.turn(lanAdvert(counter, { source: '192.168.1.2' }));
      pair.run(milliseconds(10));
    }
    expect(pair.serving).toBe('secondary');
    expect(pair.secondary.alerts).toContain('spoofed-advert:lan');
  });

  it('of one whose beats do not arrive count again: by CARP there is one master', () => {
    const pair = new NodePair().begin();
    pair.secondary.die();
    pair.run(milliseconds(100));
    pair.primary.turn(lanAdvert(stride(5, 201)));
    expect(pair.primary.up.state).toBe('MASTER');
    pair.primary.turn(lanAdvert(stride(6, 201)));
    expect(pair.primary.alerts).toContain('beats');
    expect(pair.primary.up.conduct.isKnown).toBe(false);
  });

  it('of a new life without beats count when it counts on', () => {
    const pair = new NodePair().begin();
    pair.primary.die();
    pair.run(milliseconds(100));
    const words = [1, 1, 1, 2, 3].map((count) => lanAdvert(stride(count, 77)));
    pair.secondary.turn(...words.slice(0, 4));
    expect(pair.secondary.up.state).toBe('MASTER');
    pair.secondary.turn(...words.slice(4));
    expect(pair.secondary.up.state).toBe('BACKUP');
  });

  it('of before this life, repeated, hold a takeover up for no longer than CARP would', () => {
    const pair = new NodePair().begin();
    pair.primary.die();
    for (let count = 0; count < 20; count += 1) {
      pair.secondary.turn(lanAdvert(stride(5, 77), { source: '192.168.1.2' }));
      pair.run(milliseconds(250));
    }
    expect(pair.secondary.alerts).toContain('beats');
    expect(pair.serving).toBe('secondary');
  });

  it('good-byes that come in after the farewell are nothing new', () => {
    const pair = new NodePair().begin();
    pair.secondary.turn({ kind: 'stop' });
    pair.run(milliseconds(50));
    const goodbye = { advbase: 255, advskew: 255 };
    pair.primary.turn(lanAdvert(stride(5, 201), goodbye), lanAdvert(stride(6, 201), goodbye));
    expect(pair.primary.alerts).toEqual(['peer']);
    expect(pair.primary.up.conduct.isKnown).toBe(true);
  });
});

describe('advertisements of a former life of the peer', () => {
  /** A MASTER whose peer has lived so often, the first time with the tag 201, and is dead. */
  const widowed = (lives: number, pair = new NodePair().begin()): NodePair => {
    for (let life = 1; life < lives; life += 1) {
      pair.secondary.die();
      pair.run(milliseconds(100));
      pair.secondary.start();
      pair.run(milliseconds(500));
    }
    pair.secondary.die();
    return pair.run(milliseconds(100));
  };

  const isUnmoved = ({ primary }: NodePair): void => {
    expect(primary.up.conduct.relation?.verdict).toBe('dead');
    expect(primary.up.state).toBe('MASTER');
    expect(primary.alerts).toEqual(['peer', 'spoofed-advert:lan']);
  };

  it('never move a MASTER, however many they are and however they count', () => {
    const replays = fc.array(fc.tuple(fc.nat({ max: 0xffff_ffff }), fc.constantFrom(201, 202)), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(replays, (counters) => {
        const pair = widowed(3);
        for (const [count, tag] of counters) pair.primary.turn(lanAdvert(stride(count, tag)));
        isUnmoved(pair);
        const spoofed = pair.primary.up.bulletin.counters.get('carp.lan.spoofed');
        expect(spoofed).toBe(counters.length);
      }),
      { numRuns: 20 },
    );
  });

  it('never move it when they count on, even many lives later', () => {
    const pair = widowed(12);
    for (let count = 1; count < 100; count += 1) pair.primary.turn(lanAdvert(stride(count, 201)));
    isUnmoved(pair);
  });

  it('never move it when it had fallen back to CARP before the peer came again', () => {
    const pair = widowed(1);
    const { primary } = pair;
    // Worse ones: the node stays MASTER.
    const pace = { advbase: 1, advskew: 100 };
    primary.turn(...[1, 2, 3].map((count) => lanAdvert(stride(count, 77), pace)));
    expect(primary.up.conduct.isKnown).toBe(false);
    pair.secondary.start();
    pair.run(milliseconds(500));
    expect(primary.up.conduct.isKnown).toBe(true);
    widowed(1, pair.run(seconds(61)));
    for (let count = 4; count < 100; count += 1) primary.turn(lanAdvert(stride(count, 201)));
    isUnmoved(pair);
  });

  it('are not counted with those of an unknown one: three of these make it fall back', () => {
    const pair = widowed(2);
    const unknown = [1, 2, 3].map((count) => lanAdvert(stride(count, 77)));
    for (const each of unknown) {
      for (const count of [1, 2, 3]) pair.primary.turn(lanAdvert(stride(count, 201)));
      isUnmoved(pair);
      pair.primary.turn(each);
    }
    expect(pair.primary.up.state).toBe('BACKUP');
    expect(pair.primary.up.conduct.isKnown).toBe(false);
    expect(pair.primary.alerts).toContain('beats');
  });
});

describe('a better advertisement', () => {
  it('of a MASTER on one segment is yielded to with good-byes: others may wait elsewhere', () => {
    const stage = new NodeStage().serve();
    const goodbyes = ['advertise wan 255/255', 'advertise lan 255/255'];
    expect(deeds(stage.turn(heard('lan', '0/50')))).toEqual(['release 1', ...goodbyes]);
  });

  it('from a MAC of its own is of a claimant, which waits for the good-bye', () => {
    const stage = new NodeStage().serve();
    const goodbyes = ['advertise wan 255/255', 'advertise lan 255/255'];
    const claim = heard('lan', '0/50', { fromVirtualMac: false });
    expect(deeds(stage.turn(claim))).toEqual(['release 1', ...goodbyes]);
    expect(deeds(stage.wait(10_000).turn())).toEqual(goodbyes);
  });
});
