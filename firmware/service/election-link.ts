/**
 * The main thread's end of the line to the election thread: commands out, answers and snapshots
 * in.
 */
import type { NodeSnapshot } from '../core/node/node-snapshot.ts';
import type { CommandResult } from './api-server.ts';
import { NodeUnavailable } from './local-server.ts';
import type { FromThread, ToThread } from './thread-messages.ts';

type SnapshotMessage = Extract<FromThread, { kind: 'snapshot' }>;

/** The election tells its state once a second. */
const SILENCE_MS = 3000;

export class ElectionLink {
  readonly #post: (message: ToThread) => void;
  readonly #pending = new Map<number, (result: CommandResult) => void>();
  readonly #watchers = new Set<(snapshot: NodeSnapshot) => void>();
  #nextCommand = 1;
  #latest: SnapshotMessage | undefined;
  #latestAt = 0;

  constructor(post: (message: ToThread) => void) {
    this.#post = post;
  }

  /** What the election said last. An old picture would show a MASTER that no longer is one. */
  latest(): SnapshotMessage {
    if (this.#latest === undefined) throw new NodeUnavailable('the node is starting');
    const silence = performance.now() - this.#latestAt;
    if (silence < SILENCE_MS) return this.#latest;
    const text = `the election has not answered for ${Math.round(silence / 1000)} s`;
    throw new NodeUnavailable(text);
  }

  /** Sends a command and waits for what became of it; `latest` then shows its effect. */
  ask(message: (id: number) => ToThread): Promise<CommandResult> {
    const id = this.#nextCommand++;
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      this.#post(message(id));
    });
  }

  /** Waits until what the election says fulfils the condition, at most so many milliseconds. */
  until(condition: (snapshot: NodeSnapshot) => boolean, longestMs: number): Promise<void> {
    const known = this.#latest?.snapshot;
    if (known !== undefined && condition(known)) return Promise.resolve();
    return new Promise((resolve) => {
      const watcher = (snapshot: NodeSnapshot): void => {
        if (condition(snapshot)) end();
      };
      const end = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve();
      };
      const timer = setTimeout(end, longestMs);
      this.#watchers.add(watcher);
    });
  }

  takeSnapshot(message: SnapshotMessage): void {
    this.#latest = message;
    this.#latestAt = performance.now();
    for (const watcher of [...this.#watchers]) watcher(message.snapshot);
  }

  takeAnswer({ id, ok, text }: Extract<FromThread, { kind: 'answer' }>): void {
    this.#pending.get(id)?.({ ok, text });
    this.#pending.delete(id);
  }
}
