import { describe, expect, it } from 'vitest';
import { BUCKETS } from '../../../firmware/core/flows/bucket-set.ts';
import { DigestExchange, type DigestRound } from '../../../firmware/core/flows/digest-exchange.ts';
import { bucketOf, FlowTable, marks } from '../../../firmware/core/flows/flow-table.ts';
import { instant, after as later, milliseconds, seconds } from '../../../firmware/core/time.ts';
import { keyOf } from './flow-stage.ts';

const NOW = instant(1_000_000);
const ROOM = 1_352;

function tableOf(ids: readonly number[], flowMarks: number): FlowTable {
  const table = new FlowTable(1_000, 10_000);
  for (const id of ids) {
    const [low, high] = keyOf(id);
    table.set(table.insert(low | 0, high | 0), flowMarks | marks.used | marks.established);
  }
  return table;
}

const bucketsOf = (ids: readonly number[]): number[] =>
  [...new Set(ids.map((id) => bucketOf(...keyOf(id))))].sort((one, other) => one - other);

const ids = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

/** One round of the owner's digests, heard by the other when it is at frame `position`. */
function exchange(owner: FlowTable, copies: FlowTable, position = 7) {
  const teller = new DigestExchange(owner, ROOM);
  const hearer = new DigestExchange(copies, ROOM);
  teller.restart(NOW);
  let round: DigestRound | undefined;
  for (let first = 0, isOver = false; !isOver; isOver = first === 0) {
    const bytes = new Uint8Array(ROOM + 5);
    const entries = new DataView(bytes.buffer, 5);
    const told = teller.compose(entries, NOW);
    const head = { serving: 'all', epoch: 1, peerEpoch: 2, sequence: 7 } as const;
    const part = new DataView(bytes.buffer, 5, told.count * 8);
    expect(hearer.hear({ kind: 'digest', ...head, ...told, entries: part })).toBe(true);
    bytes.fill(0);
    round = hearer.reached(position) ?? round;
    first = (told.first + told.count) % BUCKETS;
  }
  return { round, hearer };
}

describe('the exchange of digests', () => {
  it('finds nothing to do between equals', () => {
    const { round, hearer } = exchange(tableOf(ids(0, 900), marks.own), tableOf(ids(0, 900), 0));
    expect(round?.divergence).toBe(0);
    expect(round?.equal.isFull).toBe(true);
    expect(hearer.pull()).toBeUndefined();
  });

  it('pulls the keys of the buckets that differ, and renews the others', () => {
    const { round, hearer } = exchange(tableOf(ids(0, 100), marks.own), tableOf(ids(10, 103), 0));
    const differing = bucketsOf([...ids(0, 10), ...ids(100, 103)]);
    expect(hearer.pull()).toEqual({ content: 'keys', buckets: differing });
    expect(hearer.pull()).toBeUndefined();
    expect(round?.equal.size).toBe(BUCKETS - differing.length);
    expect(round?.divergence).toBeCloseTo(13);
    expect(round?.isHigh).toBe(true);
  });

  it('calls up to five percent tolerable', () => {
    const { round } = exchange(tableOf(ids(0, 100), marks.own), tableOf(ids(4, 100), 0));
    expect([round?.divergence, round?.isHigh]).toEqual([4, false]);
  });

  it('compares nothing that is not about the same moment', () => {
    const { round, hearer } = exchange(tableOf(ids(0, 9), marks.own), tableOf([], 0), 8);
    expect(round).toBeUndefined();
    expect(hearer.pull()).toBeUndefined();
  });

  it('asks for bodies first, and for as many buckets at once as a frame can name', () => {
    const exchanger = new DigestExchange(tableOf([], 0), 80);
    exchanger.want(ids(0, 15), NOW);
    expect(exchanger.pull()).toEqual({ content: 'bodies', buckets: ids(0, 10) });
    expect(exchanger.pull()).toEqual({ content: 'bodies', buckets: ids(10, 15) });
    expect(exchanger.pull()).toBeUndefined();
  });

  it('asks more and more rarely for what does not help, until digests are equal', () => {
    const exchanger = new DigestExchange(tableOf([], 0), ROOM);
    const asked: number[] = [];
    for (let second = 0; second < 200; second += 1) {
      exchanger.want([7], later(NOW, seconds(second)));
      if (exchanger.pull() !== undefined) asked.push(second);
    }
    expect(asked).toEqual([0, 5, 15, 35, 75, 155]);
    const entries = new DataView(new ArrayBuffer(8));
    const head = { serving: 'all', epoch: 1, peerEpoch: 2, sequence: 7 } as const;
    exchanger.hear({ kind: 'digest', ...head, first: 7, count: 1, entries });
    exchanger.reached(7);
    exchanger.want([7], later(NOW, seconds(200)));
    expect(exchanger.pull()).toEqual({ content: 'bodies', buckets: [7] });
  });

  it('refuses buckets there are not', () => {
    const exchanger = new DigestExchange(tableOf([], 0), ROOM);
    const head = { serving: 'all', epoch: 1, peerEpoch: 2, sequence: 7 } as const;
    const entries = new DataView(new ArrayBuffer(16));
    const wrong = { kind: 'digest', ...head, first: BUCKETS - 1, count: 2, entries } as const;
    expect(exchanger.hear(wrong)).toBe(false);
  });

  it('tells the whole table in ten seconds', () => {
    const exchanger = new DigestExchange(tableOf([], 0), ROOM);
    exchanger.restart(NOW);
    const entries = new DataView(new ArrayBuffer(ROOM));
    let now = NOW;
    for (let told = 0; told < BUCKETS; ) {
      now = exchanger.dueAt ?? now;
      told += exchanger.compose(entries, now).count;
    }
    expect(now - NOW).toBeGreaterThan(seconds(9));
    expect(now).toBeLessThanOrEqual(later(NOW, seconds(10)));
    exchanger.postpone(now);
    expect(exchanger.dueAt).toBeGreaterThan(later(now, milliseconds(100)));
  });
});
