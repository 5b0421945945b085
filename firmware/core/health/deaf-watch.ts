/**
 * Which end of a broken segment is to blame. Both ends have carrier, yet the nodes do not hear each
 * other there: then the one whose port receives nothing at all, from anybody, is the one that is
 * cut off, and the other one should serve.
 *
 * On a segment where nobody else speaks both are silent, and nothing is decided.
 */
import { after, earliest, type Instant, milliseconds, seconds } from '../time.ts';

/** Nothing received for so long on a broken segment. */
const DEAF_AFTER = seconds(3);
const LOOK_PAUSE = milliseconds(500);

interface Look {
  readonly frames: number;
  /** Since when the count has not grown. */
  readonly since: Instant;
  readonly at: Instant;
}

export class DeafWatch {
  /** By logical interface, while the segment is broken. */
  readonly #looks = new Map<string, Look>();
  readonly #deaf = new Set<string>();

  isDeaf(place: string): boolean {
    return this.#deaf.has(place);
  }

  get deaf(): ReadonlySet<string> {
    return this.#deaf;
  }

  /** No segment was broken when last asked. */
  get isIdle(): boolean {
    return this.#looks.size === 0;
  }

  /** Tells which segments are broken now; returns those whose frames must be counted. */
  settle(broken: ReadonlySet<string>, now: Instant): readonly string[] {
    for (const place of this.#looks.keys()) {
      if (broken.has(place)) continue;
      this.#looks.delete(place);
      this.#deaf.delete(place);
    }
    return [...broken].filter((place) => {
      const look = this.#looks.get(place);
      return look === undefined || now >= after(look.at, LOOK_PAUSE);
    });
  }

  /** `frames`: all that its port has received since it exists. */
  counted(place: string, frames: number, now: Instant): void {
    const before = this.#looks.get(place);
    const grew = before === undefined || frames !== before.frames;
    const since = grew ? now : before.since;
    this.#looks.set(place, { frames, since, at: now });
    if (grew) this.#deaf.delete(place);
    else if (now >= after(since, DEAF_AFTER)) this.#deaf.add(place);
  }

  nextTimeout(): Instant | undefined {
    let next: Instant | undefined;
    if (this.#looks.size === 0) return next;
    for (const look of this.#looks.values()) next = earliest(next, after(look.at, LOOK_PAUSE));
    return next;
  }
}
