/** A pair's life of faults, drawn from a seed. */
import { Prng } from '../../simulator/prng.ts';
import { type Box, clear, RelationPair, type Weather } from './relation-pair.ts';

const rough = (prng: Prng): Weather => ({
  ...clear(),
  loss: prng.pick([0, 0.2, 0.6]),
  lostInRow: 2,
  delay: prng.pick([
    [50, 100],
    [50, 4_000],
    [2_000, 2_500],
  ] as const),
  repeated: prng.pick([0, 0.3]),
});

/** Something that happens to one of the boxes. */
function befall(pair: RelationPair, box: Box): void {
  const { prng } = pair;
  // A process does not come back before its lease is over: it takes longer to start.
  const canStart = !box.serves;
  switch (prng.between(0, 5)) {
    case 0:
      box.health = prng.between(0, 2);
      return;
    case 1:
      box.demotion = prng.pick([0, 0, 240, 480]);
      return;
    case 2:
      if (box.relation !== undefined) box.die();
      else if (canStart) box.start();
      return;
    case 3:
      if (box.relation !== undefined) box.kill();
      else if (canStart) box.start();
      return;
    case 4:
      pair.weather.a = rough(prng);
      return;
    default:
      pair.weather.b = rough(prng);
  }
}

/** Throws when both serve. */
export function live(seed: number, eras: number): RelationPair {
  const prng = new Prng(seed);
  const pair = new RelationPair(prng).begin();
  pair.watch = () => {
    if (pair.serving === 'ab') throw new Error(`both serve\n${pair.log.slice(-20).join('\n')}`);
  };
  pair.run(500_000);
  pair.stops = {
    chance: prng.pick([0, 0.002, 0.02]),
    longest: prng.pick([20_000, 60_000, 400_000]),
  };
  pair.refusals = prng.pick([0, 0.3]);
  for (let era = 0; era < eras; era += 1) {
    befall(pair, prng.pick([pair.a, pair.b]));
    pair.run(prng.pick([500, 5_000, 50_000, 300_000]));
  }
  return pair;
}

/** No more faults, both boxes whole. */
export function calm(pair: RelationPair): void {
  pair.run(50_000);
  pair.stops = { chance: 0, longest: 0 };
  pair.refusals = 0;
  pair.weather.a = clear();
  pair.weather.b = clear();
  for (const box of [pair.a, pair.b]) {
    box.health = 2;
    box.demotion = 0;
    if (box.relation === undefined) box.start();
  }
}
