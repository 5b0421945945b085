// What survives a restart, and what a broken or full disk does to it.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLog, StateFiles } from '../../firmware/kernel/state-files.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-state-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const inside = (name: string) => join(directory, name);

describe('JSON files', () => {
  test('are read as they were written, for the owner only, with nothing left behind', () => {
    const files = new StateFiles(join(directory, 'deep', 'state'));
    expect(files.write('node.json', { maintenance: true })).toEqual({ ok: true });
    expect(files.write('node.json', { maintenance: false, text: 'ü' })).toEqual({ ok: true });
    expect(files.read('node.json')).toEqual({
      kind: 'read',
      value: { maintenance: false, text: 'ü' },
    });
    expect(readdirSync(join(directory, 'deep', 'state'))).toEqual(['node.json']);
    expect(statSync(join(directory, 'deep', 'state', 'node.json')).mode & 0o777).toBe(0o600);
  });

  test('absent is not corrupt', () => {
    expect(new StateFiles(directory).read('node.json')).toEqual({ kind: 'absent' });
  });

  test.each(['', '{"maintenance": tr', '\0\0\0\0'])(
    'corrupt content %j is set aside',
    (content) => {
      writeFileSync(inside('node.json'), content);
      const files = new StateFiles(directory);
      expect(files.read('node.json')).toEqual({
        kind: 'corrupt',
        text: `${inside('node.json')} is not JSON, set aside as node.json.corrupt`,
      });
      expect(readFileSync(inside('node.json.corrupt'), 'utf8')).toBe(content);
      expect(files.read('node.json')).toEqual({ kind: 'absent' });
    },
  );

  test('what cannot be read is told from what is corrupt', () => {
    mkdirSync(inside('node.json'));
    expect(new StateFiles(directory).read('node.json')).toEqual({
      kind: 'unreadable',
      text: `cannot read ${inside('node.json')}: EISDIR`,
    });
  });

  test('a full disk is reported and the old value stands', () => {
    const files = new StateFiles(directory);
    files.write('node.json', { revision: 1 });
    symlinkSync('/dev/full', inside('node.json.tmp'));
    expect(files.write('node.json', { revision: 2 })).toEqual({
      ok: false,
      text: `cannot write ${inside('node.json')}: ENOSPC`,
    });
    expect(files.read('node.json')).toEqual({ kind: 'read', value: { revision: 1 } });
    expect(existsSync('/dev/full')).toBe(true);
    expect(files.write('node.json', { revision: 3 })).toEqual({ ok: true });
  });

  test('a directory that cannot be made is reported', () => {
    writeFileSync(inside('file'), '');
    expect(new StateFiles(inside('file')).write('node.json', 1)).toMatchObject({ ok: false });
  });
});

describe('the event log', () => {
  test('keeps order over restarts', () => {
    const first = new EventLog(directory);
    expect(first.append({ id: 1 })).toEqual({ ok: true });
    expect(first.append({ id: 2 })).toEqual({ ok: true });
    first.close();
    const second = new EventLog(directory);
    second.append({ id: 3 });
    expect(second.recent(10)).toEqual({ records: [{ id: 1 }, { id: 2 }, { id: 3 }] });
    expect(second.recent(2)).toEqual({ records: [{ id: 2 }, { id: 3 }] });
    expect(second.recent(0)).toEqual({ records: [] });
    second.close();
  });

  test('is empty before the first event', () => {
    expect(new EventLog(directory).recent(5)).toEqual({ records: [] });
  });

  test('rotates by size and reads over the seam', () => {
    const log = new EventLog(directory, 100);
    for (let id = 1; id <= 30; id++) expect(log.append({ id })).toEqual({ ok: true });
    log.close();
    expect(readdirSync(directory).sort()).toEqual(['events.jsonl', 'events.jsonl.1']);
    for (const name of readdirSync(directory))
      expect(statSync(inside(name)).size).toBeLessThan(120);
    const ids = log.recent(12).records.map((record) => (record as { id: number }).id);
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, index) => 31 - ids.length + index));
    expect(ids.length).toBeGreaterThan(8);
  });

  test('a line torn by a power cut costs only itself', () => {
    const log = new EventLog(directory);
    log.append({ id: 1 });
    log.append({ id: 2 });
    log.close();
    truncateSync(inside('events.jsonl'), statSync(inside('events.jsonl')).size - 4);
    log.append({ id: 3 });
    expect(log.recent(10)).toEqual({ records: [{ id: 1 }, { id: 3 }] });
    log.close();
  });

  test('a full disk is reported, again and again, and then forgotten', () => {
    symlinkSync('/dev/full', inside('events.jsonl'));
    const log = new EventLog(directory);
    const full = { ok: false, text: `cannot append to ${inside('events.jsonl')}: ENOSPC` };
    expect(log.append({ id: 1 })).toEqual(full);
    expect(log.append({ id: 2 })).toEqual(full);
    log.close();
    rmSync(inside('events.jsonl'));
    expect(log.append({ id: 3 })).toEqual({ ok: true });
    expect(log.recent(10)).toEqual({ records: [{ id: 3 }] });
    log.close();
  });

  test('what cannot be read is told', () => {
    mkdirSync(inside('events.jsonl'));
    expect(new EventLog(directory).recent(5)).toEqual({
      records: [],
      problem: `cannot read ${inside('events.jsonl')}: EISDIR`,
    });
  });
});
