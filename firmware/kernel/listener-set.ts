/**
 * All sockets whose arrivals `wait` hands on, each with its guard against floods.
 */
import { FloodGuard } from './flood-guard.ts';
import type { KernelEvent } from './kernel.ts';
import { BATCH } from './receive-slots.ts';

/** Takes an event; its bytes are valid until the next batch is received. */
export type TakeEvent = (event: KernelEvent) => void;

export interface Listener {
  readonly fd: number;
  /** Hands on at most a batch; how many. */
  receive(take: TakeEvent): number;
}

/** What is waited for, and what was found. */
interface Waited {
  isReady(fd: number): boolean;
  heed(fd: number, on: boolean): void;
}

export class ListenerSet {
  #guards = new Map<Listener, FloodGuard>();

  /** Exactly these from now on; what is known of those that stay is kept. */
  set(listeners: Iterable<Listener>): void {
    const known = this.#guards;
    this.#guards = new Map(
      Array.from(listeners, (each) => [each, known.get(each) ?? new FloodGuard(BATCH)]),
    );
  }

  get fds(): number[] {
    return Array.from(this.#guards.keys(), ({ fd }) => fd);
  }

  /** When a flooded socket is to be read next; Infinity when none is flooded. */
  get nextRead(): number {
    let earliest = Infinity;
    for (const { nextRead } of this.#guards.values()) {
      if (nextRead !== undefined && nextRead < earliest) earliest = nextRead;
    }
    return earliest;
  }

  /** Reads what is ready, and what is flooded when its turn has come. */
  read(waited: Waited, now: number, take: TakeEvent): void {
    for (const [listener, guard] of this.#guards) {
      const { nextRead } = guard;
      const isDue = nextRead === undefined ? waited.isReady(listener.fd) : nextRead <= now;
      if (isDue) {
        const count = listener.receive(take);
        guard.took(count, now);
        if (count === BATCH && guard.nextRead === undefined) take({ kind: 'more' });
      }
      waited.heed(listener.fd, guard.nextRead === undefined);
    }
  }
}
