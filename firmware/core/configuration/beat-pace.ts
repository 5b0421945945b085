/**
 * How fast the beats are and how soon their silence means death.
 *
 * Three beats may be lost before anybody asks; a fifth of an interval is left for the one that is
 * late. Where a cable has lost its carrier it is asked at once, and as many intervals of silence
 * are enough as keep the outage of a lost power cord below 30 ms. The dead time is never so short
 * that a busy machine could not keep its lease renewed (lease-length.ts). With `failover: vip` it
 * leaves the lease at its longest, because there the election thread can be away for 25 ms: so
 * long it takes the kernel to lower one VIP's interfaces while another one is being served.
 */
import { type Duration, microseconds, milliseconds } from '../time.ts';
import { parseDuration } from './duration-text.ts';
import type { BeatConfiguration, FailoverMode } from './pair-configuration.ts';

export const SHORTEST_BEAT_INTERVAL: Duration = milliseconds(3);
export const LONGEST_BEAT_INTERVAL: Duration = milliseconds(100);

/** Silence, with no answer to any question, that means death: 2.8 intervals. */
function deadSilence(interval: Duration): number {
  return Math.trunc((interval * 14) / 5);
}

const NORMAL: Duration = milliseconds(10);
const FAST: Duration = milliseconds(4);

const SHORTEST: Readonly<Record<FailoverMode, Duration>> = {
  node: milliseconds(24),
  vip: milliseconds(90),
};

/** Three beats missed, and a fifth of an interval more for the one that is late. */
export function beatPatience(interval: Duration): Duration {
  return microseconds(Math.trunc((interval * 16) / 5));
}

/** What `beats` and `failover` of cluster.yaml say. */
interface WrittenBeats {
  readonly beats: 'normal' | 'fast' | 'off' | { readonly interval: string };
  readonly failover: FailoverMode;
}

/** Undefined when beats are switched off. */
export function beatPace({ beats, failover }: WrittenBeats): BeatConfiguration | undefined {
  if (beats === 'off') return undefined;
  const interval = intervalOf(beats);
  const deadTime = microseconds(Math.max(SHORTEST[failover], deadSilence(interval)));
  return { interval, deadTime };
}

function intervalOf(beats: Exclude<WrittenBeats['beats'], 'off'>): Duration {
  if (typeof beats === 'object') return parseDuration(beats.interval) ?? NORMAL;
  return beats === 'fast' ? FAST : NORMAL;
}
