/**
 * `yoke reload`: read the configuration again, and say why when it is refused.
 */
import type { Invocation } from './invocation.ts';
import { plainNodeCommand } from './node-command.ts';

export function reloadCommand(invocation: Invocation): Promise<number> {
  return plainNodeCommand(invocation, 'reload');
}
