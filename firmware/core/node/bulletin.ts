/**
 * What the node tells people: events as they happen, alerts while they last, counters for ever.
 */
import { AlertLedger } from '../telemetry/alert-ledger.ts';
import { CounterTable } from '../telemetry/counter-table.ts';
import { type Duration, type Instant, seconds } from '../time.ts';
import type { EventKind, NodeEvent } from './node-io.ts';

/** For how long an alert about something heard lasts when it is not heard again. */
export const HEARD_ALERT = seconds(60);

type EventData = NonNullable<NodeEvent['data']>;

export class Bulletin {
  readonly alerts = new AlertLedger();
  readonly counters = new CounterTable();
  readonly #publish: (event: NodeEvent) => void;

  /** `publish` takes each event in the order in which they happen. */
  constructor(publish: (event: NodeEvent) => void) {
    this.#publish = publish;
  }

  event(kind: EventKind, text: string, data?: EventData): void {
    this.#publish(data === undefined ? { kind, text } : { kind, text, data });
  }

  /** Raises or refreshes an alert; a new one is an event too. Without `lasts` it stays. */
  alert(code: string, text: string, now: Instant, lasts?: Duration): void {
    if (this.alerts.raise(code, text, now, lasts)) this.event('alert', text, { code });
  }

  clearAlert(code: string): void {
    if (this.alerts.clear(code)) this.event('alert-cleared', code, { code });
  }

  /** Clears all alerts whose code matches and is not in `keep`. */
  clearOthers(pattern: RegExp, keep: Pick<ReadonlySet<string>, 'has'>): void {
    if (this.alerts.isEmpty) return;
    for (const { code } of this.alerts.list()) {
      if (pattern.test(code) && !keep.has(code)) this.clearAlert(code);
    }
  }

  settle(now: Instant): void {
    for (const code of this.alerts.expire(now)) this.event('alert-cleared', code, { code });
  }

  nextTimeout(): Instant | undefined {
    return this.alerts.nextExpiry();
  }
}
