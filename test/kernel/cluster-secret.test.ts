// The pair's secret: which files are accepted, and what is derived.
import { hkdfSync } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClusterSecret } from '../../firmware/kernel/cluster-secret.ts';

const SECRET = Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64');
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-secret-'));
  path = join(directory, 'cluster.key');
});
afterEach(() => rmSync(directory, { recursive: true }));

function read(content: string, mode = 0o600): string {
  writeFileSync(path, content);
  chmodSync(path, mode);
  const reading = ClusterSecret.read(path);
  return reading.ok ? 'read' : `${reading.found.replace(path, 'FILE')}, ${reading.expected}`;
}

describe('the file', () => {
  test.each([0o600, 0o400])('mode %o is accepted', (mode) => {
    expect(read(`${SECRET}\n`, mode)).toBe('read');
  });

  test.each([
    [0o640, '0640'],
    [0o604, '0604'],
    [0o660, '0660'],
    [0o700, '0700'],
    [0o4600, '4600'],
  ])('mode %o is refused', (mode, text) => {
    expect(read(`${SECRET}\n`, mode)).toBe(`FILE with mode ${text}, mode 0600 or stricter`);
  });

  test.each([
    ['nothing', ''],
    ['31 bytes', Buffer.alloc(31).toString('base64')],
    ['33 bytes', Buffer.alloc(33).toString('base64')],
    ['two lines', `${SECRET}\n${SECRET}\n`],
    ['hex', Buffer.alloc(32).toString('hex')],
    ['base64url', Buffer.alloc(32, 0xff).toString('base64url')],
    ['padding left out', SECRET.replace('=', '')],
    ['a stray bit in the last character', `${SECRET.slice(0, -2)}9=`],
    ['a large file', `${SECRET}${' '.repeat(1_000)}`],
  ])('%s is refused', (_, content) => {
    expect(read(content)).toBe(
      'other content in FILE, 32 bytes in base64 on one line (44 characters)',
    );
  });

  test('absent or a directory', () => {
    expect(ClusterSecret.read(path)).toMatchObject({ ok: false, found: `no file ${path}` });
    mkdirSync(path);
    expect(ClusterSecret.read(path)).toMatchObject({
      ok: false,
      found: `${path}, which is not a file`,
    });
  });
});

describe('writing', () => {
  const secret = ClusterSecret.parse(SECRET);
  const other = ClusterSecret.parse(Buffer.alloc(32, 9).toString('base64'));
  const content = () => readFileSync(path, 'utf8');

  test('makes a file of mode 0600 and nothing else, whatever was left there before', () => {
    writeFileSync(`${path}.tmp`, 'half of a secre', { mode: 0o644 });
    expect(secret?.write(path, { replace: false })).toEqual({ ok: true });
    expect(content()).toBe(`${SECRET}\n`);
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['cluster.key']);
    const reading = ClusterSecret.read(path);
    expect(reading.ok && secret?.equals(reading.secret)).toBe(true);
  });

  test('replaces a secret only when that is wanted', () => {
    secret?.write(path, { replace: false });
    expect(other?.write(path, { replace: false })).toEqual({
      ok: false,
      text: `cannot write ${path}: it is there already`,
    });
    expect(content()).toBe(`${SECRET}\n`);
    expect(other?.write(path, { replace: true })).toEqual({ ok: true });
    expect(content()).not.toBe(`${SECRET}\n`);
    expect(readdirSync(directory)).toEqual(['cluster.key']);
  });

  test('does not follow a link that somebody left for the temporary file', () => {
    writeFileSync(join(directory, 'victim'), 'precious');
    symlinkSync(join(directory, 'victim'), `${path}.tmp`);
    expect(secret?.write(path, { replace: false })).toEqual({ ok: true });
    expect(readFileSync(join(directory, 'victim'), 'utf8')).toBe('precious');
  });

  test('says in words why it cannot', () => {
    const nowhere = join(directory, 'nowhere', 'cluster.key');
    expect(secret?.write(nowhere, { replace: false })).toEqual({
      ok: false,
      text: `cannot write ${nowhere}: there is no such directory`,
    });
    mkdirSync(path);
    expect(secret?.write(path, { replace: true })).toMatchObject({ ok: false });
    expect(readdirSync(directory)).toEqual(['cluster.key']);
  });
});

describe('the derived CARP password', () => {
  const secret = ClusterSecret.parse(SECRET);
  const password = (vhid: number) =>
    Buffer.from(secret?.carpPassword(vhid) ?? []).toString('ascii');

  test('is HKDF-SHA256 over the VHID, six bits a character', () => {
    const info = 'yoke carp password, vhid 7';
    const bytes = new Uint8Array(hkdfSync('sha256', Buffer.from(SECRET, 'base64'), '', info, 19));
    const letters = `${'ABCDEFGHIJKLMNOPQRSTUVWXYZ'}${'abcdefghijklmnopqrstuvwxyz'}0123456789-_`;
    expect(password(7)).toBe(Array.from(bytes, (byte) => letters[byte % 64]).join(''));
  });

  test('stays what it is: both nodes and all versions must agree', () => {
    expect(password(1)).toMatchInlineSnapshot(`"fSUrkOgmHhxqaA9q8F_"`);
  });

  test('differs for every VHID and is 19 printable bytes', () => {
    const all = Array.from({ length: 255 }, (_, index) => password(index + 1));
    expect(new Set(all).size).toBe(255);
    for (const each of all) expect(each).toMatch(/^[\w-]{19}$/);
  });
});

describe('the key of the beats', () => {
  const secret = ClusterSecret.parse(SECRET);

  test('is HKDF-SHA256 with a purpose of its own', () => {
    const bytes = hkdfSync('sha256', Buffer.from(SECRET, 'base64'), '', 'yoke beat key', 32);
    expect(secret?.beatKey()).toEqual(new Uint8Array(bytes));
  });

  test('stays what it is: both nodes and all versions must agree', () => {
    const key = Buffer.from(secret?.beatKey() ?? []).toString('hex');
    expect(key).toMatchInlineSnapshot(
      `"c201a277f054171b49d613f78f0a59b151cc6f9a2d67d4908e1f5740cd34cc01"`,
    );
  });
});
