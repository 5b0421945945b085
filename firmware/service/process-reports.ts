/**
 * What another process of the node reports, again and again, and the alert when it stops doing so.
 */
import type { NodeEvent } from '../core/node/node-io.ts';
import type { AlertSnapshot } from '../core/telemetry/snapshot.ts';

/** A report comes every second. */
const SILENCE_MS = 5000;

interface Reported {
  readonly alerts: readonly AlertSnapshot[];
}

export class ProcessReports<Report extends Reported> {
  readonly #silenceAlert: Omit<AlertSnapshot, 'since'>;
  readonly #onEvent: (event: NodeEvent) => void;
  #report: Report | undefined;
  #heardAt = 0;
  #expectedSince: number | undefined;

  /** `silenceAlert` stands while a process that is expected says nothing. */
  constructor(silenceAlert: Omit<AlertSnapshot, 'since'>, onEvent: (event: NodeEvent) => void) {
    this.#silenceAlert = silenceAlert;
    this.#onEvent = onEvent;
  }

  /** The process was started just now. */
  expect(): void {
    this.#expectedSince = performance.now();
  }

  /** There is no such process any more. */
  expectNone(): void {
    this.#expectedSince = undefined;
    this.#report = undefined;
  }

  take(report: Report): void {
    this.#tellAlerts(report.alerts);
    this.#report = report;
    this.#heardAt = performance.now();
  }

  /** The newest; undefined when there was none for too long. */
  get latest(): Report | undefined {
    return performance.now() - this.#heardAt > SILENCE_MS ? undefined : this.#report;
  }

  get alerts(): readonly AlertSnapshot[] {
    if (this.#expectedSince === undefined) return [];
    const { latest } = this;
    if (latest !== undefined) return latest.alerts;
    if (performance.now() - this.#expectedSince < SILENCE_MS) return [];
    return [{ ...this.#silenceAlert, since: new Date().toISOString() }];
  }

  #tellAlerts(alerts: readonly AlertSnapshot[]): void {
    const before = new Set(this.#report?.alerts.map(({ code }) => code));
    for (const { code, text } of alerts) {
      if (!before.delete(code)) this.#onEvent({ kind: 'alert', text, data: { code } });
    }
    for (const code of before) {
      this.#onEvent({ kind: 'alert-cleared', text: code, data: { code } });
    }
  }
}
