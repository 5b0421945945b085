import { expect, test } from 'vitest';
import { ClientTraffic, watchVips } from '../client-traffic.ts';
import { Drills } from '../drill.ts';
import { Pair } from '../pair.ts';
import type { PairKind } from '../pair-kind.ts';
import { Rack } from '../rack.ts';
import { KEEPALIVED, KeepalivedPair } from './keepalived-pair.ts';
import { UcarpPair } from './ucarp-pair.ts';

const KINDS: readonly PairKind[] = [
  new UcarpPair(),
  new KeepalivedPair(KEEPALIVED.default),
  new KeepalivedPair(KEEPALIVED.tuned),
  new KeepalivedPair(KEEPALIVED.fast),
];

test.each(KINDS)('$name: the secondary takes over when the primary loses power', async (kind) => {
  using rack = await Rack.build();
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, kind);
  const drills = new Drills(rack, pair, watch, await ClientTraffic.start(rack, 5));

  const result = await drills.run('power loss');

  expect(result).toMatchObject({
    from: 'a',
    recovered: true,
    doubleAnswers: 0,
    streams: 5,
    streamsPreserved: 5,
    states: { a: 'off', b: 'MASTER' },
  });
  await drills.undo('power loss', 'a');
  expect(await pair.settled()).toBe(kind.preempts ? 'a' : 'b');
});
