/**
 * `yoke`: which words and flags there are, and which command they start.
 *
 * Exit codes: 0 done, 1 refused or failed with one line on stderr, 2 wrong usage.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { ApiFailure } from '../service/local-client.ts';
import { agentCommand } from './agent-command.ts';
import { backupCommand, restoreCommand } from './backup-command.ts';
import { configCommand } from './config-command.ts';
import { eventsCommand } from './events-command.ts';
import { flowsCommand } from './flows-command.ts';
import { gatewaysCommand } from './gateways-command.ts';
import { handoverCommand } from './handover-command.ts';
import { helpText } from './help-text.ts';
import { type Invocation, UsageError } from './invocation.ts';
import { maintenanceCommand } from './maintenance-command.ts';
import { pairCommand } from './pair-command.ts';
import { reloadCommand } from './reload-command.ts';
import { runCommand } from './run-command.ts';
import { statusCommand } from './status-command.ts';
import type { Terminal } from './terminal.ts';

interface Command {
  readonly flags: readonly string[];
  run(invocation: Invocation): Promise<number>;
}

const CONFIG_FLAGS = ['message', 'confirm', 'here', 'keep', 'effective', 'secrets'];
/** Flags with a value, and what they want. */
const VALUES = {
  file: 'a file',
  message: 'a sentence',
  confirm: 'a duration such as 60s',
  keep: 'here or peer',
} as const;

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['run', { flags: [], run: runCommand }],
  ['status', { flags: ['json', 'watch'], run: statusCommand }],
  ['maintenance', { flags: [], run: maintenanceCommand }],
  ['handover', { flags: [], run: handoverCommand }],
  ['reload', { flags: [], run: reloadCommand }],
  ['events', { flags: ['json', 'follow'], run: eventsCommand }],
  ['config', { flags: CONFIG_FLAGS, run: configCommand }],
  ['backup', { flags: [], run: backupCommand }],
  ['restore', { flags: ['here'], run: restoreCommand }],
  ['agent', { flags: [], run: agentCommand }],
  ['gateways', { flags: ['json'], run: gatewaysCommand }],
  ['flows', { flags: ['json', 'rate'], run: flowsCommand }],
  ['pair', { flags: ['new', 'file'], run: pairCommand }],
]);

const DIRECTORIES = { config: '/etc/yoke', runtime: '/run/yoke', state: '/var/lib/yoke' } as const;

/** `words` are those after the name of the program. Returns the exit code; never throws. */
export async function commandLine(words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(words, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.complain(`yoke: ${error.message} (try: yoke help)`);
      return 2;
    }
    if (error instanceof ApiFailure) {
      terminal.complain(`yoke: ${error.message}`);
      return 1;
    }
    throw error;
  }
}

async function dispatch(words: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parsed(words);
  const [name, ...rest] = positionals;
  if (values['version']) {
    terminal.print(`yoke ${packageJson.version}`);
    return 0;
  }
  if (values['help'] || name === 'help') {
    terminal.print(helpText());
    return 0;
  }
  if (name === undefined) throw new UsageError('no command given');
  const command = COMMANDS.get(name);
  if (command === undefined) throw new UsageError(`no such command: ${name}`);
  const valued = Object.keys(VALUES);
  const given = Object.keys(values).filter((key) => values[key] === true || valued.includes(key));
  const foreign = given.find((flag) => !command.flags.includes(flag));
  if (foreign !== undefined) throw new UsageError(`${name} takes no --${foreign}`);
  return command.run({
    words: rest,
    flags: new Set(given),
    values: givenValues(values),
    configDir: directory(values['config'], 'config'),
    runtimeDir: directory(values['runtime'], 'runtime'),
    stateDir: directory(values['state'], 'state'),
    terminal,
  });
}

function parsed(words: readonly string[]) {
  const flag = { type: 'boolean' } as const;
  const options: ParseArgsOptionsConfig = {
    config: { type: 'string' },
    runtime: { type: 'string' },
    state: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'V' },
    json: flag,
    watch: flag,
    follow: flag,
    rate: flag,
    new: flag,
    here: flag,
    effective: flag,
    secrets: flag,
    ...Object.fromEntries(Object.keys(VALUES).map((name) => [name, { type: 'string' } as const])),
  };
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node explains at length how to pass a word that begins with a dash; a sentence will do.
    const [sentence = ''] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1));
  }
}

function directory(value: unknown, name: keyof typeof DIRECTORIES): string {
  if (value === '') throw new UsageError(`--${name} wants a directory`);
  return typeof value === 'string' ? value : DIRECTORIES[name];
}

function givenValues(values: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const [name, wanted] of Object.entries(VALUES)) {
    const value = values[name];
    if (value === '') throw new UsageError(`--${name} wants ${wanted}`);
    if (typeof value === 'string') given.set(name, value);
  }
  return given;
}
