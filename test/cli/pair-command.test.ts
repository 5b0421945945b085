// Two boxes on a desk, one person with a code on paper.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commandLine } from '../../firmware/cli/command-line.ts';
import { Transcript } from './transcript.ts';

const MAIN = new URL('../../firmware/main.ts', import.meta.url).pathname;

let directory: string;
let terminal: Transcript;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-pair-'));
  for (const role of ['primary', 'secondary']) {
    mkdirSync(join(directory, role));
    writeFileSync(join(directory, role, 'node.yaml'), nodeFile(role, 'secret: cluster.key\n'));
  }
});

afterEach(() => rmSync(directory, { recursive: true }));

const nodeFile = (role: string, extra: string) =>
  `node: a\nrole: ${role}\ninterfaces: { lan: { device: eth0 } }\n${extra}`;

/** Runs `yoke pair` on one of the boxes. Returns the exit code. */
function pair(box: string, ...words: string[]): Promise<number> {
  const lines = terminal?.lines ?? [];
  terminal = new Transcript();
  terminal.lines.push(...lines);
  return commandLine(['pair', ...words, '--config', join(directory, box)], terminal);
}

const types = (...lines: string[]) => {
  terminal = new Transcript();
  terminal.lines.push(...lines);
};

const keyOf = (box: string) => join(directory, box, 'cluster.key');
const secretOf = (box: string) => readFileSync(keyOf(box), 'utf8');
const shown = () => /^ {4}(\S+)$/m.exec(terminal.out.join('\n'))?.[1] ?? '';
const told = (texts: readonly string[]) =>
  `\n${texts
    .join('\n')
    .replaceAll(directory, 'DIR')
    .replace(shown() || /^$/, 'CODE')}\n`;

/** Pairs the primary and returns the code. */
async function made(): Promise<string> {
  expect(await pair('primary')).toBe(0);
  return shown();
}

