/**
 * Simulated time: what is to happen, in order of time, and of asking where times are equal.
 *
 * Times are microseconds from the start of the simulation. Something that happens may itself let
 * time pass: what comes up meanwhile happens inside it.
 */
interface Entry {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

/** What is this near mostly comes in the order in which it was asked for, as frames do. */
const NEAR = 1_000;
/** Entries of the line that are kept though they have happened. */
const GONE_AT_MOST = 1_024;

const isBefore = (a: Entry, b: Entry): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

export class Schedule {
  now = 0;
  /** Called after everything that happens. */
  afterEach: () => void = () => undefined;
  /** How many things that happen are inside one another just now. */
  depth = 0;
  #order = 0;
  /** A binary heap: each entry is before the two at 2i + 1 and 2i + 2. */
  readonly #heap: Entry[] = [];
  /** Entries in their order, up to the head gone already. */
  #line: Entry[] = [];
  #head = 0;

  /** How much is planned. */
  get size(): number {
    return this.#heap.length + this.#line.length - this.#head;
  }

  /** How much has been planned since the beginning. */
  get planned(): number {
    return this.#order;
  }

  at(time: number, action: () => void): void {
    this.#order += 1;
    const entry = { at: Math.max(time, this.now), order: this.#order, action };
    const last = this.#line.length === this.#head ? undefined : this.#line[this.#line.length - 1];
    if (entry.at <= this.now + NEAR && (last === undefined || entry.at >= last.at)) {
      this.#line.push(entry);
    } else this.#push(entry);
  }

  in(span: number, action: () => void): void {
    this.at(this.now + span, action);
  }

  /** Lets everything up to `end` happen; the time is then `end`, or later if it was let pass. */
  runUntil(end: number): void {
    for (;;) {
      const first = this.#first();
      if (first === undefined || first.at > end) break;
      this.#run(first);
    }
    this.now = Math.max(this.now, end);
  }

  /** Lets the next thing happen; false when there is none. */
  runNext(): boolean {
    const first = this.#first();
    if (first === undefined) return false;
    this.#run(first);
    return true;
  }

  #first(): Entry | undefined {
    const inLine = this.#line[this.#head];
    const onHeap = this.#heap[0];
    if (inLine === undefined) return onHeap;
    return onHeap !== undefined && isBefore(onHeap, inLine) ? onHeap : inLine;
  }

  #run(first: Entry): void {
    if (first === this.#line[this.#head]) this.#advance();
    else this.#pop();
    this.now = first.at;
    this.depth += 1;
    first.action();
    this.depth -= 1;
    this.afterEach();
  }

  #advance(): void {
    this.#head += 1;
    if (this.#head < GONE_AT_MOST) return;
    this.#line = this.#line.slice(this.#head);
    this.#head = 0;
  }

  #push(entry: Entry): void {
    let index = this.#heap.push(entry) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!isBefore(entry, this.#heap[above]!)) break;
      this.#heap[index] = this.#heap[above]!;
      index = above;
    }
    this.#heap[index] = entry;
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= this.#heap.length) break;
      const right = left + 1;
      const rightFirst =
        right < this.#heap.length && isBefore(this.#heap[right]!, this.#heap[left]!);
      const least = rightFirst ? right : left;
      if (!isBefore(this.#heap[least]!, last)) break;
      this.#heap[index] = this.#heap[least]!;
      index = least;
    }
    this.#heap[index] = last;
  }
}
