/**
 * `yoke status`: the status document, as a table, as JSON, or as a page that keeps itself up to
 * date.
 */
import type { Snapshot } from '../core/telemetry/snapshot.ts';
import { statusTable } from '../core/telemetry/status-table.ts';
import { ApiClient } from '../service/api-client.ts';
import { type Invocation, UsageError } from './invocation.ts';

const REDRAW_MS = 1_000;

export async function statusCommand(invocation: Invocation): Promise<number> {
  const { words, flags, runtimeDir, terminal } = invocation;
  if (words.length > 0) throw new UsageError(`status takes no ${words[0]}`);
  const client = new ApiClient(runtimeDir);
  const asText = (status: Snapshot) =>
    flags.has('json') ? JSON.stringify(status, null, 2) : statusTable(status).join('\n');
  if (!flags.has('watch')) {
    terminal.print(asText(await client.status()));
    return 0;
  }
  await watch(client, invocation, asText);
  return 0;
}

/** Redraws at every event and once a second, until the reader goes or the node ends. */
async function watch(
  client: ApiClient,
  { terminal }: Invocation,
  asText: (status: Snapshot) => string,
): Promise<void> {
  const pulse = new Pulse(terminal.ended);
  void pulse.beatWith(client.events(undefined, terminal.ended));
  while (!terminal.ended.aborted) {
    terminal.redraw(asText(await client.status()));
    await pulse.next(REDRAW_MS);
  }
}

/** Wakes a waiting loop at events, at the latest after a time. */
class Pulse {
  readonly #ended: AbortSignal;
  #isDue = false;
  #wake: () => void = () => undefined;

  constructor(ended: AbortSignal) {
    this.#ended = ended;
    ended.addEventListener('abort', () => this.#beat(), { once: true });
  }

  /** A stream that ends or fails leaves the clock; the next status request tells the reason. */
  async beatWith(events: Promise<AsyncIterable<unknown>>): Promise<void> {
    try {
      for await (const _ of await events) this.#beat();
    } catch {
      this.#beat();
    }
  }

  async next(longestMs: number): Promise<void> {
    if (!this.#isDue && !this.#ended.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, longestMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isDue = false;
  }

  #beat(): void {
    this.#isDue = true;
    this.#wake();
  }
}
