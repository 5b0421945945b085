/**
 * `yoke backup FILE` and `yoke restore FILE`: the configuration of a node in one sealed file.
 *
 * The passphrase comes from the environment (YOKE_PASSPHRASE) or is asked for. A running node takes
 * the pair's part of a restored configuration by the same way as any change, with all its checks;
 * a node that does not run gets its files back, once they were found right together.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { replaceDurably } from '../kernel/durable-file.ts';
import { type BackupFiles, openBackup, sealBackup } from '../kernel/sealed-backup.ts';
import { AgentClient } from '../service/agent-client.ts';
import { agentSocketPath } from '../service/agent-server.ts';
import { loadConfiguration, secretPlace } from '../service/configuration-loading.ts';
import { type Invocation, UsageError } from './invocation.ts';

const SHORTEST_PASSPHRASE = 8;

/** Why nothing was done; one line (or several) for people. */
class Refusal extends Error {}

export const backupCommand = (invocation: Invocation): Promise<number> =>
  guarded(invocation, 'backup', backUp);

export const restoreCommand = (invocation: Invocation): Promise<number> =>
  guarded(invocation, 'restore', restore);

async function guarded(
  invocation: Invocation,
  name: string,
  action: (invocation: Invocation, file: string) => Promise<string>,
): Promise<number> {
  const [file, surplus] = invocation.words;
  if (file === undefined || surplus !== undefined) throw new UsageError(`${name} wants a file`);
  try {
    invocation.terminal.print(await action(invocation, file));
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    for (const line of error.message.split('\n')) invocation.terminal.complain(`yoke: ${line}`);
    return 1;
  }
}

async function backUp(invocation: Invocation, file: string): Promise<string> {
  const { configDir } = invocation;
  const place = secretPlace(configDir);
  if (!place.ok) throw new Refusal(place.problems.join('\n'));
  const paths = [join(configDir, 'node.yaml'), join(configDir, 'cluster.yaml'), place.path];
  const files = Object.fromEntries(
    paths.filter((path) => existsSync(path)).map((path) => [basename(path), contentOf(path)]),
  );
  if (Object.keys(files).length === 0) throw new Refusal(`there is nothing in ${configDir}`);
  const passphrase = await passphraseFrom(invocation);
  if (passphrase.length < SHORTEST_PASSPHRASE) {
    throw new Refusal(`a passphrase wants at least ${SHORTEST_PASSPHRASE} characters`);
  }
  try {
    writeFileSync(file, sealBackup(files, passphrase), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new Refusal(`cannot write ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  return `${file} has ${Object.keys(files).join(', ')}`;
}

async function restore(invocation: Invocation, file: string): Promise<string> {
  let sealed: Uint8Array;
  try {
    sealed = readFileSync(file);
  } catch (error) {
    throw new Refusal(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const opening = openBackup(sealed, await passphraseFrom(invocation));
  if (!opening.ok) throw new Refusal(`${file}: ${opening.text}`);
  proveRight(opening.files);
  const isRunning = existsSync(agentSocketPath(invocation.runtimeDir));
  return isRunning ? rolledOut(invocation, opening.files) : putBack(invocation, opening.files);
}

/** In a place of its own: nothing is touched until all of it is right together. */
function proveRight(files: BackupFiles): void {
  const directory = mkdtempSync(join(tmpdir(), 'yoke-restore-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(directory, basename(name)), text, { mode: 0o600 });
    }
    const loading = loadConfiguration(directory);
    if (!loading.ok) throw new Refusal(loading.problems.join('\n'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function rolledOut({ runtimeDir, flags }: Invocation, files: BackupFiles): Promise<string> {
  const text = files['cluster.yaml'] ?? '';
  const wish = { user: 'restore', trialMs: 0, here: flags.has('here') };
  const result = await new AgentClient(runtimeDir).apply({ ...wish, text, message: 'restored' });
  if (!result.ok) throw new Refusal(result.text);
  return `${result.text} (the node runs: its node.yaml and its secret stay as they are)`;
}

function putBack({ configDir }: Invocation, files: BackupFiles): string {
  for (const [name, text] of Object.entries(files)) {
    const path = join(configDir, basename(name));
    try {
      replaceDurably(path, text);
    } catch (error) {
      throw new Refusal(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }
  return `${configDir} has ${Object.keys(files).join(', ')} again`;
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Refusal(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

async function passphraseFrom({ terminal }: Invocation): Promise<string> {
  const given = process.env['YOKE_PASSPHRASE'] ?? (await terminal.ask('passphrase: '));
  if (given === undefined || given === '') throw new Refusal('no passphrase given');
  return given;
}
