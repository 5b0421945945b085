/**
 * Whether this node is MASTER, as the election's process says. When that one is not to be reached
 * the node serves nothing: its lease has run out.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Snapshot } from '../core/telemetry/snapshot.ts';
import type { ApiClient } from './api-client.ts';
import type { Serving } from './flow-service.ts';

const RETRY_MS = 200;

export class ServingWatch {
  readonly #client: ApiClient;
  readonly #onChange: (serving: Serving) => void;
  readonly #ended = new AbortController();
  readonly #answered = Promise.withResolvers<void>();
  #serving: Serving = 'none';

  constructor(client: ApiClient, onChange: (serving: Serving) => void) {
    this.#client = client;
    this.#onChange = onChange;
  }

  async run(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      // Ends the stream of events, too, when it is the status that cannot be had.
      const attempt = new AbortController();
      try {
        await this.#follow(AbortSignal.any([signal, attempt.signal]));
      } catch {
        // Not there yet, or no more.
      }
      attempt.abort();
      if (signal.aborted) return;
      this.#tell('none');
      await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Kept when it is known whether this node serves. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  stop(): void {
    this.#ended.abort();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const events = await this.#client.events(undefined, signal);
    this.#tell(servingOf(await this.#client.status()));
    this.#answered.resolve();
    for await (const { kind } of events) {
      if (kind === 'transition') this.#tell(servingOf(await this.#client.status()));
    }
  }

  #tell(serving: Serving): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    this.#onChange(serving);
  }
}

function servingOf({ state, vips }: Snapshot): Serving {
  if (state !== 'MASTER') return 'none';
  return vips.every((vip) => vip.state === 'MASTER') ? 'all' : 'part';
}
