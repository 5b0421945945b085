/** Echo requests of one gateway: those that wait for an answer, what became of the last ones. */
import { after, between, type Duration, type Instant } from '../time.ts';

const SEQUENCES = 0x1_0000;
const LOST = -1;

export class EchoWindow {
  readonly capacity: number;
  readonly #timeout: Duration;
  /** By sequence number, oldest first. */
  readonly #waiting = new Map<number, Instant>();
  /** Times to an answer in microseconds, or LOST; a ring. */
  readonly #outcomes: Float64Array;
  #nextSequence = 0;
  #position = 0;
  #count = 0;
  #lost = 0;
  #sum = 0;

  constructor(capacity: number, timeout: Duration) {
    this.capacity = capacity;
    this.#timeout = timeout;
    this.#outcomes = new Float64Array(capacity);
  }

  /** Requests of which is known what became of them. */
  get count(): number {
    return this.#count;
  }

  get lost(): number {
    return this.#lost;
  }

  get answered(): number {
    return this.#count - this.#lost;
  }

  /** Mean time to an answer, microseconds; undefined without one. */
  get latency(): number | undefined {
    return this.answered === 0 ? undefined : this.#sum / this.answered;
  }

  /** A request is sent now; its sequence number, 0 to 65535. */
  ask(now: Instant): number {
    const sequence = this.#nextSequence;
    this.#nextSequence = (sequence + 1) % SEQUENCES;
    this.#waiting.set(sequence, now);
    return sequence;
  }

  /** False when nothing with this number waits: a duplicate, a late one, somebody else's. */
  answer(sequence: number, now: Instant): boolean {
    const asked = this.#waiting.get(sequence);
    if (asked === undefined) return false;
    this.#waiting.delete(sequence);
    const span = between(asked, now);
    this.#note(span > this.#timeout ? LOST : span);
    return true;
  }

  /** It could not even be sent. */
  fail(sequence: number): void {
    if (this.#waiting.delete(sequence)) this.#note(LOST);
  }

  /** True when requests were given up. */
  settle(now: Instant): boolean {
    let changed = false;
    for (const [sequence, asked] of this.#waiting) {
      if (now < after(asked, this.#timeout)) break;
      this.#waiting.delete(sequence);
      this.#note(LOST);
      changed = true;
    }
    return changed;
  }

  /** Whoever slept cannot tell what came in time: what waits is nobody's fault. */
  forgive(): void {
    this.#waiting.clear();
  }

  nextTimeout(): Instant | undefined {
    const [oldest] = this.#waiting.values();
    return oldest === undefined ? undefined : after(oldest, this.#timeout);
  }

  #note(outcome: number): void {
    if (this.#count === this.capacity) this.#drop(this.#outcomes[this.#position] ?? 0);
    else this.#count += 1;
    this.#outcomes[this.#position] = outcome;
    this.#position = (this.#position + 1) % this.capacity;
    if (outcome === LOST) this.#lost += 1;
    else this.#sum += outcome;
  }

  #drop(outcome: number): void {
    if (outcome === LOST) this.#lost -= 1;
    else this.#sum -= outcome;
  }
}
