/**
 * CARP's timers and the numbers they are made of (CARP.md section 3; FreeBSD ip_carp.c, OpenBSD
 * ip_carp.c for an advbase of 0).
 *
 * A node is described on the wire by advbase (whole seconds) and advskew (1/256 s). The shorter its
 * interval, the more it wants to be MASTER. As skew < 256, comparing intervals is comparing the
 * integers `advbase * 256 + advskew`, which is what `rank` returns.
 */
import { type Duration, microseconds } from '../time.ts';

export interface Pace {
  /** Seconds, 0-255. */
  readonly advbase: number;
  /** 1/256 s, 0-254; 255 together with advbase 255 is a good-bye. */
  readonly advskew: number;
}

/** What a good-bye carries: the sender stops being MASTER now. */
export const GOODBYE: Pace = { advbase: 255, advskew: 255 };

/** The highest advskew that demotion can lead to (net.inet.carp: effective skew is clamped). */
export const ADVSKEW_DEMOTED = 240;

const MICROSECONDS = 1_000_000;

/** Lower is better; equal is a tie. */
export const rank = (pace: Pace): number => pace.advbase * 256 + pace.advskew;

/** Time between two advertisements of a MASTER. Never zero: 0/0 counts as 1/256 s (OpenBSD). */
export const advertisementInterval = (pace: Pace): Duration => {
  const skew = pace.advbase === 0 && pace.advskew === 0 ? 1 : pace.advskew;
  return microseconds(pace.advbase * MICROSECONDS + Math.trunc((skew * MICROSECONDS) / 256));
};

/**
 * How long a BACKUP waits in silence before it takes over: 3 x advbase + advskew/256 s, with the
 * configured skew, not the demoted one. With advbase 0 the skew counts three times (OpenBSD).
 */
export const masterDownInterval = (pace: Pace): Duration => {
  if (pace.advbase === 0) return microseconds(3 * advertisementInterval(pace));
  const skew = Math.trunc((pace.advskew * MICROSECONDS) / 256);
  return microseconds(3 * pace.advbase * MICROSECONDS + skew);
};

/** The skew a node advertises and compares with: its own plus its demotions, clamped to 0-240. */
export const effectiveAdvskew = (advskew: number, demotion: number): number =>
  Math.max(0, Math.min(ADVSKEW_DEMOTED, advskew + demotion));
