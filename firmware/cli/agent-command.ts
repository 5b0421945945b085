/**
 * `yoke agent run`: the process that keeps the configuration, in the foreground (`yoke run` starts
 * it by itself).
 */
import { type Invocation, UsageError } from './invocation.ts';

export async function agentCommand(invocation: Invocation): Promise<number> {
  const { words, configDir, runtimeDir, stateDir } = invocation;
  if (words.length !== 1 || words[0] !== 'run') throw new UsageError('agent wants run');
  // Loaded only here: it is not small.
  const { runAgent } = await import('../service/agent-process.ts');
  return runAgent({ configDir, runtimeDir, stateDir });
}
