// Asks until the answer is yes. Only for facts nobody announces; whatever says when it happens is
// awaited as an event instead.
import { setTimeout as pause } from 'node:timers/promises';

/** The first defined answer. Rejects with `what` and the last thing seen after `patienceMs`. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  options: { readonly patienceMs?: number; readonly everyMs?: number; seen?: () => string } = {},
): Promise<T> {
  const giveUpAt = performance.now() + (options.patienceMs ?? 30_000);
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUpAt) {
      throw new Error(`gave up waiting: ${what}${options.seen ? `; seen: ${options.seen()}` : ''}`);
    }
    await pause(options.everyMs ?? 50);
  }
}
