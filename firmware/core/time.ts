/**
 * Time as the firmware counts it: whole microseconds of CLOCK_MONOTONIC.
 *
 * A number holds 285 years of microseconds exactly. Nothing here can read a clock: an Instant
 * always comes in as an argument, so that a year of flapping runs in a second of test.
 */

declare const instantBrand: unique symbol;
declare const durationBrand: unique symbol;

/** A moment on the monotonic clock, in microseconds since an arbitrary start (boot). */
export type Instant = number & { readonly [instantBrand]: true };

/** A length of time in microseconds. May be zero, never negative. */
export type Duration = number & { readonly [durationBrand]: true };

export const instant = (microseconds: number): Instant => microseconds as Instant;
export const microseconds = (count: number): Duration => count as Duration;
export const milliseconds = (count: number): Duration => (count * 1_000) as Duration;
export const seconds = (count: number): Duration => (count * 1_000_000) as Duration;

export const after = (start: Instant, span: Duration): Instant => (start + span) as Instant;

/** Time from `start` to `end`; zero when `end` is earlier. */
export const between = (start: Instant, end: Instant): Duration =>
  Math.max(0, end - start) as Duration;

export const toMilliseconds = (span: Duration): number => span / 1_000;

/** The earlier of two optional moments; undefined means never. */
export const earliest = (a: Instant | undefined, b: Instant | undefined): Instant | undefined => {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a < b ? a : b;
};
