/**
 * `yoke config`: the configuration before it is used, its history, and its way to both nodes.
 */
import { formatDuration } from '../core/configuration/duration-text.ts';
import { jsonSchema } from '../core/configuration/schema.ts';
import { loadConfiguration } from '../service/configuration-loading.ts';
import { changeCommand } from './config-change.ts';
import { historyCommand } from './config-past.ts';
import { type Invocation, UsageError } from './invocation.ts';

type Verb = (invocation: Invocation, rest: readonly string[]) => number | Promise<number>;

const VERBS: ReadonlyMap<string, { readonly flags: readonly string[]; readonly run: Verb }> =
  new Map([
    ['check', { flags: [], run: check }],
    ['schema', { flags: [], run: schema }],
    ['show', { flags: ['effective', 'secrets'], run: historyCommand('show') }],
    ['history', { flags: [], run: historyCommand('history') }],
    ['diff', { flags: [], run: historyCommand('diff') }],
    ['export', { flags: [], run: historyCommand('export') }],
    ['plan', { flags: [], run: changeCommand('plan') }],
    ['apply', { flags: ['message', 'confirm', 'here'], run: changeCommand('apply') }],
    ['confirm', { flags: [], run: changeCommand('confirm') }],
    ['rollback', { flags: ['confirm', 'here'], run: changeCommand('rollback') }],
    ['resolve', { flags: ['keep'], run: changeCommand('resolve') }],
  ]);

export async function configCommand(invocation: Invocation): Promise<number> {
  const [word = '', ...rest] = invocation.words;
  const verb = VERBS.get(word);
  if (verb === undefined) throw new UsageError(`config wants ${[...VERBS.keys()].join(', ')}`);
  const foreign = [...invocation.flags].find((flag) => !verb.flags.includes(flag));
  if (foreign !== undefined) throw new UsageError(`config ${word} takes no --${foreign}`);
  return verb.run(invocation, rest);
}

function check({ configDir, terminal }: Invocation, rest: readonly string[]): number {
  if (rest.length > 0) throw new UsageError(`config check takes no ${rest[0]}`);
  const loading = loadConfiguration(configDir);
  if (!loading.ok) {
    for (const problem of loading.problems) terminal.complain(problem);
    return 1;
  }
  const { node, role, cluster, vips, beats, lacksSecret } = loading.configuration;
  const count = vips.length === 1 ? '1 VIP' : `${vips.length} VIPs`;
  terminal.print(`${configDir} is valid: ${node}, ${role} of ${cluster}, ${count}`);
  if (beats !== undefined) {
    const { interval, deadTime } = beats;
    const silence = `a silent peer is dead after ${formatDuration(deadTime)}`;
    terminal.print(`beats every ${formatDuration(interval)}, ${silence}`);
  }
  if (lacksSecret) terminal.print('no beats: node.yaml names no secret (yoke pair makes one)');
  return 0;
}

function schema({ terminal }: Invocation, rest: readonly string[]): number {
  const [document, ...more] = rest;
  if ((document !== 'node' && document !== 'cluster') || more.length > 0) {
    throw new UsageError('config schema wants node or cluster');
  }
  terminal.print(JSON.stringify(jsonSchema(document), null, 2));
  return 0;
}
