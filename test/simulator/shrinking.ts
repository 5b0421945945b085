/** Finds the fewest faults with which a seed still fails: what is left explains the failure. */
import { RandomRun } from './random-run.ts';

const SECOND = 1_000_000;

/** Positions of the faults that are left, as text; empty when the seed does not fail. */
export function shrink(seed: number): string {
  const faults = new RandomRun(seed).plan.chapters.flatMap((chapter) => chapter.faults);
  const failedAt = failureOf(seed);
  if (failedAt === undefined) return '';
  let left = [...faults.keys()].filter((position) => (faults[position]?.at ?? 0) <= failedAt);
  for (let size = half(left.length); size > 0; size = size === 1 ? 0 : half(size)) {
    for (let from = 0; from < left.length; ) {
      const fewer = [...left.slice(0, from), ...left.slice(from + size)];
      if (failureOf(seed, new Set(fewer)) !== undefined) left = fewer;
      else from += size;
    }
  }
  return left.join(',');
}

const half = (size: number): number => Math.ceil(size / 2);

/** When it fails first, microseconds; undefined when it does not. */
function failureOf(seed: number, only?: ReadonlySet<number>): number | undefined {
  const [first] = new RandomRun(seed, only).judge(true);
  return first === undefined ? undefined : Number.parseFloat(first) * SECOND;
}
