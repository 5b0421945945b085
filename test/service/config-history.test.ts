// Which revision stands, which it follows from, and what is guessed when the journal is lost.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigHistory } from '../../firmware/service/config-history.ts';
import type { ConfigRevision } from '../../firmware/wire/config-revision.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-history-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

const idOf = (letter: string): string => letter.repeat(16);

function revision(number: number, letter: string, parent: string | null): ConfigRevision {
  return {
    ...{ number, id: idOf(letter), parent: parent && idOf(parent), resolves: null },
    ...{ time: '2026-03-01T12:00:00.000Z', author: 'olga@office-a', message: '', origin: 'edit' },
    ...{ hash: letter.repeat(64), text: `cluster: ${letter}\n` },
  };
}

const REST = { synced: true, emergency: false, change: null, failure: null };

/** a <- b <- c stands; d branches off from a. */
function filled(): ConfigHistory {
  const history = new ConfigHistory(directory);
  for (const each of [
    revision(1, 'a', null),
    revision(2, 'b', 'a'),
    revision(3, 'c', 'b'),
    revision(2, 'd', 'a'),
  ]) {
    history.add(each);
  }
  history.writeJournal({ head: revision(3, 'c', 'b'), ...REST });
  return history;
}

test('in this life and in the next one', () => {
  for (const history of [filled(), new ConfigHistory(directory)]) {
    expect(history.head).toEqual(revision(3, 'c', 'b'));
    expect(['a', 'b', 'c', 'd', 'e'].map((letter) => history.leads(idOf(letter)))).toEqual([
      ...[true, true, true, false, false],
    ]);
    expect(history.numbered(2)?.id).toBe(idOf('b'));
    expect(history.hasText('cluster: d\n')).toBe(true);
    history.drop(idOf('c'));
    expect(history.head?.number).toBe(3);
  }
});

test.each(['{', '[]', '{"head": {"number": 9}}', '{"head": null, "synced": true}'])(
  'a journal that says %s is as good as lost: nothing may be overwritten unasked',
  (text) => {
    filled();
    writeFileSync(join(directory, 'config', 'journal.json'), text);
    const { journal } = new ConfigHistory(directory);
    expect(journal).toMatchObject({ head: { id: idOf('c') }, ...REST });
  },
);

test('a node that never ran has none', () => {
  const history = new ConfigHistory(directory);
  expect(history.journal).toBeUndefined();
  expect(history.head).toBeUndefined();
  expect(history.list()).toEqual([]);
});
