/**
 * `yoke handover`: give the VIPs to the peer now. Ends when it has them, or when it cannot.
 */
import type { Invocation } from './invocation.ts';
import { plainNodeCommand } from './node-command.ts';

export function handoverCommand(invocation: Invocation): Promise<number> {
  return plainNodeCommand(invocation, 'handover');
}
