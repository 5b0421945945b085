/**
 * What a node must know after a power cut: small JSON files and the event log, in the state
 * directory (default /var/lib/yoke).
 *
 * A JSON file is replaced as a whole: written beside it, fsynced, renamed over it, directory
 * fsynced (rename(2) is atomic; without the two fsyncs a power cut may leave an empty file). The
 * log is only ever appended to. A disk that is full or broken is an outcome for the caller to
 * report; it never stops a gateway.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { syncDirectory, writeDurably, writeFully } from './durable-file.ts';

export type StateWrite = { readonly ok: true } | { readonly ok: false; readonly text: string };

export type StateRead =
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'absent' }
  /** Not JSON: set aside as `<name>.corrupt` (if that could be done), as good as absent. */
  | { readonly kind: 'corrupt'; readonly text: string }
  /** There, but the machine would not give it. */
  | { readonly kind: 'unreadable'; readonly text: string };

/** Two files of this size hold tens of thousands of events. */
const DEFAULT_ROTATION_BYTES = 4_194_304;

export class StateFiles {
  readonly #directory: string;

  /** The directory is made when the first file is written. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** After `ok` the value survives a power cut; otherwise the old one still stands. */
  write(name: string, value: unknown): StateWrite {
    const path = join(this.#directory, name);
    const temporary = `${path}.tmp`;
    return attempt(`write ${path}`, () => {
      makeDirectory(this.#directory);
      try {
        writeDurably(temporary, `${JSON.stringify(value, null, 2)}\n`);
        renameSync(temporary, path);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
      syncDirectory(this.#directory);
    });
  }

  read(name: string): StateRead {
    const path = join(this.#directory, name);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { kind: 'absent' };
      return { kind: 'unreadable', text: `cannot read ${path}: ${codeOf(error)}` };
    }
    try {
      return { kind: 'read', value: JSON.parse(text) };
    } catch {
      const aside = attempt(`set ${path} aside`, () => renameSync(path, `${path}.corrupt`));
      const outcome = aside.ok ? `set aside as ${name}.corrupt` : aside.text;
      return { kind: 'corrupt', text: `${path} is not JSON, ${outcome}` };
    }
  }
}

/** One JSON record per line in `events.jsonl`; when it is full it becomes `events.jsonl.1`. */
export class EventLog {
  readonly #directory: string;
  readonly #path: string;
  readonly #rotationBytes: number;
  #descriptor: number | undefined;

  constructor(directory: string, rotationBytes = DEFAULT_ROTATION_BYTES) {
    this.#directory = directory;
    this.#path = join(directory, 'events.jsonl');
    this.#rotationBytes = rotationBytes;
  }

  /** After `ok` the record survives a power cut; otherwise the log is as it was before. */
  append(record: unknown): StateWrite {
    return attempt(`append to ${this.#path}`, () => {
      const descriptor = this.#opened();
      const { size } = fstatSync(descriptor);
      try {
        writeFully(descriptor, Buffer.from(`${JSON.stringify(record)}\n`));
        fdatasyncSync(descriptor);
      } catch (error) {
        // What fitted of a line must not become the beginning of the next one.
        attempt('truncate', () => ftruncateSync(descriptor, size));
        throw error;
      }
      if (fstatSync(descriptor).size >= this.#rotationBytes) this.#rotate();
    });
  }

  /**
   * The newest records, oldest first; lines that are no JSON (torn by a power cut) are left out.
   * `problem` says why there may be more than could be read.
   */
  recent(count: number): { readonly records: readonly unknown[]; readonly problem?: string } {
    const records: unknown[] = [];
    const reading = attempt(`read ${this.#path}`, () => {
      records.push(...recordsIn(this.#path));
      if (records.length < count) records.unshift(...recordsIn(`${this.#path}.1`));
    });
    const newest = count > 0 ? records.slice(-count) : [];
    return reading.ok ? { records: newest } : { records: newest, problem: reading.text };
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #opened(): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    makeDirectory(this.#directory);
    const descriptor = openSync(this.#path, 'a+', 0o600);
    this.#descriptor = descriptor;
    const last = Buffer.alloc(1);
    const { size } = fstatSync(descriptor);
    if (size > 0 && readSync(descriptor, last, 0, 1, size - 1) === 1 && last.toString() !== '\n') {
      writeFully(descriptor, Buffer.from('\n'));
    }
    syncDirectory(this.#directory);
    return descriptor;
  }

  #rotate(): void {
    this.close();
    renameSync(this.#path, `${this.#path}.1`);
  }
}

function recordsIn(path: string): unknown[] {
  return readIfThere(path)
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as unknown];
      } catch {
        return [];
      }
    });
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}

function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

function attempt(what: string, action: () => void): StateWrite {
  try {
    action();
    return { ok: true };
  } catch (error) {
    return { ok: false, text: `cannot ${what}: ${codeOf(error)}` };
  }
}

const codeOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
};
