/**
 * What people must know now: each alert has a code, a sentence and a beginning.
 *
 * An alert about something that is seen (a foreign packet) ends by itself when it has not been seen
 * for a while; an alert about a condition is cleared by whoever raised it.
 */
import { after, type Duration, earliest, type Instant } from '../time.ts';

export interface Alert {
  /** `kind:subject`, for example `digest:lan`. Stable: people write rules for it. */
  readonly code: string;
  readonly text: string;
  readonly since: Instant;
  readonly expires: Instant | undefined;
}

const NONE: readonly string[] = [];

export class AlertLedger {
  readonly #alerts = new Map<string, Alert>();
  /** When the first of them ends; undefined for never. */
  #nextExpiry: Instant | undefined;

  /** Raises or refreshes; the text becomes the newest. True when it is new. */
  raise(code: string, text: string, now: Instant, lasts?: Duration): boolean {
    const known = this.#alerts.get(code);
    const expires = lasts === undefined ? undefined : after(now, lasts);
    this.#alerts.set(code, { code, text, since: known?.since ?? now, expires });
    if (known?.expires !== undefined && known.expires === this.#nextExpiry) this.#lookAhead();
    else this.#nextExpiry = earliest(this.#nextExpiry, expires);
    return known === undefined;
  }

  /** True when it stood. */
  clear(code: string): boolean {
    if (this.#alerts.size === 0 || !this.#alerts.delete(code)) return false;
    this.#lookAhead();
    return true;
  }

  get isEmpty(): boolean {
    return this.#alerts.size === 0;
  }

  has(code: string): boolean {
    return this.#alerts.has(code);
  }

  /** Removes what has expired and returns the codes. */
  expire(now: Instant): readonly string[] {
    if (this.#nextExpiry === undefined || now < this.#nextExpiry) return NONE;
    const gone: string[] = [];
    for (const { code, expires } of this.#alerts.values()) {
      if (expires === undefined || expires > now) continue;
      this.#alerts.delete(code);
      gone.push(code);
    }
    this.#lookAhead();
    return gone;
  }

  nextExpiry(): Instant | undefined {
    return this.#nextExpiry;
  }

  #lookAhead(): void {
    this.#nextExpiry = undefined;
    for (const { expires } of this.#alerts.values()) {
      this.#nextExpiry = earliest(this.#nextExpiry, expires);
    }
  }

  list(): readonly Alert[] {
    return [...this.#alerts.values()];
  }
}
