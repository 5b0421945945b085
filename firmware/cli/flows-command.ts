/**
 * `yoke flows`: connections and their replication to the other node.
 *
 *   run       the process that replicates them, in the foreground (`yoke run` starts it by itself)
 *   status    what the replication has to tell, as JSON
 *   show      the connections of this node, those with the most bytes first where the kernel counts
 *             them; further words are to be found in a line, all of them
 *   resync    tell the other node everything anew
 */
import { FlowClient } from '../service/flow-client.ts';
import { type Invocation, UsageError } from './invocation.ts';

export async function flowsCommand(invocation: Invocation): Promise<number> {
  const { words, configDir, runtimeDir, terminal } = invocation;
  const [action, ...rest] = words;
  if (action !== 'show' && rest.length > 0) throw new UsageError(`flows takes no ${rest[0]}`);
  switch (action) {
    case 'status': {
      terminal.print(JSON.stringify(await new FlowClient(runtimeDir).report(), null, 2));
      return 0;
    }
    case 'run': {
      // Loaded only here: the other commands must work where the native module cannot be loaded.
      const { runFlows } = await import('../service/flow-process.ts');
      return runFlows({ configDir, runtimeDir });
    }
    case 'show': {
      const { flowList } = await import('../service/flow-list.ts');
      for (const line of flowList(rest)) terminal.print(line);
      return 0;
    }
    case 'resync': {
      const { ok, text } = await new FlowClient(runtimeDir).resync();
      if (ok) terminal.print(text);
      else terminal.complain(`yoke: ${text}`);
      return ok ? 0 : 1;
    }
    default:
      throw new UsageError('flows wants run, status, show or resync');
  }
}
