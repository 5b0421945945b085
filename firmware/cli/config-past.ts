/**
 * Commands of `yoke config` that read what is on the disk of this node, whether it runs or not:
 *
 *   show [N]       the revision that stands, or revision N; secrets only with --secrets
 *   show --effective   what this node makes of it, defaults and all
 *   history        number, time, author, message of each revision; * marks the one that stands
 *   diff [N [M]]   what changed in the one that stands, in N, or from N to M; diff peer: what the
 *                  other node has instead
 *   export [FILE]  all of cluster.yaml as it stands, secrets included; FILE is made, mode 0600
 */
import { writeFileSync } from 'node:fs';
import { maskedText } from '../kernel/masked-text.ts';
import { AgentClient } from '../service/agent-client.ts';
import { ConfigHistory } from '../service/config-history.ts';
import { configDiff } from '../service/config-plan.ts';
import { effectiveConfiguration } from '../service/effective-configuration.ts';
import type { ConfigRevision } from '../wire/config-revision.ts';
import { type Invocation, UsageError } from './invocation.ts';

type Past = 'show' | 'history' | 'diff' | 'export';

/** Why there is nothing to be shown; one line for people. */
class Absence extends Error {}

export const historyCommand =
  (command: Past) =>
  async (invocation: Invocation, rest: readonly string[]): Promise<number> => {
    const most = { show: 1, history: 0, diff: 2, export: 1 }[command];
    const surplus = rest[most];
    if (surplus !== undefined) throw new UsageError(`config ${command} takes no ${surplus}`);
    try {
      await shown(command, invocation, rest);
      return 0;
    } catch (error) {
      if (!(error instanceof Absence)) throw error;
      invocation.terminal.complain(`yoke: ${error.message}`);
      return 1;
    }
  };

async function shown(command: Past, invocation: Invocation, rest: readonly string[]) {
  const { terminal, flags, stateDir } = invocation;
  const history = new ConfigHistory(stateDir);
  const [first, second] = rest;
  switch (command) {
    case 'show': {
      const revision = chosen(history, first);
      if (flags.has('effective')) return effective(invocation, revision);
      terminal.print(trimmed(flags.has('secrets') ? revision.text : maskedText(revision.text)));
      return;
    }
    case 'history':
      for (const line of historyLines(history)) terminal.print(line);
      return;
    case 'export':
      return exported(chosen(history, undefined), first, invocation);
    case 'diff': {
      const [before, after] = await compared(history, first, second, invocation);
      const lines = configDiff(before, after);
      for (const line of lines.length === 0 ? ['no difference'] : lines) terminal.print(line);
    }
  }
}

async function compared(
  history: ConfigHistory,
  first: string | undefined,
  second: string | undefined,
  { runtimeDir }: Invocation,
): Promise<readonly [string, string]> {
  if (first === 'peer') {
    const peer = await new AgentClient(runtimeDir).peerRevision();
    if (peer === undefined) throw new Absence('the other node is not connected');
    return [chosen(history, undefined).text, peer.text];
  }
  const one = chosen(history, first);
  if (second !== undefined) return [one.text, chosen(history, second).text];
  return [one.parent === null ? '' : (history.find(one.parent)?.text ?? ''), one.text];
}

function chosen(history: ConfigHistory, word: string | undefined): ConfigRevision {
  const { head } = history;
  if (word === undefined) {
    if (head === undefined) throw new Absence('there is no history yet: the node has never run');
    return head;
  }
  if (!/^[1-9]\d{0,8}$/.test(word)) throw new UsageError(`${word} is no number of a revision`);
  const revision = history.numbered(Number(word));
  if (revision === undefined) throw new Absence(`there is no revision ${word}`);
  return revision;
}

function historyLines(history: ConfigHistory): string[] {
  const rows = history.list().map((revision) => {
    const { number, time, author, message, origin, id } = revision;
    const mark = id === history.head?.id ? '*' : ' ';
    const at = time.replace('T', ' ').slice(0, 19);
    return [`${mark} ${number}`, at, author, message || origin] as const;
  });
  const width = (column: 0 | 2) => Math.max(0, ...rows.map((row) => row[column].length));
  const [numbers, authors] = [width(0), width(2)];
  return rows.map(([number, at, author, message]) =>
    printable(`${number.padEnd(numbers)}  ${at}  ${author.padEnd(authors)}  ${message}`),
  );
}

function exported(
  { text }: ConfigRevision,
  file: string | undefined,
  { terminal }: Invocation,
): void {
  if (file === undefined) return terminal.print(trimmed(text));
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
    terminal.print(`${file} has the configuration of the pair, secrets included`);
  } catch (error) {
    throw new Absence(`cannot write ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function effective({ configDir, terminal, flags }: Invocation, { text }: ConfigRevision): void {
  const result = effectiveConfiguration(configDir, text, { secrets: flags.has('secrets') });
  if (!result.ok) throw new Absence(result.problems.join('\nyoke: '));
  terminal.print(trimmed(result.text));
}

/** The terminal adds the last line end. */
const trimmed = (text: string): string => text.replace(/\n$/, '');

/** Messages are others' words; a terminal must not obey them. */
const printable = (line: string): string => line.replaceAll(/\p{Cc}|\p{Cf}/gu, '?');
