/** What a comparison of both nodes' connections has found, for programs and for people. */
import type {
  Comparison,
  ComparisonOutcome,
  DifferingFlows,
} from '../core/flows/table-comparison.ts';
import { readingLines } from '../wire/flow-reading.ts';

/** Flows that differ in one way. */
interface DifferenceReport {
  /** A takeover would lose these, or find them where they are over. */
  readonly established: number;
  /** Unanswered, not assured, or closing: their copies may lapse early. */
  readonly other: number;
  /** Some of them as lines, established ones first. */
  readonly examples: readonly string[];
}

export interface ComparisonReport {
  /** No established flow differs. */
  readonly equal: boolean;
  /** Flows that concern the peer in this kernel, and in the peer's. */
  readonly here: number;
  readonly peer: number;
  /** Here, but not at the peer. */
  readonly missing: DifferenceReport;
  /** At the peer, but not here. */
  readonly surplus: DifferenceReport;
  /** At both, but established at one of them only. */
  readonly changed: DifferenceReport;
}

export interface ComparisonResult {
  readonly ok: boolean;
  /** One line (or several) for people: what was found, or why nothing was. */
  readonly text: string;
  readonly report?: ComparisonReport;
}

export function comparisonResult(outcome: ComparisonOutcome): ComparisonResult {
  if (!outcome.ok) return { ok: false, text: `not compared: ${outcome.why}` };
  const report = comparisonReport(outcome.comparison);
  return { ok: true, text: comparisonText(report), report };
}

function comparisonReport(comparison: Comparison): ComparisonReport {
  const { here, atPeer, missing, surplus, changed } = comparison;
  const [own, its] = [readingLines(comparison.lines), readingLines(comparison.peerLines)];
  const established = missing.established + surplus.established;
  return {
    equal: established + changed.established + changed.other === 0,
    here,
    peer: atPeer,
    missing: differenceReport(missing, [own]),
    surplus: differenceReport(surplus, [its]),
    changed: differenceReport(changed, [own, its]),
  };
}

function differenceReport(
  { established, other, keys }: DifferingFlows,
  lines: readonly ReadonlyMap<bigint, string>[],
): DifferenceReport {
  const examples = keys.map((key) => {
    const found = lines.flatMap((each) => each.get(key) ?? []);
    // It may have ended since it was compared.
    return found.length > 0 ? [...new Set(found)].join('  |  ') : '(gone meanwhile)';
  });
  return { established, other, examples };
}

function comparisonText({ equal, here, peer, ...differences }: ComparisonReport): string {
  const kinds = [
    ['missing at the peer', differences.missing],
    ['surplus at the peer', differences.surplus],
    ['in another state at the peer', differences.changed],
  ] as const;
  return [
    `${here} flows here, ${peer} at the peer: ${equal ? 'equal' : 'they differ'}`,
    ...kinds.flatMap(([what, { established, other, examples }]) =>
      established + other === 0
        ? []
        : [`${what}: ${established} established, ${other} others`, ...examples.map(indented)],
    ),
  ].join('\n');
}

const indented = (line: string): string => `  ${line}`;
