/**
 * `yoke flows`: connections and their replication to the other node.
 *
 *   run       the process that replicates them, in the foreground (`yoke run` starts it by itself)
 *   status    what the replication has to tell, as JSON
 *   show      the connections of this node, those with the most bytes first where the kernel counts
 *             them; further words are to be found in a line, all of them; with --rate what passes
 *             in one second decides
 *   resync    tell the other node everything anew
 *   compare   the exact difference of both kernels' tables, with some lines of each kind (10, or as
 *             many as the next word says); exit code 1 when established connections differ
 */
import { LINES_AT_MOST } from '../core/flows/table-comparison.ts';
import { FlowClient } from '../service/flow-client.ts';
import { type Invocation, UsageError } from './invocation.ts';

export async function flowsCommand(invocation: Invocation): Promise<number> {
  const { words, flags, configDir, runtimeDir, terminal } = invocation;
  const [action, ...rest] = words;
  const takesWords = action === 'show' || action === 'compare';
  if (!takesWords && rest.length > 0) throw new UsageError(`flows takes no ${rest[0]}`);
  for (const [flag, only] of [
    ['json', 'compare'],
    ['rate', 'show'],
  ] as const) {
    if (flags.has(flag) && action !== only) throw new UsageError(`flows takes no --${flag} here`);
  }
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
    case 'show':
      return show(invocation, rest);
    case 'resync': {
      const { ok, text } = await new FlowClient(runtimeDir).resync();
      if (ok) terminal.print(text);
      else terminal.complain(`yoke: ${text}`);
      return ok ? 0 : 1;
    }
    case 'compare':
      return compare(invocation, rest);
    default:
      throw new UsageError('flows wants run, status, show, resync or compare');
  }
}

async function show({ flags, terminal }: Invocation, words: readonly string[]): Promise<number> {
  const { flowList, flowRates, isCounted } = await import('../service/flow-list.ts');
  const byRate = flags.has('rate');
  if (byRate && !isCounted()) {
    terminal.complain('yoke: the kernel does not count: sysctl net.netfilter.nf_conntrack_acct=1');
    return 1;
  }
  for (const line of byRate ? await flowRates(words) : flowList(words)) terminal.print(line);
  return 0;
}

async function compare(
  { runtimeDir, flags, terminal }: Invocation,
  words: readonly string[],
): Promise<number> {
  const { ok, text, report } = await new FlowClient(runtimeDir).compare(exampleCount(words));
  if (!ok || report === undefined) {
    terminal.complain(`yoke: ${text}`);
    return 1;
  }
  terminal.print(flags.has('json') ? JSON.stringify(report, null, 2) : text);
  return report.equal ? 0 : 1;
}

function exampleCount([word = '10', ...rest]: readonly string[]): number {
  const isCount = /^\d{1,3}$/.test(word) && Number(word) <= LINES_AT_MOST;
  if (isCount && rest.length === 0) return Number(word);
  const found = [word, ...rest].join(' ');
  throw new UsageError(`flows compare: found ${found}, expected 0 to ${LINES_AT_MOST} examples`);
}
