/**
 * `yoke config check` and `yoke config schema`: the configuration before it is used.
 */
import { formatDuration } from '../core/configuration/duration-text.ts';
import { jsonSchema } from '../core/configuration/schema.ts';
import { loadConfiguration } from '../service/configuration-loading.ts';
import { type Invocation, UsageError } from './invocation.ts';

export async function configCommand(invocation: Invocation): Promise<number> {
  const [verb, ...rest] = invocation.words;
  if (verb === 'check') return check(invocation, rest);
  if (verb === 'schema') return schema(invocation, rest);
  throw new UsageError('config wants check or schema');
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
