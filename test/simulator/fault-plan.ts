/**
 * Random trouble for a pair: from a seed, a pair and the chapters of its life. In each chapter
 * faults befall it densely, then all is mended and there is quiet.
 */
import { attack, FAULT_KINDS, type Fault, type FaultScene } from './fault-kinds.ts';
import { latePassage } from './late-passage.ts';
import type { BoxName, PairPlan } from './pair-plan.ts';
import { Prng } from './prng.ts';
import type { SimulationPlan } from './simulation.ts';

const SECOND = 1_000_000;
/** The pair comes up. */
const FIRST = 5 * SECOND;
const CHAPTERS_AT_MOST = 8;
const PASSAGES_AT_MOST = 6;
/** Longer than every demotion lasts that ends by itself, and the preemption delay after it. */
const LAST_QUIET = 100 * SECOND;
/** Of a clock, parts per million. */
const DRIFT = 200;

export interface Chapter {
  readonly faults: readonly Fault[];
  /** When all is mended. */
  readonly mendedAt: number;
  readonly end: number;
}

export interface FaultPlan {
  readonly simulation: SimulationPlan;
  readonly chapters: readonly Chapter[];
}

/** Most faults are short, around the times that decide; some are long. */
function duration(prng: Prng): number {
  const longest = prng.pick([0.02, 0.1, 0.5, 2, 4, 10]);
  return Math.round(prng.unit() * longest * SECOND) + 1_000;
}

function pairPlan(prng: Prng): Partial<PairPlan> {
  const hasBeats = prng.chance(0.6);
  const fast = !hasBeats && prng.chance(0.2);
  const failover = prng.chance(hasBeats ? 0.2 : 0.4) ? 'vip' : 'node';
  return {
    failover,
    base: fast ? 0 : 1,
    skew: fast ? { primary: 5, secondary: 10 } : { primary: 0, secondary: 100 },
    preempt: prng.chance(0.8),
    delaySeconds: prng.between(0, 3),
    dualStack: prng.chance(0.3),
    split: failover === 'vip' && prng.chance(0.5),
    beatMilliseconds: hasBeats ? prng.pick([3, 4, 10, 10, 20, 50, 100, 100]) : undefined,
    flapChanges: prng.pick([0, 0, 4]),
  };
}

function others(prng: Prng, { base, beatMilliseconds }: Partial<PairPlan>): readonly BoxName[] {
  const boxes: BoxName[] = [];
  // With intervals of milliseconds three nodes cannot tell their skews apart.
  if (beatMilliseconds === undefined && base === 1 && prng.chance(0.2)) boxes.push('tertiary');
  if (prng.chance(0.1)) boxes.push('stranger');
  return boxes;
}

function chapter(prng: Prng, scene: FaultScene, from: number): Omit<Chapter, 'end'> {
  const span = prng.between(15, 50) * SECOND;
  const pause = prng.pick([0.5, 1, 2, 4]) * SECOND;
  const count = Math.max(1, Math.round(span / pause));
  const faults = Array.from({ length: count }, (): Fault => {
    const at = from + prng.between(0, span);
    const kind = scene.isAttacked && prng.chance(0.3) ? attack : prng.pick(FAULT_KINDS);
    return { at, until: at + duration(prng), ...kind(new Prng(prng.between(0, 2 ** 31)), scene) };
  }).sort((a, b) => a.at - b.at);
  return { faults, mendedAt: Math.max(...faults.map(({ until }) => until)) };
}

/** The place changes hands, again and again, while beats are late; nothing else is wrong. */
function passages(prng: Prng, from: number): Chapter {
  const faults: Fault[] = [];
  const count = prng.between(3, PASSAGES_AT_MOST);
  for (let number = 1; number <= count; number += 1) {
    const at = (faults.at(-1)?.until ?? from) + prng.between(3, 6) * SECOND;
    faults.push(latePassage(new Prng(prng.between(0, 2 ** 31)), at));
  }
  const mendedAt = faults.at(-1)?.until ?? from;
  return { faults, mendedAt, end: mendedAt + LAST_QUIET };
}

export function faultPlan(seed: number): FaultPlan {
  const prng = new Prng(seed * 7_919 + 1);
  const pair = pairPlan(prng);
  const boxes = others(prng, pair);
  const nodes = ['primary', 'secondary', ...boxes.filter((box) => box !== 'stranger')];
  const places = pair.beatMilliseconds === undefined ? ['wan', 'lan'] : ['wan', 'lan', 'sync'];
  const isBound = pair.beatMilliseconds !== undefined && pair.failover === 'node';
  // CARP alone cannot tell a replayed frame from a new one: only a bound pair is attacked.
  const attacked = isBound && prng.chance(0.25) ? ['wan', 'lan'] : [];
  const scene = { nodes, places, isAttacked: attacked.length > 0 };
  const drifts = [...nodes, 'stranger'].map((box) => [box, prng.between(-DRIFT, DRIFT)]);
  const chapters: Chapter[] = [];
  const count = prng.between(1, CHAPTERS_AT_MOST);
  let from = FIRST;
  for (let number = 1; number <= count; number += 1) {
    const { faults, mendedAt } = chapter(prng, scene, from);
    const end = mendedAt + (number === count ? LAST_QUIET : prng.between(8, 20) * SECOND);
    chapters.push({ faults, mendedAt, end });
    from = end;
  }
  // Drawn apart from all else: what a seed was before there were passages stays as it was.
  const later = new Prng(seed * 104_729 + 2);
  if (isBound && later.chance(0.4)) chapters.push(passages(later, from));
  const simulation = {
    pair,
    seed,
    wakeLatency: prng.between(0, 2_000),
    others: boxes,
    attacked,
    drift: Object.fromEntries(drifts),
  };
  return { simulation, chapters };
}
