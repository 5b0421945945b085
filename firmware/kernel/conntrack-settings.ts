/**
 * Settings of the kernel's connection tracking (nf_conntrack-sysctl.rst) that the replication of
 * flows depends on: read, set where that is ours to do, else reported.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const ROOT = '/proc/sys/net/netfilter/nf_conntrack_';
/** Beyond this load a bucket holds so many flows that every packet looks for its own. */
const FLOWS_PER_BUCKET = 8;
const FULL = 0.9;
/** The kernel's own default: five days. */
const STREAM_TIMEOUT_S = 432_000;

export interface ConntrackSettings {
  /** Flows in the table of this network namespace. */
  readonly count: number;
  readonly max: number;
}

/** Undefined when the kernel has no connection tracking. */
export function readConntrackSettings(): ConntrackSettings | undefined {
  const count = read('count');
  const max = read('max');
  if (count === undefined || max === undefined) return undefined;
  return { count, max };
}

/** Whether the kernel counts packets and bytes of each flow. */
export function countsFlows(): boolean {
  return read('acct') === 1;
}

/** Seconds the kernel keeps an established TCP connection that rests. */
export function streamTimeout(): number {
  return read('tcp_timeout_established') ?? STREAM_TIMEOUT_S;
}

/**
 * Makes the kernel tell of changes, always. By default (2) only flows that begin while somebody
 * listens are ever told of, so those of a moment without this process would be forgotten for good.
 * Returns what stands in the way, a line each for people.
 */
export function prepareConntrack(): string[] {
  const events = read('events');
  if (events === undefined) return ['the kernel has no connection tracking with events'];
  if (events === 1) return [];
  try {
    writeFileSync(`${ROOT}events`, '1');
    return [];
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    return [`nf_conntrack_events is ${events} and cannot be set to 1: ${code}`];
  }
}

/** What is amiss now, a line each for people. */
export function conntrackProblems(): string[] {
  const [count = 0, max = 0, buckets = 0] = [read('count'), read('max'), read('buckets')];
  const problems: string[] = [];
  if (max > 0 && count > max * FULL) {
    problems.push(`the connection table is nearly full: ${count} of ${max} (nf_conntrack_max)`);
  }
  if (buckets > 0 && max > buckets * FLOWS_PER_BUCKET) {
    problems.push(
      `nf_conntrack_buckets ${buckets} is little for nf_conntrack_max ${max}: packets will be slow`,
    );
  }
  return problems;
}

function read(name: string): number | undefined {
  try {
    return Number(readFileSync(ROOT + name, 'latin1'));
  } catch {
    return undefined;
  }
}
