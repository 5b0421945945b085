// The table people read after a drill, and hand to whoever asked for proof.
import type { DrillResult } from './drill.ts';
import { NODES, type NodeLetter } from './rack-plan.ts';
import { textTable } from './text-table.ts';

const HEAD = ['test type', 'date', 'outage ms', 'TCP sessions preserved', 'state of both nodes'];

export function drillReport(results: readonly DrillResult[]): string {
  return textTable([HEAD, ...results.map(row)]);
}

function row(result: DrillResult): string[] {
  return [
    result.test,
    result.date.toISOString().slice(0, 19).replace('T', ' '),
    outage(result),
    `${result.streamsPreserved} of ${result.streams}`,
    (['a', 'b'] as const).map((letter) => nodeState(result, letter)).join(', '),
  ];
}

/** "34" or "> 20000" when the clients were not served again in time. */
export function outage(result: DrillResult): string {
  const ms = milliseconds(result.outageUs);
  return result.recovered ? ms : `> ${ms}`;
}

export function milliseconds(us: number): string {
  return (us / 1000).toFixed(us < 10_000 ? 1 : 0);
}

function nodeState(result: DrillResult, letter: NodeLetter): string {
  return `${NODES[letter].name} ${result.states[letter]}`;
}
