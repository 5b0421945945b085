/**
 * Named counters since the start, `area.subject.what`: one for each thing that can happen often.
 */
export interface Counter {
  count: number;
}

export class CounterTable {
  readonly #counters = new Map<string, Counter>();

  add(name: string, count = 1): void {
    this.of(name).count += count;
  }

  /** The counter itself, for what counts often; it begins to exist. */
  of(name: string): Counter {
    const known = this.#counters.get(name);
    if (known !== undefined) return known;
    const counter = { count: 0 };
    this.#counters.set(name, counter);
    return counter;
  }

  get(name: string): number {
    return this.#counters.get(name)?.count ?? 0;
  }

  /** Sorted by name. */
  list(): Readonly<Record<string, number>> {
    const counts = [...this.#counters].map(([name, { count }]) => [name, count] as const);
    return Object.fromEntries(counts.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
