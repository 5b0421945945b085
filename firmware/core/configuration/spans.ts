/**
 * Sets of numbers as inclusive spans: addresses of one family, or ports. Sorted, disjoint and with
 * gaps between them, so that two sets are equal exactly when their spans are.
 */

export interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

export type Spans = readonly Span[];

/** Any spans as one set. */
export function mergedSpans(spans: Spans): Spans {
  const merged: Span[] = [];
  for (const { first, last } of [...spans].sort(byFirst)) {
    const before = merged.at(-1);
    if (before === undefined || first > before.last + 1n) merged.push({ first, last });
    else if (last > before.last) merged.splice(-1, 1, { first: before.first, last });
  }
  return merged;
}

/** Whether all of `inner` is in `outer`. Called millions of times for thousands of rules. */
export function spansInclude(outer: Spans, inner: Spans): boolean {
  let at = 0;
  for (const { first, last } of inner) {
    let around = outer[at];
    while (around !== undefined && around.last < first) around = outer[++at];
    if (around === undefined || around.first > first || around.last < last) return false;
  }
  return true;
}

/** Whether some number is in both. */
export function spansOverlap(one: Spans, other: Spans): boolean {
  let at = 0;
  return one.some(({ first, last }) => {
    for (let span = other[at]; span !== undefined && span.last < first; span = other[at]) at += 1;
    const next = other[at];
    return next !== undefined && next.first <= last;
  });
}

function byFirst(one: Span, other: Span): number {
  if (one.first === other.first) return 0;
  return one.first < other.first ? -1 : 1;
}
