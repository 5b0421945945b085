/**
 * Whether the peer lives, from when its beats arrive.
 *
 *   unknown   none ever came
 *   alive     one came a moment ago
 *   suspect   three are missing, or the cable they come by has lost its carrier: it is asked on
 *             every path, in two short rounds
 *   dead      nothing came on any path after that, and the dead time is over; or it took its leave
 *
 * Every beat counts, on whatever path. Nothing is decided before all that had arrived was read, so
 * a node that slept itself asks before it judges.
 */
import { beatPatience } from '../configuration/beat-pace.ts';
import type { PeerVerdict } from '../telemetry/snapshot.ts';
import { after, type Duration, type Instant, milliseconds } from '../time.ts';

const ROUNDS = 2;
const SHORTEST_ROUND = milliseconds(3);
const LONGEST_ROUND = milliseconds(10);

export interface LivenessRule {
  /** Between two beats of the peer. */
  readonly interval: Duration;
  /** Never dead earlier than this after its last sign of life. */
  readonly deadTime: Duration;
}

interface Suspicion {
  readonly rounds: number;
  /** When the answers to the last round are due. */
  readonly until: Instant;
}

export class Liveness {
  verdict: PeerVerdict = 'unknown';
  heardAt: Instant | undefined;
  #rule: LivenessRule;
  #suspicion: Suspicion | undefined;

  constructor(rule: LivenessRule) {
    this.#rule = rule;
  }

  change(rule: LivenessRule): void {
    this.#rule = rule;
  }

  /** True when this is news. */
  heard(now: Instant): boolean {
    const isNews = this.verdict === 'unknown' || this.verdict === 'dead';
    this.verdict = 'alive';
    this.heardAt = now;
    this.#suspicion = undefined;
    return isNews;
  }

  /** It said that it goes, having let go of everything. */
  left(now: Instant): void {
    this.heard(now);
    this.verdict = 'dead';
  }

  /** It speaks, but not to us by beats: nothing can be told from their silence. */
  forget(): void {
    this.verdict = 'unknown';
    this.heardAt = undefined;
    this.#suspicion = undefined;
  }

  /** When a silence of this length began to mean something. */
  get suspectAt(): Instant | undefined {
    if (this.verdict !== 'alive' || this.heardAt === undefined) return undefined;
    return after(this.heardAt, beatPatience(this.#rule.interval));
  }

  /** `severed`: the path its beats came by cannot carry any more. */
  settle(now: Instant, severed: boolean): 'ask' | 'died' | undefined {
    if (this.verdict === 'alive') {
      if (!severed && now < (this.suspectAt ?? now)) return undefined;
      this.verdict = 'suspect';
      return this.#ask(1, now);
    }
    if (this.verdict !== 'suspect' || this.#suspicion === undefined) return undefined;
    if (now < this.#suspicion.until) return undefined;
    if (this.#suspicion.rounds < ROUNDS) return this.#ask(this.#suspicion.rounds + 1, now);
    if (now < this.#dueAt()) return undefined;
    this.verdict = 'dead';
    this.#suspicion = undefined;
    return 'died';
  }

  nextTimeout(): Instant | undefined {
    if (this.verdict === 'alive') return this.suspectAt;
    const { until, rounds } = this.#suspicion ?? {};
    if (until === undefined || rounds === undefined || rounds < ROUNDS) return until;
    return until > this.#dueAt() ? until : this.#dueAt();
  }

  #ask(rounds: number, now: Instant): 'ask' {
    const half = this.#rule.interval / 2;
    const pause = Math.min(LONGEST_ROUND, Math.max(SHORTEST_ROUND, half)) as Duration;
    this.#suspicion = { rounds, until: after(now, pause) };
    return 'ask';
  }

  #dueAt(): Instant {
    return after(this.heardAt ?? (0 as Instant), this.#rule.deadTime);
  }
}
