/**
 * `yoke run`: one whole node in the foreground.
 */
import packageJson from '../../package.json' with { type: 'json' };
import { type Invocation, UsageError } from './invocation.ts';

export async function runCommand(invocation: Invocation): Promise<number> {
  const { words, configDir, runtimeDir, stateDir } = invocation;
  if (words.length > 0) throw new UsageError(`run takes no ${words[0]}`);
  // Loaded only here: the other commands must work where the native module cannot be loaded.
  const { runNode } = await import('../service/yoked.ts');
  return runNode({ configDir, runtimeDir, stateDir, version: packageJson.version });
}
