// The CLI as a person or a script uses it: words in, text and exit code out.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commandLine } from '../../firmware/cli/command-line.ts';
import { EventLog } from '../../firmware/kernel/state-files.ts';
import { ApiServer, socketPath } from '../../firmware/service/api-server.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { exampleSnapshot } from '../core/telemetry/example-snapshot.ts';
import { ExampleNode } from '../service/example-node.ts';
import { Transcript } from './transcript.ts';

const MAIN = new URL('../../firmware/main.ts', import.meta.url).pathname;

let directory: string;
let node: ExampleNode;
let server: ApiServer;
let terminal: Transcript;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-cli-'));
  node = new ExampleNode();
  server = new ApiServer(directory, node);
  terminal = new Transcript();
  await server.start();
});

afterEach(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

const yoke = (...words: string[]) =>
  commandLine(
    [...words, '--runtime', directory, '--state', directory, '--config', directory],
    terminal,
  );

describe('wrong usage is one line with a hint and exit code 2', () => {
  test.each([
    [[], 'no command given'],
    [['start'], 'no such command: start'],
    [['status', 'all'], 'status takes no all'],
    [['status', '--follow'], 'status takes no --follow'],
    [['status', '--jsn'], "unknown option '--jsn'"],
    [['run', 'now'], 'run takes no now'],
    [['run', '--json'], 'run takes no --json'],
    [['maintenance'], 'maintenance wants enter or leave'],
    [['maintenance', 'pause'], 'maintenance wants enter or leave'],
    [['maintenance', 'enter', 'now'], 'maintenance wants enter or leave'],
    [['events', '--watch'], 'events takes no --watch'],
    [
      ['config'],
      'config wants check, schema, show, history, diff, export, plan, apply, confirm, ' +
        'rollback, resolve',
    ],
    [['config', 'show', '--here'], 'config show takes no --here'],
    [['config', 'show', '1', '2'], 'config show takes no 2'],
    [
      ['config', 'apply', '--confirm', 'soon'],
      '--confirm wants a duration from 1s to 24h such as 60s',
    ],
    [['config', 'rollback', 'all'], 'config rollback wants the number of a revision'],
    [['config', 'resolve'], 'config resolve wants --keep here or --keep peer'],
    [['status', '--message', 'x'], 'status takes no --message'],
    [['agent'], 'agent wants run'],
    [['config', 'check', 'node'], 'config check takes no node'],
    [['config', 'schema', 'both'], 'config schema wants node or cluster'],
    [['handover', 'now'], 'handover takes no now'],
    [['handover', '--new'], 'handover takes no --new'],
    [['reload', 'all'], 'reload takes no all'],
    [['status', '--file', 'x'], 'status takes no --file'],
    [['flows'], 'flows wants run, status, show, resync or compare'],
    [['flows', 'status', 'all'], 'flows takes no all'],
    [['flows', 'show', '--json'], 'flows takes no --json here'],
    [['flows', 'compare', '--rate'], 'flows takes no --rate here'],
    [['flows', 'compare', '65'], 'flows compare: found 65, expected 0 to 64 examples'],
    [['flows', 'compare', '1', '2'], 'flows compare: found 1 2, expected 0 to 64 examples'],
    [['pair', '--file', ''], '--file wants a file'],
    [['pair', '--json'], 'pair takes no --json'],
    [['pair', 'create', 'now'], 'pair create takes no now'],
    [['pair', '-', '--file', 'x'], 'pair wants a code or --file'],
    [['status', '--runtime', ''], '--runtime wants a directory'],
    [['status', '--runtime'], "option '--runtime <value>' argument missing"],
    [['status', '--json=yes'], "option '--json' does not take an argument"],
  ])('%j', async (words, reason) => {
    expect(await commandLine(words, terminal)).toBe(2);
    expect(terminal.err).toEqual([`yoke: ${reason} (try: yoke help)`]);
    expect(terminal.out).toEqual([]);
  });
});

describe('help and version', () => {
  test.each([['help'], ['--help'], ['-h']])('%s', async (word) => {
    expect(await commandLine([word], terminal)).toBe(0);
    expect(terminal.out.join('\n')).toContain('usage: yoke COMMAND');
    for (const line of terminal.out.join('\n').split('\n'))
      expect(line.length).toBeLessThanOrEqual(80);
  });

  test('--version', async () => {
    expect(await commandLine(['--version'], terminal)).toBe(0);
    expect(terminal.out).toEqual([`yoke ${packageJson.version}`]);
  });
});

describe('without a running node', () => {
  beforeEach(() => server.stop());

  test.each([
    [['status']],
    [['status', '--watch']],
    [['maintenance', 'enter']],
    [['handover']],
    [['reload']],
    [['events', '--follow']],
  ])('%j is one line and exit code 1', async (words) => {
    expect(await yoke(...words)).toBe(1);
    expect(terminal.out).toEqual([]);
    expect(terminal.err).toEqual([
      `yoke: no node is running (nothing answers on ${socketPath(directory)})`,
    ]);
  });
});

describe('status', () => {
  test('as a table', async () => {
    expect(await yoke('status')).toBe(0);
    expect(terminal.out[0]).toContain('office-a  primary of branch-042  MASTER for 2 min 5 s');
  });

  test('as JSON', async () => {
    expect(await yoke('status', '--json')).toBe(0);
    expect(JSON.parse(terminal.out[0] ?? '')).toEqual(exampleSnapshot());
  });

  test('--watch redraws at an event and ends with its reader', async () => {
    const command = yoke('status', '--watch');
    await node.subscribed();
    terminal.onPrint = () => {
      if (terminal.out.at(-1)?.includes('BACKUP for')) terminal.end();
    };
    node.snapshot = exampleSnapshot({ state: 'BACKUP' });
    node.happen('MASTER -> BACKUP');
    expect(await command).toBe(0);
    expect(terminal.err).toEqual([]);
  });

  test('--watch ends when the node does', async () => {
    const command = yoke('status', '--watch');
    await node.subscribed();
    await server.stop();
    expect(await command).toBe(1);
    expect(terminal.err.join()).toMatch(
      /^yoke: (no node is running|the node .* broke off|cannot reach)/,
    );
  });
});

describe('maintenance', () => {
  test.each(['enter', 'leave'])('%s is passed on', async (action) => {
    expect(await yoke('maintenance', action)).toBe(0);
    expect(node.commands).toEqual([['maintenance', { action }]]);
    expect(terminal.out).toEqual(['done']);
  });

  test('a refusal is told with its reason', async () => {
    node.outcome = { ok: false, text: 'the other node is not there' };
    expect(await yoke('maintenance', 'enter')).toBe(1);
    expect(terminal.err).toEqual(['yoke: the other node is not there']);
  });
});

describe.each(['handover', 'reload'] as const)('%s', (command) => {
  test('is passed on, and its outcome is told', async () => {
    expect(await yoke(command)).toBe(0);
    expect(node.commands).toEqual([[command, {}]]);
    expect(terminal.out).toEqual(['done']);
  });

  test('a refusal is told with its reasons, one a line', async () => {
    node.outcome = { ok: false, text: 'one reason\nanother' };
    expect(await yoke(command)).toBe(1);
    expect(terminal.err).toEqual(['yoke: one reason', 'yoke: another']);
  });
});

describe('events', () => {
  beforeEach(() => {
    const log = new EventLog(directory);
    for (const text of ['one', 'two']) log.append(node.happen(text));
    log.append({ another: 'version' });
    log.close();
  });

  test('come from the log, also when no node is running', async () => {
    await server.stop();
    expect(await yoke('events')).toBe(0);
    expect(terminal.out).toEqual([
      '2026-03-01 12:00:00.000  transition     one',
      '2026-03-01 12:00:00.000  transition     two',
    ]);
  });

  test('as JSON, one per line', async () => {
    expect(await yoke('events', '--json')).toBe(0);
    expect(terminal.out.map((line) => JSON.parse(line).text)).toEqual(['one', 'two']);
  });

  test('--follow shows each event once, past and present', async () => {
    const command = yoke('events', '--follow', '--json');
    await node.subscribed();
    terminal.onPrint = () => terminal.out.length === 3 && terminal.end();
    node.happen('three');
    expect(await command).toBe(0);
    expect(terminal.out.map((line) => JSON.parse(line).id)).toEqual([1, 2, 3]);
  });

  test('--follow says when the node stops', async () => {
    const command = yoke('events', '--follow');
    await node.subscribed();
    await server.stop();
    expect(await command).toBe(1);
    expect(terminal.err).toEqual(['yoke: the node has stopped']);
  });
});

describe('config', () => {
  test('check lists every problem, one per line, exit code 1', async () => {
    writeFileSync(join(directory, 'node.yaml'), 'node: a\nrole: boss\ninterfaces: {}\n');
    expect(await yoke('config', 'check')).toBe(1);
    expect(terminal.err).toEqual([
      'node.yaml:2: role: found "boss", expected primary or secondary',
      `cluster.yaml: found no such file, expected a readable file ${directory}/cluster.yaml`,
    ]);
  });

  test('check says what is valid', async () => {
    writeFileSync(
      join(directory, 'node.yaml'),
      'node: a\nrole: primary\ninterfaces: { lan: { device: eth0, address: 192.0.2.2/24 } }\n',
    );
    writeFileSync(
      join(directory, 'cluster.yaml'),
      'cluster: c\nvips: [{ name: v, interface: lan, vhid: 1, address: 192.0.2.1/24, ' +
        'password: x }]\n',
    );
    expect(await yoke('config', 'check')).toBe(0);
    expect(terminal.out).toEqual([`${directory} is valid: a, primary of c, 1 VIP`]);
  });

  test.each([
    ['', ['no beats: node.yaml names no secret (yoke pair makes one)']],
    ['beats: off\n', []],
  ])('check says what becomes of the beats: %j', async (beats, lines) => {
    writeFileSync(
      join(directory, 'node.yaml'),
      'node: a\nrole: primary\ninterfaces: { lan: { device: eth0, address: 192.0.2.2/24 }, ' +
        'sync: { device: eth1, address: 192.0.3.1/30, peer: 192.0.3.2 } }\n',
    );
    const vips = '[{ name: v, interface: lan, vhid: 1, address: 192.0.2.1/24, password: x }]';
    writeFileSync(join(directory, 'cluster.yaml'), `cluster: c\nvips: ${vips}\n${beats}`);
    expect(await yoke('config', 'check')).toBe(0);
    expect(terminal.out.slice(1)).toEqual(lines);
  });

  test.each(['node', 'cluster'])('schema %s is JSON Schema', async (document) => {
    expect(await yoke('config', 'schema', document)).toBe(0);
    expect(JSON.parse(terminal.out.join('\n'))).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      additionalProperties: false,
    });
  });
});

describe('the process', () => {
  const start = (...words: string[]): ChildProcess =>
    spawn(process.execPath, [MAIN, ...words, '--runtime', directory, '--state', directory], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  test('exits with the code of the command', async () => {
    const child = start('status', '--nonsense');
    let complaint = '';
    child.stderr?.on('data', (chunk) => {
      complaint += String(chunk);
    });
    const [code] = await once(child, 'close');
    expect([code, complaint]).toEqual([2, "yoke: unknown option '--nonsense' (try: yoke help)\n"]);
  });

  test('ends quietly when nobody reads any more', async () => {
    const child = start('events', '--follow');
    let complaint = '';
    child.stderr?.on('data', (chunk) => {
      complaint += String(chunk);
    });
    await node.subscribed();
    child.stdout?.destroy();
    const closed = once(child, 'close');
    // The first write after the pipe is closed fails with EPIPE.
    const writing = setInterval(() => node.happen('still talking'), 10);
    const [code] = await closed;
    clearInterval(writing);
    expect([code, complaint]).toEqual([0, '']);
  });
});
