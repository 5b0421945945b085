// The way from one configuration to the next on both nodes, and that no crash leaves a mix.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RolloutPair, revision, type Side } from './rollout-pair.ts';

const OLD = revision('old', { number: 1, content: 'old' });
const NEW = revision('new', { number: 2, content: 'new', parent: OLD.id });

/** Both were synchronised once and run the same. */
function pairOf(first = OLD): RolloutPair {
  const pair = new RolloutPair(first, first);
  pair.boot('a');
  pair.boot('b');
  pair.connect();
  pair.settle();
  return pair;
}

const heads = (pair: RolloutPair) => ({
  a: pair.disk('a').journal.head.number,
  b: pair.disk('b').journal.head.number,
});
const files = (pair: RolloutPair) => ({ a: pair.disk('a').file, b: pair.disk('b').file });

test('imports of equal content become one revision without anything being applied', () => {
  const pair = new RolloutPair(OLD, revision('own', { number: 1, content: 'old' }));
  pair.boot('a');
  pair.boot('b');
  expect(pair.machine('a').standing).toBe('offline');
  pair.connect();
  pair.settle();
  expect(pair.disk('b').journal).toMatchObject({ head: { id: OLD.id }, synced: true });
  expect(pair.trace).toEqual([]);
  expect([pair.machine('a').standing, pair.machine('b').standing]).toEqual(['synced', 'synced']);
});

test.each([
  ['a', ['b runs new', 'a runs new']],
  ['b', ['a runs new', 'b runs new']],
] as const)('while %s serves, the other one runs it first', (master, order) => {
  const pair = pairOf();
  pair.master = master;
  for (const side of ['a', 'b'] as const) pair.facts(side);
  pair.settle();
  pair.propose('a', NEW);
  pair.settle();
  expect(pair.trace).toEqual(order);
  expect(heads(pair)).toEqual({ a: 2, b: 2 });
  expect(pair.outcomes).toEqual([{ side: 'a', ok: true, text: 'a and b: revision 2' }]);
});

describe('what one node does not take, neither has', () => {
  test.each(['a', 'b'] as const)('%s refuses it: nothing was touched', (side) => {
    const pair = pairOf();
    pair.refuses[side].add('new');
    pair.propose('a', NEW);
    pair.settle();
    const text = `revision 2 refused: ${side}: cannot take new`;
    expect(pair.outcomes).toEqual([{ side: 'a', ok: false, text }]);
    expect(pair.trace).toEqual([]);
    expect(heads(pair)).toEqual({ a: 1, b: 1 });
    expect(pair.machine('a').isIdle).toBe(true);
    expect(pair.disk('b').revisions.has(NEW.id)).toBe(false);
  });

  test.each(['a', 'b'] as const)('%s is not well with it: both go back', (side) => {
    const pair = pairOf();
    pair.breaks[side].add('new');
    pair.propose('a', NEW);
    pair.settle();
    const text = `revision 2 rolled back: ${side}: unwell with new`;
    expect(pair.outcomes).toEqual([{ side: 'a', ok: false, text }]);
    expect(files(pair)).toEqual({ a: 'old', b: 'old' });
    expect(pair.machine('a').isIdle).toBe(true);
    expect(pair.disk('a').journal.failure).toEqual({ number: 2, text });
  });

  test('one that was edited by hand and runs here already goes back, too', () => {
    const pair = pairOf();
    pair.refuses.b.add('new');
    pair.propose('a', NEW, { live: true });
    pair.settle();
    expect(files(pair)).toEqual({ a: 'old', b: 'old' });
    expect(pair.outcomes.at(-1)?.text).toContain('revision 2 rolled back: b: cannot take new');
  });
});

