/**
 * `yoke events`: what happened, from the log in the state directory; with --follow also what
 * happens, from the running node.
 */
import { type EventRecord, formatEventRecord } from '../core/telemetry/event-record.ts';
import { EventLog } from '../kernel/state-files.ts';
import { ApiClient } from '../service/api-client.ts';
import { type Invocation, UsageError } from './invocation.ts';

/** About one screen of history before following, and a readable amount without. */
const SHOWN_BEFORE_FOLLOWING = 10;
const SHOWN = 200;

export async function eventsCommand(invocation: Invocation): Promise<number> {
  const { words, flags, runtimeDir, stateDir, terminal } = invocation;
  if (words.length > 0) throw new UsageError(`events takes no ${words[0]}`);
  const show = (record: EventRecord) =>
    terminal.print(flags.has('json') ? JSON.stringify(record) : formatEventRecord(record));
  const isFollowing = flags.has('follow');
  const { records, problem } = new EventLog(stateDir).recent(
    isFollowing ? SHOWN_BEFORE_FOLLOWING : SHOWN,
  );
  if (problem !== undefined) terminal.complain(`yoke: ${problem}`);
  const past = records.filter(isEventRecord);
  if (!isFollowing) {
    for (const record of past) show(record);
    return problem === undefined ? 0 : 1;
  }
  const client = new ApiClient(runtimeDir);
  await client.status();
  for (const record of past) show(record);
  const newest = past.at(-1)?.id ?? 0;
  for await (const record of await client.events(newest, terminal.ended)) show(record);
  if (terminal.ended.aborted) return 0;
  terminal.complain('yoke: the node has stopped');
  return 1;
}

/** The log may have been written by a later version, or by hand. */
function isEventRecord(record: unknown): record is EventRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { id, at, kind, text } = record as Record<string, unknown>;
  return [at, kind, text].every((each) => typeof each === 'string') && typeof id === 'number';
}
