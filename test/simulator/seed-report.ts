/**
 * What became of one seed, and what whoever looks into a failure wants to see of it.
 */
import { RandomRun } from './random-run.ts';

const SECOND = 1_000_000;
/** Lines of the chronicle before the failure and after it. */
const BEFORE = 60;
const AFTER = 10;

export interface SeedReport {
  readonly seed: number;
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  /** The kind of pair, in a few words. */
  readonly pair: string;
  readonly failures: readonly string[];
  /** The plan, and what happened around the first failure; empty when there is none. */
  readonly story: readonly string[];
}

/** `only`: positions of the faults that are to happen; all when absent. `flows`: see RandomRun. */
export function seedReport(seed: number, flows = false, only?: ReadonlySet<number>): SeedReport {
  const startedAt = performance.now();
  const run = new RandomRun(seed, only, flows);
  const failures = attempt(run);
  return {
    seed,
    simulatedSeconds: run.simulation.schedule.now / SECOND,
    wallSeconds: (performance.now() - startedAt) / 1000,
    pair: pairText(run),
    failures,
    story: failures.length === 0 ? [] : [...planLines(run), '', ...logLines(run, failures)],
  };
}

/** A crash of ours is a failure like any other. */
function attempt(run: RandomRun): readonly string[] {
  try {
    return run.judge();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [`${(run.simulation.schedule.now / SECOND).toFixed(6)} s: ${text}`];
  }
}

function pairText({ simulation }: RandomRun): string {
  const { failover, beatMilliseconds, base } = simulation.pair;
  const beats = beatMilliseconds === undefined ? 'no beats' : `beats ${beatMilliseconds} ms`;
  const others = [
    ...(simulation.nodes.size > 2 ? ['three nodes'] : []),
    ...(simulation.strangers.length > 0 ? ['a stranger'] : []),
    ...(simulation.attackers.length > 0 ? ['an attacker'] : []),
    ...(base === 0 ? ['fast CARP'] : []),
  ];
  return [`failover ${failover}`, beats, ...others].join(', ');
}

function planLines({ plan, simulation }: RandomRun): string[] {
  const faults = plan.chapters.flatMap((chapter) => chapter.faults);
  const lines = faults.map(({ at, until, name }, position) => {
    const span = `${(at / SECOND).toFixed(6)}-${(until / SECOND).toFixed(6)}`;
    return `  ${String(position).padStart(3)}  ${span}  ${name}`;
  });
  return [`pair: ${JSON.stringify(simulation.pair)}`, 'faults:', ...lines];
}

function logLines({ simulation }: RandomRun, failures: readonly string[]): string[] {
  const failedAt = Number.parseFloat(failures[0] ?? '0') * SECOND;
  const { entries } = simulation.chronicle;
  const index = entries.findIndex(({ at }) => at > failedAt);
  const middle = index === -1 ? entries.length : index;
  const lines = simulation.chronicle.lines();
  return [
    'log around the first failure:',
    ...lines.slice(Math.max(0, middle - BEFORE), middle + AFTER),
  ];
}
