/**
 * What differs between two texts, line by line, as unified hunks (diff -u): Myers' algorithm
 * ("An O(ND) Difference Algorithm", 1986). What is compared and what is shown may differ, so that
 * people see that a secret has changed, and not the secret.
 */

export interface DiffText {
  /** Lines that are compared. */
  readonly lines: readonly string[];
  /** What is shown in their place; as many. */
  readonly shown: readonly string[];
}

interface Edit {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
  /** Lines of each text before this one. */
  readonly before: number;
  readonly after: number;
}

const CONTEXT = 3;
/** Two texts that differ in more lines are shown as one that replaces the other. */
const MOST_EDITS = 500;

/** Empty when no line differs. */
export function lineDiff(before: DiffText, after: DiffText): readonly string[] {
  const edits = editsBetween(before, after);
  const changed = edits.flatMap(({ sign }, index) => (sign === ' ' ? [] : [index]));
  const lines: string[] = [];
  for (let at = 0; at < changed.length; ) {
    let last = at;
    while ((changed[last + 1] ?? Infinity) - (changed[last] ?? 0) <= 2 * CONTEXT) last += 1;
    const from = Math.max(0, (changed[at] ?? 0) - CONTEXT);
    lines.push(...hunk(edits.slice(from, (changed[last] ?? 0) + CONTEXT + 1)));
    at = last + 1;
  }
  return lines;
}

function hunk(edits: readonly Edit[]): string[] {
  const [first] = edits;
  const count = (sign: '-' | '+') => edits.filter((edit) => edit.sign !== sign).length;
  const [removed, added] = [count('+'), count('-')];
  const start = (lines: number, length: number) => (length === 0 ? lines : lines + 1);
  const places =
    `-${start(first?.before ?? 0, removed)},${removed} ` +
    `+${start(first?.after ?? 0, added)},${added}`;
  return [`@@ ${places} @@`, ...edits.map(({ sign, text }) => sign + text)];
}

function editsBetween(before: DiffText, after: DiffText): Edit[] {
  const [a, b] = [before.lines, after.lines];
  const steps = shortestPath(a, b) ?? [...a.map(() => '-'), ...b.map(() => '+')];
  let [x, y] = [0, 0];
  return steps.map((step): Edit => {
    const place = { before: x, after: y };
    if (step === '+') return { sign: '+', text: after.shown[y++] ?? '', ...place };
    if (step === '-') return { sign: '-', text: before.shown[x++] ?? '', ...place };
    y += 1;
    return { sign: ' ', text: before.shown[x++] ?? '', ...place };
  });
}

/** Undefined when it is too long. */
function shortestPath(a: readonly string[], b: readonly string[]): string[] | undefined {
  const trace: Map<number, number>[] = [];
  let reach = new Map([[1, 0]]);
  const most = Math.min(a.length + b.length, MOST_EDITS);
  for (let depth = 0; depth <= most; depth++) {
    trace.push(new Map(reach));
    const next = new Map(reach);
    for (let k = -depth; k <= depth; k += 2) {
      let x = isDown(next, k, depth) ? (next.get(k + 1) ?? 0) : (next.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return backtrack(trace, a.length, b.length);
    }
    reach = next;
  }
  return undefined;
}

const isDown = (reach: ReadonlyMap<number, number>, k: number, depth: number): boolean =>
  k === -depth || (k !== depth && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));

function backtrack(trace: readonly Map<number, number>[], endX: number, endY: number): string[] {
  const steps: string[] = [];
  let [x, y] = [endX, endY];
  for (let depth = trace.length - 1; depth >= 0; depth--) {
    const reach = trace[depth] ?? new Map<number, number>();
    const k = x - y;
    const from = isDown(reach, k, depth) ? k + 1 : k - 1;
    const fromX = reach.get(from) ?? 0;
    const fromY = fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      steps.push(' ');
      x -= 1;
      y -= 1;
    }
    if (depth > 0) steps.push(x === fromX ? '+' : '-');
    [x, y] = [fromX, fromY];
  }
  return steps.reverse();
}
