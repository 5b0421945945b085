/**
 * `yoke maintenance enter|leave`: keep the node from being MASTER, or let it again.
 */
import { type Invocation, UsageError } from './invocation.ts';
import { nodeCommand } from './node-command.ts';

export async function maintenanceCommand(invocation: Invocation): Promise<number> {
  const [action, ...more] = invocation.words;
  if ((action !== 'enter' && action !== 'leave') || more.length > 0) {
    throw new UsageError('maintenance wants enter or leave');
  }
  return nodeCommand(invocation, 'maintenance', { action });
}
