/**
 * The log of a simulation: what each box did, at which moment, in words.
 *
 * Advertisements and announcements are told when they differ from the last ones of their sender, so
 * that the log shows decisions and not the ticking of timers.
 */
import type { Schedule } from './schedule.ts';

export interface Entry {
  /** Microseconds since the start. */
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

export class Chronicle {
  readonly entries: Entry[] = [];
  readonly #schedule: Schedule;
  /** Things sent in the turn that is under way: kind to the VIPs it was sent for. */
  readonly #pending = new Map<string, Map<string, Set<string>>>();
  readonly #lastSent = new Map<string, string>();

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  tell(who: string, what: string): void {
    this.flush(who);
    this.entries.push({ at: this.#schedule.now, who, what });
  }

  /** Something was sent for a VIP. */
  sent(who: string, what: string, vip: string): void {
    const pending = this.#pending.get(who) ?? new Map<string, Set<string>>();
    this.#pending.set(who, pending);
    const vips = pending.get(what) ?? new Set();
    pending.set(what, vips.add(vip));
  }

  /** Tells again what will be sent next, even when it is the same as before. */
  fresh(who: string): void {
    for (const key of this.#lastSent.keys())
      if (key.startsWith(`${who}/`)) this.#lastSent.delete(key);
  }

  flush(who: string): void {
    if (this.#pending.size === 0) return;
    const pending = this.#pending.get(who);
    if (pending === undefined) return;
    this.#pending.delete(who);
    for (const [what, vips] of pending) {
      const news = [...vips].filter((vip) =>
        this.#isNews(`${who}/${what.split(' ')[0]}/${vip}`, what),
      );
      if (news.length === 0) continue;
      this.entries.push({ at: this.#schedule.now, who, what: `${what}: ${news.join(', ')}` });
    }
  }

  #isNews(key: string, what: string): boolean {
    if (this.#lastSent.get(key) === what) return false;
    this.#lastSent.set(key, what);
    return true;
  }

  /** One line each: seconds, who, what. */
  lines(): string[] {
    const width = Math.max(0, ...this.entries.map(({ who }) => who.length));
    return this.entries.map(({ at, who, what }) => {
      const time = (at / 1_000_000).toFixed(3).padStart(8);
      return `${time}  ${who.padEnd(width)}  ${what}`;
    });
  }
}
