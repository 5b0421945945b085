/** `yoke gateways`: the ways out, as their monitors see them from this node. */
import { gatewayTable } from '../core/telemetry/gateway-table.ts';
import { AgentClient } from '../service/agent-client.ts';
import { type Invocation, UsageError } from './invocation.ts';

export async function gatewaysCommand({
  words,
  flags,
  runtimeDir,
  terminal,
}: Invocation): Promise<number> {
  if (words.length > 0) throw new UsageError(`gateways takes no ${words[0]}`);
  const snapshot = await new AgentClient(runtimeDir).gateways();
  if (flags.has('json')) terminal.print(JSON.stringify(snapshot, null, 2));
  else for (const line of gatewayTable(snapshot)) terminal.print(line);
  return 0;
}
