// A node's files in one file, and back.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandLine } from '../../firmware/cli/command-line.ts';
import { Transcript } from './transcript.ts';

const FILES = {
  'node.yaml': `node: office-a
role: primary
secret: cluster.key
interfaces:
  lan: { device: eth1, address: 192.168.1.2/24 }
`,
  'cluster.yaml': `cluster: branch-042
vips:
  - { name: lan, interface: lan, vhid: 1, address: 192.168.1.1/24 }
`,
  'cluster.key': `${Buffer.alloc(32, 7).toString('base64')}\n`,
};
const PASSPHRASE = 'correct horse';

let directory: string;
let terminal: Transcript;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-backup-'));
  terminal = new Transcript();
  for (const [name, text] of Object.entries(FILES)) {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
  }
});

afterEach(() => rmSync(directory, { recursive: true }));

function yoke(words: readonly string[], typed: readonly string[]): Promise<number> {
  terminal.lines.push(...typed);
  const places = ['--runtime', directory, '--state', directory, '--config', directory];
  return commandLine([...words, ...places], terminal);
}

test('a new box has the files of the old one', async () => {
  const file = join(directory, 'office-a.backup');
  expect(await yoke(['backup', file], [PASSPHRASE])).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  for (const name of Object.keys(FILES)) rmSync(join(directory, name));
  expect(await yoke(['restore', file], ['wrong horse'])).toBe(1);
  expect(terminal.err).toEqual([
    `yoke: ${file}: the passphrase is another one, or the file is damaged`,
  ]);
  expect(await yoke(['restore', file], [PASSPHRASE])).toBe(0);
  for (const [name, text] of Object.entries(FILES)) {
    expect(readFileSync(join(directory, name), 'utf8')).toBe(text);
  }
  expect(statSync(join(directory, 'cluster.key')).mode & 0o777).toBe(0o600);
});

test('what would not be a configuration changes nothing', async () => {
  writeFileSync(join(directory, 'cluster.yaml'), 'cluster: broken\n');
  const file = join(directory, 'broken.backup');
  expect(await yoke(['backup', file], [PASSPHRASE])).toBe(0);
  writeFileSync(join(directory, 'cluster.yaml'), FILES['cluster.yaml']);
  expect(await yoke(['restore', file], [PASSPHRASE])).toBe(1);
  expect(terminal.err.join()).toContain('cluster.yaml:1: vips: found nothing');
  expect(readFileSync(join(directory, 'cluster.yaml'), 'utf8')).toBe(FILES['cluster.yaml']);
});

test('a short passphrase, a file that is there, none at all', async () => {
  const file = join(directory, 'x.backup');
  expect(await yoke(['backup', file], ['short'])).toBe(1);
  expect(await yoke(['backup', join(directory, 'node.yaml')], [PASSPHRASE])).toBe(1);
  expect(await yoke(['restore', file], [])).toBe(1);
  expect(await yoke(['backup', file], [])).toBe(1);
  expect(terminal.err).toEqual([
    'yoke: a passphrase wants at least 8 characters',
    `yoke: cannot write ${join(directory, 'node.yaml')}: EEXIST`,
    `yoke: cannot read ${file}: ENOENT`,
    'yoke: no passphrase given',
  ]);
});
