/** Finds the fewest faults with which a seed still fails: what is left explains the failure. */
import { RandomRun } from './random-run.ts';
import { seedReport } from './seed-report.ts';

/** Positions of the faults that are left, as text. */
export function shrink(seed: number): string {
  const { chapters } = new RandomRun(seed).plan;
  let left = chapters.flatMap(({ faults }) => faults).map((_, position) => position);
  for (
    let size = Math.ceil(left.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < left.length; ) {
      const fewer = [...left.slice(0, from), ...left.slice(from + size)];
      if (seedReport(seed, new Set(fewer)).failures.length > 0) left = fewer;
      else from += size;
    }
  }
  return left.join(',');
}
