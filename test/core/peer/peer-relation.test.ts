/** Two relations and the cables between them: beats, sessions, lives. */
import { describe, expect, it } from 'vitest';
import { Prng } from '../../simulator/prng.ts';
import { RelationPair } from './relation-pair.ts';
import { beat } from './relation-stage.ts';

const begun = (): RelationPair => new RelationPair(new Prng(1)).begin().run(500_000);

describe('two relations', () => {
  it('meet, and the better one serves', () => {
    const pair = begun();
    expect(pair.serving).toBe('a');
    expect(pair.b.relation?.verdict).toBe('alive');
    const paths = pair.b.relation?.beat?.paths.map(({ interface: place, hears }) => [place, hears]);
    expect(paths).toContainEqual(['sync', true]);
  });

  it('wait for what is due and for nothing else', () => {
    const pair = begun();
    for (let count = 0; count < 200; count += 1) {
      pair.run(5_000);
      expect(pair.a.relation?.nextTimeout()).toBeGreaterThan(pair.now);
      expect(pair.b.relation?.nextTimeout()).toBeGreaterThan(pair.now);
    }
  });

  it('survive any two of three beats lost, and delays', () => {
    const pair = begun();
    for (const side of ['a', 'b'] as const) {
      pair.weather[side] = { loss: 1, lostInRow: 2, delay: [50, 4_000], repeated: 0, cut: false };
    }
    pair.run(5_000_000);
    expect(pair.log.filter((each) => each.includes('silent'))).toEqual([]);
    expect(pair.serving).toBe('a');
  });
});

describe('a beat', () => {
  const hear = (
    pair: RelationPair,
    part: Parameters<typeof beat>[0],
    place: 'sync' | 'lan' = 'sync',
  ): void => {
    pair.b.relation?.hear(place, beat({ node: 'a', role: 'primary', ...part }), pair.now);
  };

  it('that was overtaken is no sign of life', () => {
    const pair = begun();
    const last = pair.b.relation?.beat;
    pair.a.die();
    pair.run(100_000);
    expect(pair.b.relation?.verdict).toBe('dead');
    hear(pair, { ...last, sequence: 1 });
    expect(pair.b.relation?.verdict).toBe('dead');
  });

  it('that asks is answered where it came in, also when another one has overtaken it', () => {
    const pair = begun();
    const { bootId = 0n, sequence = 0 } = pair.b.relation?.beat ?? {};
    for (const place of ['lan', 'sync'] as const) {
      const isAnswered = (asks: boolean): boolean => {
        const askedAt = pair.now;
        hear(pair, { bootId, sequence: sequence - 1, asks }, place);
        // A question and its answer take less than the time between two beats.
        pair.run(100);
        return (pair.a.relation?.paths.get(place)?.heardAt ?? 0) > askedAt;
      };
      pair.run(1_000);
      expect([place, isAnswered(false), isAnswered(true)]).toEqual([place, false, true]);
    }
    expect(pair.b.relation?.beat?.sequence).toBeGreaterThanOrEqual(sequence);
  });

  it('of a former life counts for nothing', () => {
    const pair = begun();
    const last = pair.b.relation?.beat;
    pair.a.die();
    pair.run(100_000);
    pair.a.start();
    pair.run(500_000);
    const present = pair.b.relation?.beat?.bootId;
    hear(pair, { ...last, sequence: 1_000_000, serving: true });
    expect(pair.b.relation?.beat?.bootId).toBe(present);
  });

  it('of this node itself counts for nothing', () => {
    const pair = begun();
    const own = pair.a.relation?.beat?.bootId ?? 0n;
    const sequence = pair.b.relation?.beat?.sequence;
    hear(pair, { bootId: own, sequence: 1_000_000 });
    expect(pair.b.relation?.beat?.sequence).toBe(sequence);
  });

  it('that says farewell is the last: nothing of that life is heard any more', () => {
    const pair = begun();
    const { bootId = 0n, sequence = 0 } = pair.b.relation?.beat ?? {};
    pair.a.die();
    hear(pair, { bootId, sequence: sequence + 1, farewell: true });
    hear(pair, { bootId, sequence: sequence + 2 });
    expect(pair.b.relation?.verdict).toBe('dead');
    pair.run(200);
    expect(pair.serving).toBe('b');
  });
});
