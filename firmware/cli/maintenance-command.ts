/**
 * `yoke maintenance enter|leave`: keep the node from being MASTER, or let it again.
 */
import { ApiClient } from '../service/api-client.ts';
import { type Invocation, UsageError } from './invocation.ts';

export async function maintenanceCommand(invocation: Invocation): Promise<number> {
  const { words, runtimeDir, terminal } = invocation;
  const [action, ...more] = words;
  if ((action !== 'enter' && action !== 'leave') || more.length > 0) {
    throw new UsageError('maintenance wants enter or leave');
  }
  const { ok, text } = await new ApiClient(runtimeDir).command('maintenance', { action });
  if (ok) terminal.print(text);
  else terminal.complain(`yoke: ${text}`);
  return ok ? 0 : 1;
}
