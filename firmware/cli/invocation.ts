/**
 * What every command of the CLI is called with, and how it says that it was called wrongly.
 */
import type { Terminal } from './terminal.ts';

/** What a command is called with. */
export interface Invocation {
  /** Words after the command's own. */
  readonly words: readonly string[];
  /** Flags without a value that were given. */
  readonly flags: ReadonlySet<string>;
  /** Values of those flags that have one, --file, --message and so on, as far as given. */
  readonly values: ReadonlyMap<string, string>;
  readonly configDir: string;
  readonly runtimeDir: string;
  readonly stateDir: string;
  readonly terminal: Terminal;
}

/** Wrong words or flags: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
