/**
 * The history of the configuration, kept in memory as it is on the disk: which revision stands,
 * and which ones it follows from.
 */
import type { RolloutJournal } from '../core/rollout/rollout-io.ts';
import { ConfigStore } from '../kernel/config-store.ts';
import type { StateWrite } from '../kernel/state-files.ts';
import { type ConfigRevision, readRevisionName } from '../wire/config-revision.ts';
import { fieldsOf } from '../wire/json-field.ts';

export class ConfigHistory {
  readonly #store: ConfigStore;
  readonly #revisions: Map<string, ConfigRevision>;
  #journal: RolloutJournal | undefined;

  constructor(stateDir: string) {
    this.#store = new ConfigStore({ directory: stateDir });
    this.#revisions = new Map(this.#store.list().map((revision) => [revision.id, revision]));
    this.#journal = this.#readJournal();
  }

  /** Undefined before the first revision; guessed when only the journal was lost. */
  get journal(): RolloutJournal | undefined {
    return this.#journal;
  }

  get head(): ConfigRevision | undefined {
    return this.#journal && this.find(this.#journal.head.id);
  }

  /** Oldest first; what is under way is among them. */
  list(): readonly ConfigRevision[] {
    return [...this.#revisions.values()].toSorted((a, b) => a.number - b.number);
  }

  find(id: string): ConfigRevision | undefined {
    return this.#revisions.get(id);
  }

  /** The one with this number that the head is or follows from, else any. */
  numbered(number: number): ConfigRevision | undefined {
    const found = this.list().filter((revision) => revision.number === number);
    return found.find(({ id }) => this.leads(id)) ?? found[0];
  }

  hasText(text: string): boolean {
    return this.list().some((revision) => revision.text === text);
  }

  /** Whether the head is that revision or follows from it. */
  leads(id: string): boolean {
    const seen = new Set<string>();
    for (let at = this.#journal?.head.id; at !== undefined && !seen.has(at); ) {
      if (at === id) return true;
      seen.add(at);
      at = this.#revisions.get(at)?.parent ?? undefined;
    }
    return false;
  }

  add(revision: ConfigRevision): StateWrite {
    const written = this.#store.add(revision, this.#inUse());
    // One the disk does not take is still needed to answer for what is under way.
    this.#revisions.set(revision.id, revision);
    return written;
  }

  drop(id: string): void {
    if (this.#inUse().includes(id)) return;
    this.#store.drop(id);
    this.#revisions.delete(id);
  }

  writeJournal(journal: RolloutJournal): StateWrite {
    this.#journal = journal;
    return this.#store.writeJournal(journal);
  }

  #inUse(): string[] {
    if (this.#journal === undefined) return [];
    const { head, change } = this.#journal;
    return [head.id, ...(change === null ? [] : [change.target.id, change.previous.id])];
  }

  #readJournal(): RolloutJournal | undefined {
    const reading = this.#store.readJournal();
    if (reading.kind === 'read') {
      const { head, change, synced } = fieldsOf(reading.value);
      const isWhole = typeof synced === 'boolean' && change !== undefined;
      const isHeadThere = this.find(readRevisionName(head)?.id ?? '') !== undefined;
      if (isWhole && isHeadThere) return reading.value as RolloutJournal;
    }
    const newest = this.list().at(-1);
    if (newest === undefined) return undefined;
    const { number, id, hash } = newest;
    // What it was to the other node is lost: nothing is to be overwritten without a question.
    const rest = { synced: true, emergency: false, change: null, failure: null };
    return { head: { number, id, hash }, ...rest };
  }
}
