// The history of a node as people read it, whether the node runs or not.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandLine } from '../../firmware/cli/command-line.ts';
import { ConfigHistory } from '../../firmware/service/config-history.ts';
import type { ConfigRevision } from '../../firmware/wire/config-revision.ts';
import { Transcript } from './transcript.ts';

const NODE = `node: office-a
role: primary
interfaces:
  lan: { device: eth1, address: 192.168.1.2/24 }
`;
const FIRST = `cluster: branch-042
vips:
  - { name: lan, interface: lan, vhid: 1, address: 192.168.1.1/24, password: labsecret }
`;
const SECOND = FIRST.replace('labsecret', 'newsecret').replace('vhid: 1', 'vhid: 2');

let directory: string;
let terminal: Transcript;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-past-'));
  terminal = new Transcript();
});

afterEach(() => rmSync(directory, { recursive: true }));

const places = () => ['--runtime', directory, '--state', directory, '--config', directory];
const yoke = (...words: string[]) => commandLine(['config', ...words, ...places()], terminal);

function fill(): void {
  const revision = (number: number, text: string): ConfigRevision => ({
    ...{ number, id: String(number).repeat(16), parent: number > 1 ? '1'.repeat(16) : null },
    ...{ time: `2026-03-0${number}T12:00:00.000Z`, author: 'olga@office-a', resolves: null },
    message: number > 1 ? 'another VHID\u001b[2J' : '',
    origin: number > 1 ? 'edit' : 'import',
    hash: String(number).repeat(64),
    text,
  });
  const history = new ConfigHistory(directory);
  history.add(revision(1, FIRST));
  history.add(revision(2, SECOND));
  const rest = { synced: false, emergency: false, change: null, failure: null };
  history.writeJournal({ head: revision(2, SECOND), ...rest });
  writeFileSync(join(directory, 'node.yaml'), NODE);
}

test('history marks the one that stands and obeys nobody', async () => {
  fill();
  expect(await yoke('history')).toBe(0);
  expect(terminal.out).toEqual([
    '  1  2026-03-01 12:00:00  olga@office-a  import',
    '* 2  2026-03-02 12:00:00  olga@office-a  another VHID?[2J',
  ]);
});

test('show and diff hide secrets; a secret that changed is seen to have changed', async () => {
  fill();
  expect(await yoke('show')).toBe(0);
  expect(terminal.out.at(-1)).toBe(SECOND.replace('newsecret', '<secret>').trimEnd());
  expect(await yoke('show', '1', '--secrets')).toBe(0);
  expect(terminal.out.at(-1)).toBe(FIRST.trimEnd());
  terminal.out.length = 0;
  expect(await yoke('diff')).toBe(0);
  expect(await yoke('diff', '1', '2')).toBe(0);
  expect(terminal.out.filter((line) => /^[-+] /.test(line))).toHaveLength(4);
  expect(terminal.out.join('\n')).not.toMatch(/labsecret|newsecret/);
});

test('show --effective has defaults and what follows from the role', async () => {
  fill();
  expect(await yoke('show', '--effective')).toBe(0);
  const [text = ''] = terminal.out;
  for (const line of ['failover: node', 'advskew: 0', 'linkDebounce: 1s', 'password: <secret>']) {
    expect(text).toContain(line);
  }
  expect(text).not.toContain('newsecret');
});

test('export is the file itself, for its owner only, and never in place of another', async () => {
  fill();
  const file = join(directory, 'out.yaml');
  expect(await yoke('export', file)).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(SECOND);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await yoke('export', file)).toBe(1);
  expect(terminal.err).toEqual([`yoke: cannot write ${file}: EEXIST`]);
});

test('what is not there is said in one line', async () => {
  expect(await yoke('show')).toBe(1);
  fill();
  expect(await yoke('show', '7')).toBe(1);
  expect(await yoke('diff', 'peer')).toBe(1);
  expect(terminal.err).toEqual([
    'yoke: there is no history yet: the node has never run',
    'yoke: there is no revision 7',
    `yoke: no node is running (nothing answers on ${join(directory, 'yoke-agent.sock')})`,
  ]);
});
