/** The rules of flow-ownership.ts, line by line. */
import { describe, expect, it } from 'vitest';
import { OWN_SIDE, PEER_SIDE } from '../../../firmware/core/flows/bucket-digests.ts';
import { FlowOwnership } from '../../../firmware/core/flows/flow-ownership.ts';
import { FlowTable, marks } from '../../../firmware/core/flows/flow-table.ts';
import { after, instant, milliseconds } from '../../../firmware/core/time.ts';
import type { FlowServing } from '../../../firmware/wire/flow-frame.ts';

const NOW = instant(1_000_000);
const LATER = after(NOW, milliseconds(600));
const MUCH_LATER = after(NOW, milliseconds(1_500));

/** A node and its peer, serving as given, with some flows of the peer and some of its own. */
function stage(own: FlowServing, peer: FlowServing, flows = { own: 0, peer: 0 }) {
  const table = new FlowTable(100, 100);
  for (let id = 1; id <= flows.own + flows.peer; id += 1) {
    const side = id <= flows.own ? marks.own : 0;
    table.set(table.insert(id, id * 7_919), marks.used | marks.established | side);
  }
  const ownership = new FlowOwnership(table, own);
  ownership.peerServes(peer, NOW);
  const counts = () => [table.count(OWN_SIDE), table.count(PEER_SIDE)];
  return { table, ownership, counts };
}

describe('whose a flow is', () => {
  it('belongs to who serves everything from now on', () => {
    const { ownership, counts } = stage('none', 'all', { own: 1, peer: 3 });
    ownership.serve('all', NOW);
    expect(counts()).toEqual([4, 0]);
  });

  it('stays with the peer while this node serves a part only', () => {
    const { ownership, counts } = stage('none', 'all', { own: 1, peer: 3 });
    ownership.serve('part', NOW);
    expect(counts()).toEqual([1, 3]);
  });

  it('falls to who serves when the other one stops', () => {
    const { ownership, counts } = stage('all', 'all', { own: 1, peer: 3 });
    ownership.peerServes('none', NOW);
    expect(counts()).toEqual([4, 0]);
  });

  it('falls to whoever has it when its owner was restarted and nobody serves', () => {
    const { ownership, counts } = stage('none', 'none', { own: 1, peer: 3 });
    ownership.peerRestarted('none', NOW);
    ownership.adopt(LATER);
    expect(counts()).toEqual([1, 3]);
    ownership.adopt(MUCH_LATER);
    expect(counts()).toEqual([4, 0]);
    expect([ownership.takeUntold(), ownership.takeUntold()]).toEqual([true, false]);
  });

  it('does not fall to anybody when the restarted owner serves after a moment', () => {
    const { ownership, counts } = stage('none', 'none', { own: 1, peer: 3 });
    ownership.peerRestarted('none', NOW);
    ownership.peerServes('all', LATER);
    ownership.adopt(MUCH_LATER);
    ownership.peerServes('none', MUCH_LATER);
    ownership.adopt(after(MUCH_LATER, milliseconds(5_000)));
    expect(counts()).toEqual([1, 3]);
  });

  it('is undecided only as long as its former owner may come back to it', () => {
    const { ownership } = stage('none', 'none', { own: 0, peer: 3 });
    expect(ownership.isUndecided).toBe(false);
    ownership.peerRestarted('none', NOW);
    ownership.adopt(NOW);
    expect(ownership.isUndecided).toBe(true);
    ownership.peerServes('all', NOW);
    ownership.adopt(NOW);
    expect(ownership.isUndecided).toBe(false);
    ownership.peerRestarted('none', NOW);
    ownership.adopt(MUCH_LATER);
    expect(ownership.isUndecided).toBe(false);
  });

  it('is inherited from the peer, but not when it was in the own kernel at the start', () => {
    const { table, ownership } = stage('none', 'all', { own: 0, peer: 2 });
    const loaded = table.find(1, 7_919);
    table.set(loaded, table.marks(loaded) | marks.loaded);
    ownership.serve('all', NOW);
    const marksOf = (low: number): number => table.marks(table.find(low, low * 7_919));
    const isOurs = marks.own | marks.announced;
    expect(marksOf(1) & (isOurs | marks.inherited | marks.loaded)).toBe(isOurs);
    expect(marksOf(2) & (isOurs | marks.inherited)).toBe(isOurs | marks.inherited);
    // The peer may know an older state of the first.
    expect(ownership.takeUntold()).toBe(true);
  });

  it('is not claimed when its copy has lapsed: there is nothing to own', () => {
    const { table, ownership, counts } = stage('none', 'all', { own: 0, peer: 2 });
    const hollow = table.find(1, 7_919);
    table.set(hollow, table.marks(hollow) | marks.hollow);
    ownership.serve('all', NOW);
    expect(counts()).toEqual([1, 0]);
    expect(ownership.takeUntold()).toBe(false);
  });

  it('is ceded when the peer serves and this node does not', () => {
    const { ownership, counts } = stage('none', 'all', { own: 2, peer: 1 });
    expect(ownership.isToCede).toBe(true);
    ownership.cedeAll();
    expect(counts()).toEqual([0, 3]);
    expect(stage('all', 'all').ownership.isToCede).toBe(false);
    expect(stage('none', 'none').ownership.isToCede).toBe(false);
  });

  it('is not inherited when the copy has lapsed', () => {
    const { table, ownership, counts } = stage('none', 'all', { own: 0, peer: 2 });
    const slot = table.find(1, 7_919);
    table.set(slot, table.marks(slot) | marks.hollow);
    ownership.serve('all', NOW);
    expect(counts()).toEqual([1, 0]);
  });
});

