// The middle of some measurements, and their ends.

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Throws without values: a spread of nothing is a mistake of the caller. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((x, y) => x - y);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) throw new RangeError('no values');
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? high;
  const lower = sorted[Math.ceil(middle) - 1] ?? low;
  return { median: (upper + lower) / 2, low, high };
}
