/**
 * How long what may be wrong for a pair: the times that a simulation holds it to, in microseconds.
 *
 * Two regimes. A pair that speaks CARP only (no beats, or an election per VIP) is held to CARP's
 * own times. A pair whose nodes know each other by beats is held to these:
 *
 *   takeover   dead time + the time a node notices it late + two rounds of asking
 *   promise    validity of a claim + lease + margin: who granted a claim serves only after it
 *   vacancy    how long the better node is waited for that does not fill the place
 *   merge      three beats after two masters can hear each other, or what is left of a lease that
 *              a stalled process cannot give back
 */
import { leaseLength } from '../../firmware/core/configuration/lease-length.ts';
import {
  advertisementInterval,
  masterDownInterval,
} from '../../firmware/core/election/interval.ts';
import { type PairPlan, pairBeats, TERTIARY_SKEW } from './pair-plan.ts';
import { TICK } from './simulated-machine.ts';

const MILLISECOND = 1_000;
const SECOND = 1_000_000;

/** A frame's way, the wake-up of a process, and the kernel's tick. */
const SLACK = 20 * MILLISECOND;
const ASKING = 2 * 10 * MILLISECOND;
/** A claim is valid for 100 ms, and 20 ms more are promised beyond the lease. */
const PROMISE = 120 * MILLISECOND;
const VACANCY = 300 * MILLISECOND;
/** A new session: greetings every 170 ms at the slowest, on each of three paths in turn. */
const NEW_SESSION = 3 * 170 * MILLISECOND;
/** After ten seconds of silence greetings leave once a second, on each of three paths in turn. */
const SLOW_NEW_SESSION = 3 * SECOND;
/** Classical: besides the timers. */
const MARGIN = 0.3 * SECOND;

export interface TimeBounds {
  /** Whether beats decide who is MASTER. */
  readonly isBound: boolean;
  /** A VIP without a server, though a node could serve it. */
  readonly outage: number;
  /** The same when that node has not met its peer since it started. */
  readonly firstOutage: number;
  /** Two servers that can reach each other, after they were parted. */
  readonly merge: number;
  /** The same when one of them was started meanwhile, so that they must greet first. */
  readonly firstMerge: number;
  /** Two servers that were not parted: three nodes may answer one good-bye. */
  readonly contest: number;
  /** A switch that sends a VIP's frames elsewhere. */
  readonly misled: number;
  /** Frames may take this long, with all that delays them, and the segment still counts. */
  readonly latency: number;
  /** Share of frames lost at which it still counts. */
  readonly loss: number;
}

export function timeBounds(pair: PairPlan, nodes: number): TimeBounds {
  const { base, skew, failover } = pair;
  const slowest = Math.max(skew.primary, skew.secondary) + (nodes > 2 ? TERTIARY_SKEW : 0);
  const deadTime = masterDownInterval({ advbase: base, advskew: slowest });
  const interval = advertisementInterval({ advbase: base, advskew: 240 });
  const beats = pairBeats(pair);
  const paces = Object.values(skew).map((advskew) => ({ advbase: base, advskew }));
  const lease = leaseLength(paces, beats) + TICK;
  const classical = {
    isBound: false,
    outage: deadTime + MARGIN,
    firstOutage: deadTime + MARGIN,
    merge: interval + MARGIN,
    firstMerge: interval + MARGIN,
    contest: nodes > 2 ? lease + SLACK : 0,
    misled: interval,
    latency: Math.min(0.1 * SECOND, deadTime / 10),
    loss: 0,
  };
  if (beats === undefined || failover === 'vip') return classical;
  const takeover = beats.deadTime + beats.interval + ASKING + SLACK;
  const merge = 3 * beats.interval + lease + SLACK;
  return {
    ...classical,
    isBound: true,
    outage: takeover + Math.max(VACANCY, PROMISE + lease) + 3 * beats.interval,
    merge,
    firstMerge: merge + NEW_SESSION + SLOW_NEW_SESSION,
    latency: 5 * MILLISECOND,
    loss: 0.01,
  };
}