describe('a change on trial', () => {
  test('stands when it is confirmed', () => {
    const pair = pairOf();
    pair.propose('a', NEW, { trialMs: 60_000 });
    pair.settle();
    expect(files(pair)).toEqual({ a: 'new', b: 'new' });
    expect(heads(pair)).toEqual({ a: 1, b: 1 });
    pair.give('a', { kind: 'confirm' });
    pair.settle();
    expect(heads(pair)).toEqual({ a: 2, b: 2 });
  });

  test('is rolled back on both when it is not', () => {
    const pair = pairOf();
    pair.propose('a', NEW, { trialMs: 60_000 });
    pair.settle();
    pair.lapse();
    expect(files(pair)).toEqual({ a: 'old', b: 'old' });
    expect(pair.outcomes.at(-1)?.text).toBe('revision 2 rolled back: it was not confirmed in time');
  });

  test('outlives the crash of the follower, confirmed or not', () => {
    for (const isConfirmed of [true, false]) {
      const pair = pairOf();
      pair.propose('a', NEW, { trialMs: 600_000 });
      pair.settle();
      pair.cut('b');
      pair.boot('b');
      pair.connect();
      pair.settle();
      if (isConfirmed) pair.give('a', { kind: 'confirm' });
      else pair.lapse();
      pair.settle();
      const end = isConfirmed ? 'new' : 'old';
      expect(files(pair)).toEqual({ a: end, b: end });
    }
  });
});

describe('a standby that was away', () => {
  test('catches up by itself', () => {
    const pair = pairOf();
    pair.cut('b');
    pair.propose('a', NEW);
    pair.settle();
    expect(pair.outcomes.at(-1)).toMatchObject({ ok: true, text: 'a: revision 2' });
    expect(pair.machine('a').standing).toBe('offline');
    pair.boot('b');
    pair.connect();
    pair.settle();
    expect(heads(pair)).toEqual({ a: 2, b: 2 });
    expect(pair.trace).toEqual(['a runs new', 'b runs new']);
    expect(pair.events).toContain('a: b has caught up with revision 2');
  });

  test('has the comments, too', () => {
    const pair = pairOf();
    pair.cut('b');
    const wish = { number: 2, content: 'old', text: '# why\nold', parent: OLD.id };
    pair.propose('a', revision('comment', wish));
    pair.settle();
    pair.boot('b');
    pair.connect();
    pair.settle();
    expect(files(pair)).toEqual({ a: '# why\nold', b: '# why\nold' });
    expect(pair.disk('b').revisions.has(OLD.id)).toBe(true);
  });

  test('that refuses what it missed is tried again, and what serves stays', () => {
    const pair = pairOf();
    pair.cut('b');
    pair.propose('a', NEW);
    pair.settle();
    pair.refuses.b.add('new');
    pair.boot('b');
    pair.connect();
    pair.settle();
    expect(pair.machine('a').standing).toBe('pending');
    expect(pair.disk('a').journal.failure?.text).toBe(
      'revision 2 not taken over: b: cannot take new',
    );
    pair.refuses.b.clear();
    pair.lapse();
    expect(pair.machine('a').standing).toBe('synced');
    expect(files(pair)).toEqual({ a: 'new', b: 'new' });
  });
});

