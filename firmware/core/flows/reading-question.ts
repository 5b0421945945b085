/**
 * One reading of the peer's kernel table, asked for part by part until all of it is here
 * (reading-answers.ts is the other end).
 */
import type { FlowAnswer, FlowAsk } from '../../wire/flow-frame.ts';
import { after, type Instant, milliseconds } from '../time.ts';

/** Asked again after this: a burst or the asking was lost, or the peer was still reading. */
const PAUSE = milliseconds(60);
/** The end of a burst is here, and what is missing of it may have been overtaken only. */
const OVERTAKEN = milliseconds(5);

/** Parts that wait for others; a burst has half as many. */
const EARLY_AT_MOST = 64;

export class ReadingQuestion {
  readonly id: number;
  readonly #keys: Uint32Array;
  #bytes: Uint8Array | undefined;
  /** All before this is here. */
  #received = 0;
  /** Parts beyond it: where each begins and ends. */
  readonly #early = new Map<number, number>();
  #askAt: Instant;
  /** When something new last came of it. */
  heardAt: Instant;

  constructor(id: number, keys: Uint32Array, now: Instant) {
    this.id = id;
    this.#keys = keys;
    this.#askAt = now;
    this.heardAt = now;
  }

  /** The whole reading, once it is here. */
  get answer(): Uint8Array | undefined {
    return this.#received === this.#bytes?.length ? this.#bytes : undefined;
  }

  hear({ id, total, from, until, bytes }: FlowAnswer, now: Instant): void {
    if (id !== this.id || this.answer !== undefined) return;
    if (total === undefined) {
      this.heardAt = now;
      return;
    }
    // Another total is another reading.
    if (this.#bytes?.length !== total) {
      this.#bytes = new Uint8Array(total);
      this.#received = 0;
      this.#early.clear();
    }
    this.heardAt = now;
    const end = from + bytes.length;
    if (end > this.#received && this.#early.size < EARLY_AT_MOST) {
      this.#bytes.set(bytes, from);
      this.#early.set(from, end);
    }
    this.#advance();
    if (end < until) this.#askAt = after(now, PAUSE);
    else this.#askAt = this.#received >= until ? now : after(now, OVERTAKEN);
  }

  #advance(): void {
    for (let end = this.#early.get(this.#received); end !== undefined; ) {
      this.#early.delete(this.#received);
      this.#received = end;
      end = this.#early.get(end);
    }
    // Bursts begin where something was missing: what lies in between has come twice.
    for (const from of this.#early.keys()) if (from < this.#received) this.#early.delete(from);
  }

  /** What to ask now, if it is time to. */
  ask(now: Instant): Pick<FlowAsk, 'id' | 'from' | 'keys'> | undefined {
    if (this.answer !== undefined || now < this.#askAt) return undefined;
    this.#askAt = after(now, PAUSE);
    return { id: this.id, from: this.#received, keys: this.#keys };
  }

  nextTimeout(): Instant | undefined {
    return this.answer === undefined ? this.#askAt : undefined;
  }
}