describe('what the peer says', () => {
  const own = marks.used | marks.own;
  const inherited = own | marks.inherited;

  it.each([
    ['none', 'all', own, 'cede'],
    ['none', 'none', own, 'cede'],
    ['part', 'part', own, 'cede'],
    ['part', 'none', own, 'refuse'],
    ['all', 'all', own, 'refuse'],
    ['all', 'none', own, 'refuse'],
    ['all', 'none', inherited, 'update'],
    ['all', 'all', inherited, 'update'],
  ] as const)('when we serve %s and it %s: upsert of %i: %s', (we, it, flowMarks, judgement) => {
    expect(stage(we, it).ownership.judgeUpsert(flowMarks)).toBe(judgement);
  });

  it('makes an unknown flow ours only when only we serve', () => {
    expect(stage('all', 'none').ownership.marksOfUnknown & marks.own).not.toBe(0);
    for (const [we, it] of [
      ['all', 'all'],
      ['part', 'none'],
      ['none', 'all'],
    ] as const) {
      expect(stage(we, it).ownership.marksOfUnknown).toBe(0);
    }
  });

  it('ends an inherited flow only when it was said before the takeover', () => {
    const { ownership } = stage('none', 'all');
    ownership.serve('all', NOW);
    expect(ownership.mayEnd(inherited, 'all', NOW)).toBe(true);
    expect(ownership.mayEnd(inherited, 'none', NOW)).toBe(false);
    expect(ownership.mayEnd(inherited, 'all', LATER)).toBe(false);
    expect(ownership.mayEnd(own, 'all', NOW)).toBe(false);
  });

  it('ends no flow by what the peer said in a split, once that is over', () => {
    const { ownership } = stage('none', 'all');
    ownership.serve('all', NOW);
    // The peer yields, and what it did not see ended here is claimed again: no new takeover.
    ownership.peerServes('none', LATER);
    expect(ownership.mayEnd(inherited, 'all', LATER)).toBe(false);
  });

  it('ends a flow we have not ceded yet, unless the two were apart', () => {
    const { ownership } = stage('none', 'all', { own: 1, peer: 0 });
    expect(ownership.mayEnd(own, 'all', NOW)).toBe(true);
    expect(ownership.mayEnd(own, 'none', NOW)).toBe(false);
    ownership.apart();
    expect(ownership.mayEnd(own, 'all', NOW)).toBe(false);
    ownership.reunited();
    expect(ownership.mayEnd(own, 'all', NOW)).toBe(true);
  });

  it('waits while both serve everything, but not for ever', () => {
    const { ownership } = stage('all', 'all');
    expect(ownership.isHeld(NOW)).toBe(true);
    expect(ownership.isHeld(LATER)).toBe(false);
    ownership.serve('none', LATER);
    expect(ownership.isHeld(LATER)).toBe(false);
    ownership.serve('all', LATER);
    expect(ownership.isHeld(LATER)).toBe(true);
    expect(stage('all', 'part').ownership.isHeld(NOW)).toBe(false);
  });
});
