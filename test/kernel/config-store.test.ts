// The history of configurations on a real disk, and the power cut at each of its steps.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigStore } from '../../firmware/kernel/config-store.ts';
import type { ConfigRevision } from '../../firmware/wire/config-revision.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-store-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

function revision(number: number, text = `cluster: test${number}\n`): ConfigRevision {
  return {
    number,
    id: number.toString(16).padStart(16, '0'),
    parent: number === 1 ? null : (number - 1).toString(16).padStart(16, '0'),
    time: '2026-03-01T12:00:00.000Z',
    author: 'root@office-a',
    message: 'a change',
    origin: 'edit',
    resolves: null,
    hash: number.toString(16).padStart(64, '0'),
    text,
  };
}

const numbers = (store: ConfigStore): number[] => store.list().map(({ number }) => number);

test('what was added is there in another life, in order, byte by byte', () => {
  const store = new ConfigStore({ directory });
  const odd = 'cluster: "quotes, \\u00e9 and a tab\\t"\n# comment\n';
  for (const number of [2, 10, 1])
    expect(store.add(revision(number, odd), [])).toEqual({ ok: true });
  const again = new ConfigStore({ directory });
  expect(numbers(again)).toEqual([1, 2, 10]);
  expect(again.find(revision(10).id)).toEqual(revision(10, odd));
  expect(again.find('f'.repeat(16))).toBeUndefined();
});

test('only so many are kept, and those in use always', () => {
  const store = new ConfigStore({ directory, most: 3 });
  for (let number = 1; number <= 6; number++) store.add(revision(number), [revision(2).id]);
  expect(numbers(store)).toEqual([2, 4, 5, 6]);
  store.drop(revision(5).id);
  expect(numbers(store)).toEqual([2, 4, 6]);
});

test('large ones are fewer', () => {
  const store = new ConfigStore({ directory, mostBytes: 100_000 });
  for (let number = 1; number <= 5; number++) store.add(revision(number, 'x'.repeat(40_000)), []);
  expect(numbers(store)).toEqual([4, 5]);
});

test('a power cut at any step leaves the old history or the new one, all of it readable', () => {
  const run = (cutAt: number): number => {
    const place = mkdtempSync(join(directory, 'cut-'));
    new ConfigStore({ directory: place, most: 2 }).add(revision(1), []);
    new ConfigStore({ directory: place, most: 2 }).writeJournal({ head: 1 });
    new ConfigStore({ directory: place, most: 2 }).add(revision(2), []);
    let steps = 0;
    const store = new ConfigStore({
      directory: place,
      most: 2,
      onStep: () => {
        if (steps++ === cutAt) throw new Error('power cut');
      },
    });
    const done = store.add(revision(3), [revision(2).id]);
    if (done.ok) {
      try {
        store.writeJournal({ head: 3 });
      } catch {
        // The cut may come here, too.
      }
    }
    const after = new ConfigStore({ directory: place, most: 2 });
    const journal = after.readJournal();
    const head = journal.kind === 'read' ? (journal.value as { head: number }).head : 0;
    expect([
      [1, 2],
      [1, 2, 3],
      [2, 3],
    ]).toContainEqual(numbers(after));
    expect([1, 3]).toContain(head);
    if (head === 3) expect(numbers(after)).toContain(3);
    for (const each of after.list()) expect(each).toEqual(revision(each.number));
    // The next one clears away what is left of it.
    expect(after.add(revision(4), []).ok).toBe(true);
    expect(readdirSync(join(place, 'config')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    return steps;
  };
  const steps = run(-1);
  expect(steps).toBeGreaterThan(4);
  for (let cutAt = 0; cutAt < steps; cutAt++) run(cutAt);
});

test('damaged files are passed over, a full disk is an answer', () => {
  const store = new ConfigStore({ directory });
  store.add(revision(1), []);
  writeFileSync(join(directory, 'config', `00000002-${'2'.repeat(16)}.json`), '{"number": 2');
  writeFileSync(join(directory, 'config', `00000003-${'3'.repeat(16)}.json`), '{"number": 3}');
  writeFileSync(join(directory, 'config', 'journal.json'), '{');
  expect(numbers(new ConfigStore({ directory }))).toEqual([1]);
  expect(store.readJournal().kind).toBe('corrupt');
  const blocked = new ConfigStore({ directory: join(directory, 'config', 'journal.json.corrupt') });
  expect(blocked.add(revision(1), [])).toMatchObject({ ok: false });
});
