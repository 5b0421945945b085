/**
 * The history of the configuration in the state directory, and the journal of a roll-out.
 *
 *   config/00000012-<id>.json   one revision, written once, never changed
 *   config/journal.json         what the roll-out has come to
 *
 * A revision is whole and on the disk before anything refers to it: written beside its name,
 * fsynced, renamed, directory fsynced. What a power cut left half written has another name and is
 * removed when the store is opened. The oldest go when there are more than can be kept.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigRevision, readRevision } from '../wire/config-revision.ts';
import { syncDirectory, writeDurably } from './durable-file.ts';
import { StateFiles, type StateRead, type StateWrite } from './state-files.ts';

export interface ConfigStoreOptions {
  /** The state directory of the node. */
  readonly directory: string;
  /** Revisions that are kept at most. */
  readonly most?: number;
  /** Bytes that all of them may have together. */
  readonly mostBytes?: number;
  /** Called before each step that changes the disk; a test throws here to cut the power. */
  readonly onStep?: (step: string) => void;
}

const DEFAULT_MOST = 500;
/** They are held in memory, too. */
const DEFAULT_MOST_BYTES = 33_554_432;
const JOURNAL = 'journal.json';
const REVISION = /^(\d{8})-([0-9a-f]{16})\.json$/;

export class ConfigStore {
  readonly #directory: string;
  readonly #most: number;
  readonly #mostBytes: number;
  readonly #onStep: (step: string) => void;
  readonly #journal: StateFiles;

  /** Nothing is made or removed until something is added. */
  constructor(options: ConfigStoreOptions) {
    const { directory, most = DEFAULT_MOST, mostBytes = DEFAULT_MOST_BYTES, onStep } = options;
    this.#mostBytes = mostBytes;
    this.#directory = join(directory, 'config');
    this.#most = most;
    this.#onStep = onStep ?? (() => undefined);
    this.#journal = new StateFiles(this.#directory);
  }

  /** Revisions that can be read, oldest first. */
  list(): readonly ConfigRevision[] {
    return this.#names().flatMap((name) => this.#read(name) ?? []);
  }

  find(id: string): ConfigRevision | undefined {
    const name = this.#names().find((each) => REVISION.exec(each)?.[2] === id);
    return name === undefined ? undefined : this.#read(name);
  }

  /** After `ok` it survives a power cut. `kept`: ids that must stay however old they are. */
  add(revision: ConfigRevision, kept: readonly string[]): StateWrite {
    try {
      this.#onStep('make the directory');
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      const path = join(this.#directory, nameOf(revision));
      const temporary = `${path}.tmp`;
      this.#onStep('write');
      writeDurably(temporary, `${JSON.stringify(revision, null, 2)}\n`);
      this.#onStep('rename');
      renameSync(temporary, path);
      this.#onStep('sync the directory');
      syncDirectory(this.#directory);
      this.#prune([...kept, revision.id]);
      return { ok: true };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { ok: false, text: `cannot write ${this.#directory}: ${code ?? message}` };
    }
  }

  /** Forgets a revision that came to nothing; not to be able to does no harm. */
  drop(id: string): void {
    const name = this.#names().find((each) => REVISION.exec(each)?.[2] === id);
    if (name !== undefined) this.#remove(name);
  }

  readJournal(): StateRead {
    return this.#journal.read(JOURNAL);
  }

  /** After `ok` it survives a power cut; otherwise the former one still stands. */
  writeJournal(journal: unknown): StateWrite {
    this.#onStep('write the journal');
    return this.#journal.write(JOURNAL, journal);
  }

  /** Names of the files of revisions, oldest first. */
  #names(): string[] {
    try {
      return readdirSync(this.#directory)
        .filter((name) => REVISION.test(name))
        .sort();
    } catch {
      return [];
    }
  }

  #read(name: string): ConfigRevision | undefined {
    try {
      const text = readFileSync(join(this.#directory, name), 'utf8');
      const revision = readRevision(JSON.parse(text));
      return revision !== undefined && nameOf(revision) === name ? revision : undefined;
    } catch {
      return undefined;
    }
  }

  #prune(kept: readonly string[]): void {
    for (const name of readdirSync(this.#directory)) {
      if (name.endsWith('.tmp') && name !== `${JOURNAL}.tmp`) this.#remove(name);
    }
    let [count, bytes] = [0, 0];
    for (const name of this.#names().toReversed()) {
      count += 1;
      bytes += statSync(join(this.#directory, name)).size;
      const isSurplus = count > this.#most || bytes > this.#mostBytes;
      if (isSurplus && !kept.includes(REVISION.exec(name)?.[2] ?? '')) this.#remove(name);
    }
  }

  #remove(name: string): void {
    this.#onStep(`remove ${name}`);
    rmSync(join(this.#directory, name), { force: true });
  }
}

const nameOf = ({ number, id }: ConfigRevision): string =>
  `${String(number).padStart(8, '0')}-${id}.json`;
