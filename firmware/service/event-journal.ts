/**
 * Events get their number and time here, go to the log on disk, to those who listen, and stay in
 * memory for those who come later.
 */
import type { NodeEvent } from '../core/node/node-io.ts';
import type { EventRecord } from '../core/telemetry/event-record.ts';
import type { EventLog } from '../kernel/state-files.ts';

const REMEMBERED = 1000;

export class EventJournal {
  readonly #log: EventLog;
  readonly #node: string;
  readonly #complain: (text: string) => void;
  readonly #recent: EventRecord[] = [];
  readonly #listeners = new Set<(record: EventRecord) => void>();
  #nextId = 1;
  #failing = false;

  /** `complain` is told once when the log cannot be written, and once when it can again. */
  constructor(log: EventLog, node: string, complain: (text: string) => void) {
    this.#log = log;
    this.#node = node;
    this.#complain = complain;
    for (const record of log.recent(REMEMBERED).records) this.#recall(record);
  }

  add(event: NodeEvent, at: Date): EventRecord {
    const record = { id: this.#nextId, at: at.toISOString(), node: this.#node, ...event };
    this.#remember(record);
    this.#write(record);
    for (const listener of this.#listeners) listener(record);
    return record;
  }

  since(id: number): readonly EventRecord[] {
    return this.#recent.filter((record) => record.id > id);
  }

  subscribe(listener: (record: EventRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#log.close();
  }

  #write(record: EventRecord): void {
    const written = this.#log.append(record);
    if (written.ok !== this.#failing) return;
    this.#failing = !written.ok;
    this.#complain(written.ok ? 'the event log can be written again' : written.text);
  }

  #remember(record: EventRecord): void {
    this.#recent.push(record);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
    this.#nextId = record.id + 1;
  }

  /** What an earlier life of the process wrote; foreign lines are passed over. */
  #recall(value: unknown): void {
    if (typeof value !== 'object' || value === null || !('id' in value)) return;
    if (typeof value.id === 'number' && value.id >= this.#nextId)
      this.#remember(value as EventRecord);
  }
}
