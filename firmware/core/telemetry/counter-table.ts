/**
 * Named counters since the start, `area.subject.what`: one for each thing that can happen often.
 */
export class CounterTable {
  readonly #counters = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + count);
  }

  get(name: string): number {
    return this.#counters.get(name) ?? 0;
  }

  /** Sorted by name. */
  list(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counters].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
