/**
 * Durations as people write them: `500ms`, `10s`, `1m`, `2h`, or a bare 0.
 *
 * A number without a unit is refused, because half of all readers take `delay: 10` for seconds and
 * the other half for milliseconds. Fractions are refused too: there is always a smaller unit.
 */
import { type Duration, microseconds } from '../time.ts';

const MICROSECONDS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['h', 3_600_000_000],
  ['m', 60_000_000],
  ['s', 1_000_000],
  ['ms', 1_000],
]);

/** At most nine digits, so that every accepted duration is an exact number of microseconds. */
export const DURATION_PATTERN = /^(?:0|[1-9][0-9]{0,8})(?:ms|s|m|h)$/;

/** The duration, or undefined when the value is not one. */
export function parseDuration(value: string | number): Duration | undefined {
  if (value === 0 || value === '0') return microseconds(0);
  if (typeof value === 'number' || !DURATION_PATTERN.test(value)) return undefined;
  const count = Number.parseInt(value, 10);
  const factor = MICROSECONDS_PER_UNIT.get(value.slice(String(count).length));
  if (factor === undefined) return undefined;
  const total = count * factor;
  return Number.isSafeInteger(total) ? microseconds(total) : undefined;
}

/** The shortest text that reads back as the same duration; exact for whole milliseconds. */
export function formatDuration(duration: Duration): string {
  for (const [unit, factor] of MICROSECONDS_PER_UNIT) {
    if (duration >= factor && duration % factor === 0) return `${duration / factor}${unit}`;
  }
  return duration === 0 ? '0' : `${Number((duration / 1_000).toFixed(3))}ms`;
}