describe('nodes that diverged wait for people', () => {
  const mine = revision('mine', { number: 2, content: 'mine', parent: OLD.id, origin: 'here' });

  function emergency(): RolloutPair {
    const pair = pairOf();
    pair.cut('a');
    pair.propose('b', mine, { alone: true });
    pair.settle();
    expect(pair.disk('b').file).toBe('mine');
    pair.boot('a');
    pair.connect();
    pair.settle();
    return pair;
  }

  test('an edit in an emergency is not overwritten', () => {
    const pair = emergency();
    expect(files(pair)).toEqual({ a: 'old', b: 'mine' });
    expect([pair.machine('a').standing, pair.machine('b').standing]).toEqual([
      'diverged',
      'diverged',
    ]);
    pair.propose('a', revision('next', { number: 3, content: 'next', parent: OLD.id }));
    expect(pair.outcomes.at(-1)).toMatchObject({ ok: false });
    expect(files(pair)).toEqual({ a: 'old', b: 'mine' });
  });

  test.each(['old', 'mine'])('until they keep %s', (content) => {
    const pair = emergency();
    const wish = { number: 3, content, parent: OLD.id, resolves: mine.id };
    pair.propose('a', revision('kept', { ...wish, origin: 'resolve' }));
    pair.settle();
    expect(files(pair)).toEqual({ a: content, b: content });
    expect(heads(pair)).toEqual({ a: 3, b: 3 });
    expect([pair.machine('a').standing, pair.machine('b').standing]).toEqual(['synced', 'synced']);
  });

  test('a primary without a history does not overwrite one', () => {
    const pair = pairOf();
    pair.propose('a', NEW);
    pair.settle();
    const fresh = new RolloutPair(revision('fresh', { number: 1, content: 'empty' }), NEW);
    fresh.disk('b').journal = pair.disk('b').journal;
    fresh.disk('b').revisions.set(OLD.id, OLD);
    fresh.boot('a');
    fresh.boot('b');
    fresh.connect();
    fresh.settle();
    expect(files(fresh)).toEqual({ a: 'empty', b: 'new' });
    expect(fresh.machine('a').standing).toBe('diverged');
  });

  test('a secondary without a history takes what the primary has', () => {
    const pair = new RolloutPair(OLD, revision('fresh', { number: 1, content: 'empty' }));
    pair.boot('a');
    pair.boot('b');
    pair.connect();
    pair.settle();
    expect(files(pair)).toEqual({ a: 'old', b: 'old' });
  });
});

/** One whole life: two edits, one of which may be refused or on trial, and faults on the way. */
function live(faults: readonly { readonly at: number; readonly side: Side }[], plan: number) {
  const pair = pairOf();
  pair.steps = 0;
  pair.master = plan & 1 ? 'b' : 'a';
  if (plan & 2) pair.breaks[plan & 4 ? 'a' : 'b'].add('new');
  const trialMs = plan & 8 ? 60_000 : 0;
  pair.fault = (_side, _output, step) => faults.find(({ at }) => at === step)?.side;
  pair.propose('a', NEW, { trialMs, live: (plan & 16) !== 0 });
  pair.settle();
  if (plan & 32) pair.give('a', { kind: 'confirm' });
  pair.settle();
  // One that lost power comes back while further faults wait for it.
  for (const side of ['a', 'b'] as const) if (!pair.nodes[side].machine) pair.boot(side);
  pair.connect();
  pair.settle();
  return pair;
}

function proveWhole(pair: RolloutPair): void {
  pair.recover();
  const { a, b } = { a: pair.disk('a'), b: pair.disk('b') };
  expect(a.journal.change).toBeNull();
  expect(b.journal.change).toBeNull();
  expect(b.journal.head.id).toBe(a.journal.head.id);
  expect(a.file).toBe(a.revisions.get(a.journal.head.id)?.text);
  expect(b.file).toBe(a.file);
  expect(['old', 'new']).toContain(a.file);
}

test('whatever loses power at any one step, both end on one revision', () => {
  for (let plan = 0; plan < 64; plan++) {
    const { steps } = live([], plan);
    expect(steps).toBeGreaterThan(5);
    for (let at = 0; at < steps; at++) {
      for (const side of ['a', 'b'] as const) proveWhole(live([{ at, side }], plan));
    }
  }
});

test('and at any steps, several times', () => {
  const fault = fc.record({ at: fc.nat(60), side: fc.constantFrom('a' as const, 'b' as const) });
  const life = fc.tuple(fc.array(fault, { maxLength: 4 }), fc.nat(63));
  fc.assert(
    fc.property(life, ([faults, plan]) => proveWhole(live(faults, plan))),
    { numRuns: 1000 },
  );
});