describe('the primary', () => {
  test('makes a secret and shows its code', async () => {
    expect(await pair('primary')).toBe(0);
    expect(told(terminal.out)).toMatchInlineSnapshot(`
      "
      DIR/primary/cluster.key has the secret of the pair now. The code for the other node:

          CODE

      Enter it there at: yoke pair -
      It is shown only now, and whoever knows it knows the secret.
      A node that is running reads it at: yoke reload
      "
    `);
    expect(statSync(keyOf('primary')).mode & 0o7777).toBe(0o600);
    expect(secretOf('primary')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(secretOf('primary')).not.toContain(shown());
  });

  test('does not make another one by mistake', async () => {
    await made();
    const before = secretOf('primary');
    expect(await pair('primary')).toBe(1);
    expect(terminal.out).toEqual([]);
    expect(told(terminal.err)).toBe(
      '\nyoke: DIR/primary/cluster.key is there already; its code was shown only once: ' +
        'copy it to the other node (pair --file), or make a new one for both (pair --new)\n',
    );
    expect(secretOf('primary')).toBe(before);
  });

  test('makes another one when told so, and warns', async () => {
    await made();
    const before = secretOf('primary');
    expect(await pair('primary', '--new')).toBe(0);
    expect(secretOf('primary')).not.toBe(before);
    expect(told(terminal.out)).toContain('would both be MASTER');
  });

  test('says which line node.yaml lacks', async () => {
    writeFileSync(join(directory, 'primary', 'node.yaml'), nodeFile('primary', ''));
    await made();
    expect(terminal.out).toContain('Add this line to node.yaml: secret: cluster.key');
    expect(existsSync(keyOf('primary'))).toBe(true);
  });

  test('puts it where node.yaml says', async () => {
    const elsewhere = join(directory, 'elsewhere.key');
    writeFileSync(
      join(directory, 'primary', 'node.yaml'),
      nodeFile('primary', `secret: ${elsewhere}\n`),
    );
    await made();
    expect(existsSync(elsewhere)).toBe(true);
    expect(readdirSync(join(directory, 'primary'))).toEqual(['node.yaml']);
  });
});

describe('the secondary', () => {
  test('has the same secret after the code was typed', async () => {
    types((await made()).toLowerCase().replaceAll('-', ' '));
    expect(await pair('secondary')).toBe(0);
    expect(told(terminal.out)).toMatchInlineSnapshot(`
      "
      DIR/secondary/cluster.key has the secret of the pair now.
      A node that is running reads it at: yoke reload
      "
    `);
    expect(secretOf('secondary')).toBe(secretOf('primary'));
    expect(statSync(keyOf('secondary')).mode & 0o7777).toBe(0o600);
  });

  test.each([
    ['one word', (code: string) => [code]],
    ['several words', (code: string) => code.split('-')],
  ])('takes the code as %s', async (_, words) => {
    expect(await pair('secondary', ...words(await made()))).toBe(0);
    expect(secretOf('secondary')).toBe(secretOf('primary'));
  });

  test('asks again when it was mistyped', async () => {
    const code = await made();
    types(code.slice(0, -1), code);
    expect(await pair('secondary', '-')).toBe(0);
    expect(terminal.err).toEqual([
      'yoke: found a code of 24 characters, expected 25 letters and digits such as 7K2QM-...',
    ]);
    expect(secretOf('secondary')).toBe(secretOf('primary'));
  });

  test('is not paired by a mistyped code', async () => {
    const code = await made();
    const wrong = code.replace(/.$/, (last) => (last === '7' ? '8' : '7'));
    expect(await pair('secondary', wrong)).toBe(1);
    expect(terminal.err).toEqual([
      'yoke: found a mistyped code, expected it as the other node showed it',
    ]);
    expect(existsSync(keyOf('secondary'))).toBe(false);
  });

  test('without a code nothing happens', async () => {
    types();
    expect(await pair('secondary')).toBe(1);
    expect(terminal.err).toEqual(['yoke: no code given']);
    expect(readdirSync(join(directory, 'secondary'))).toEqual(['node.yaml']);
  });

  test('the same code twice is no mistake, another one is', async () => {
    const code = await made();
    await pair('secondary', code);
    expect(await pair('secondary', code)).toBe(0);
    expect(told(terminal.out)).toBe('\nDIR/secondary/cluster.key has this secret already.\n');
    await pair('primary', '--new');
    const newer = shown();
    expect(await pair('secondary', newer)).toBe(1);
    expect(told(terminal.err)).toBe(
      '\nyoke: found DIR/secondary/cluster.key with another secret; pair --new replaces it\n',
    );
    expect(await pair('secondary', newer, '--new')).toBe(0);
    expect(secretOf('secondary')).toBe(secretOf('primary'));
  });

  test('takes a copy of the file, whatever its mode', async () => {
    await made();
    const copy = join(directory, 'stick.key');
    writeFileSync(copy, secretOf('primary'));
    chmodSync(copy, 0o755);
    expect(await pair('secondary', '--file', copy)).toBe(0);
    expect(secretOf('secondary')).toBe(secretOf('primary'));
    expect(statSync(keyOf('secondary')).mode & 0o7777).toBe(0o600);
  });

  test.each([
    ['nothing there', undefined, 'found no file COPY, expected a readable file with the secret'],
    ['another file', 'hello\n', 'found other content in COPY, expected 32 bytes in base64'],
  ])('refuses a copy: %s', async (_, content, reason) => {
    const copy = join(directory, 'stick.key');
    if (content !== undefined) writeFileSync(copy, content);
    expect(await pair('secondary', '--file', copy)).toBe(1);
    expect(terminal.err.join('\n').replace(copy, 'COPY')).toContain(`yoke: ${reason}`);
    expect(existsSync(keyOf('secondary'))).toBe(false);
  });

  test('a broken secret is not replaced unasked', async () => {
    const code = await made();
    writeFileSync(keyOf('secondary'), 'hello\n', { mode: 0o600 });
    expect(await pair('secondary', code)).toBe(1);
    expect(told(terminal.err)).toContain('found other content in DIR/secondary/cluster.key;');
    expect(await pair('secondary', code, '--new')).toBe(0);
  });
});

describe('a box without node.yaml', () => {
  beforeEach(() => {
    rmSync(join(directory, 'primary', 'node.yaml'));
    rmSync(join(directory, 'secondary', 'node.yaml'));
  });

  test('has to be told what to do', async () => {
    expect(await pair('primary')).toBe(1);
    expect(told(terminal.err)).toBe(
      '\nyoke: no node.yaml in DIR/primary tells the role of this node: ' +
        'yoke pair create on one node, yoke pair - on the other\n',
    );
    expect(await pair('primary', 'create')).toBe(0);
    expect(await pair('secondary', shown())).toBe(0);
    expect(secretOf('secondary')).toBe(secretOf('primary'));
  });

  test('without its directory nothing can be written', async () => {
    expect(await pair('attic', 'create')).toBe(1);
    expect(told(terminal.err)).toBe(
      '\nyoke: cannot write DIR/attic/cluster.key: there is no such directory\n',
    );
    expect(terminal.out).toEqual([]);
  });
});

test('a broken node.yaml is told, and nothing is written', async () => {
  writeFileSync(join(directory, 'primary', 'node.yaml'), nodeFile('boss', ''));
  expect(await pair('primary')).toBe(1);
  expect(terminal.err).toEqual(['node.yaml:2: role: found "boss", expected primary or secondary']);
  expect(existsSync(keyOf('primary'))).toBe(false);
});

describe('the process reads the code from its input', () => {
  const run = async (input: string) => {
    const child = spawn(
      process.execPath,
      [MAIN, 'pair', '-', '--config', join(directory, 'secondary')],
      { stdio: ['pipe', 'ignore', 'pipe'] },
    );
    let complaint = '';
    child.stderr?.on('data', (chunk) => {
      complaint += String(chunk);
    });
    child.stdin?.end(input);
    const [code] = await once(child, 'close');
    return [code, complaint];
  };

  test.each(['\n', ''])('with a line end %j', async (end) => {
    expect(await run(`${await made()}${end}`)).toEqual([0, '']);
    expect(secretOf('secondary')).toBe(secretOf('primary'));
  });

  test('or says that there is none', async () => {
    expect(await run('')).toEqual([1, 'yoke: no code given\n']);
  });
});
