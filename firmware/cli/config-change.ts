/**
 * Commands of `yoke config` that the running node carries out, on both nodes where there are two:
 *
 *   plan [FILE]              what would change on this node
 *   apply [FILE]             cluster.yaml of the config directory, or FILE, or - for stdin
 *     --message TEXT         for the history
 *     --confirm 60s          go back by itself unless `yoke config confirm` comes in time
 *     --here                 on the secondary alone, in an emergency
 *   confirm
 *   rollback N
 *   resolve --keep here|peer
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { parseDuration } from '../core/configuration/duration-text.ts';
import { toMilliseconds } from '../core/time.ts';
import { AgentClient } from '../service/agent-client.ts';
import type { CommandResult } from '../service/api-server.ts';
import { type Invocation, UsageError } from './invocation.ts';

type Change = 'plan' | 'apply' | 'confirm' | 'rollback' | 'resolve';

/** The longest that a change may be on trial: a day. */
const LONGEST_TRIAL_MS = 86_400_000;

export const changeCommand =
  (change: Change) =>
  async (invocation: Invocation, rest: readonly string[]): Promise<number> => {
    const { terminal } = invocation;
    const { ok, text } = await carriedOut(change, invocation, rest);
    for (const line of text.split('\n')) {
      if (ok) terminal.print(line);
      else terminal.complain(`yoke: ${line}`);
    }
    return ok ? 0 : 1;
  };

function carriedOut(
  change: Change,
  invocation: Invocation,
  [word, ...more]: readonly string[],
): Promise<CommandResult> {
  const client = new AgentClient(invocation.runtimeDir);
  const takesWord = change !== 'confirm' && change !== 'resolve';
  const surplus = takesWord ? more[0] : word;
  if (surplus !== undefined) throw new UsageError(`config ${change} takes no ${surplus}`);
  switch (change) {
    case 'plan':
      return withText(invocation, word, (text) => client.plan(text));
    case 'apply': {
      const message = invocation.values.get('message') ?? '';
      const wish = wishOf(invocation);
      return withText(invocation, word, (text) => client.apply({ ...wish, text, message }));
    }
    case 'confirm':
      return client.confirm();
    case 'rollback':
      if (!/^[1-9]\d{0,8}$/.test(word ?? '')) {
        throw new UsageError('config rollback wants the number of a revision');
      }
      return client.rollback(Number(word), wishOf(invocation));
    case 'resolve': {
      const keep = invocation.values.get('keep');
      if (keep === 'here' || keep === 'peer') return client.resolve(keep, user());
      throw new UsageError('config resolve wants --keep here or --keep peer');
    }
  }
}

async function withText(
  { configDir }: Invocation,
  file: string | undefined,
  action: (text: string) => Promise<CommandResult>,
): Promise<CommandResult> {
  const path = file ?? join(configDir, 'cluster.yaml');
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    return { ok: false, text: `cannot read ${path}: ${(error as NodeJS.ErrnoException).code}` };
  }
  return action(text);
}

function wishOf({ values, flags }: Invocation) {
  return { user: user(), trialMs: trialMs(values.get('confirm')), here: flags.has('here') };
}

function trialMs(text: string | undefined): number {
  if (text === undefined) return 0;
  const duration = parseDuration(text);
  const ms = duration === undefined ? 0 : toMilliseconds(duration);
  if (ms >= 1000 && ms <= LONGEST_TRIAL_MS) return ms;
  throw new UsageError('--confirm wants a duration from 1s to 24h such as 60s');
}

/** Who stands behind sudo, not root. */
function user(): string {
  const { SUDO_USER } = process.env;
  if (SUDO_USER) return SUDO_USER;
  try {
    return userInfo().username;
  } catch {
    return 'somebody';
  }
}
