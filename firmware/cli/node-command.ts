/**
 * A command that the running node carries out, and how its answer is shown.
 */
import { ApiClient } from '../service/api-client.ts';
import type { CommandName } from '../service/api-server.ts';
import { type Invocation, UsageError } from './invocation.ts';

/** Returns the exit code. */
export async function nodeCommand(
  { runtimeDir, terminal }: Invocation,
  name: CommandName,
  args: Record<string, string> = {},
): Promise<number> {
  const { ok, text } = await new ApiClient(runtimeDir).command(name, args);
  if (ok) terminal.print(text);
  else for (const line of text.split('\n')) terminal.complain(`yoke: ${line}`);
  return ok ? 0 : 1;
}

/** The same for a command that is one word. */
export async function plainNodeCommand(invocation: Invocation, name: CommandName): Promise<number> {
  const [word] = invocation.words;
  if (word !== undefined) throw new UsageError(`${name} takes no ${word}`);
  return nodeCommand(invocation, name);
}
