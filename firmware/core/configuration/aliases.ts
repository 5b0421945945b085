/**
 * Names for addresses and ports, and what is behind them: aliases of aliases are followed, and what
 * cannot be followed is told apart.
 */
import { mergedSpans, type Spans } from './spans.ts';
import { parseNetwork } from './written-network.ts';
import { parsePorts } from './written-ports.ts';

/** As many names may lead to one another. */
const DEEPEST = 32;

/** Addresses of both families. */
export interface AddressSpans {
  readonly v4: Spans;
  readonly v6: Spans;
}

/** What stands in a field: one item or a list of them. */
export type Written = string | number | readonly (string | number)[];

type Kind = 'addresses' | 'ports';
type Names = Readonly<Record<string, readonly (string | number)[]>>;

export interface AliasDocument {
  readonly addresses: Names;
  readonly ports: Names;
}

export class Aliases {
  readonly #document: AliasDocument;
  /** By kind and name: what is behind it, and how deep. */
  readonly #flat = new Map<string, readonly (string | number)[]>();
  readonly #depths = new Map<string, number>();

  constructor(document: AliasDocument = { addresses: {}, ports: {} }) {
    this.#document = document;
  }

  names(kind: Kind): readonly string[] {
    return Object.keys(this.#document[kind]);
  }

  has(kind: Kind, name: string): boolean {
    return Object.hasOwn(this.#document[kind], name);
  }

  /** Both families; unknown names and names that lead to themselves add nothing. */
  addresses(written: Written): AddressSpans {
    const networks = this.#items('addresses', written).flatMap((item) => {
      return parseNetwork(String(item)) ?? [];
    });
    const ofFamily = (wanted: 4 | 6) =>
      mergedSpans(networks.flatMap(({ family, span }) => (family === wanted ? [span] : [])));
    return { v4: ofFamily(4), v6: ofFamily(6) };
  }

  ports(written: Written): Spans {
    return mergedSpans(this.#items('ports', written).flatMap((item) => parsePorts(item) ?? []));
  }

  /** The names by which one leads back to itself, or too deep; undefined when none does. */
  circle(kind: Kind, name: string): readonly string[] | undefined {
    const found = this.#depth(kind, name, []);
    return typeof found === 'number' ? undefined : found;
  }

  /** How many names one leads to in a row, or the names that are too many. */
  #depth(kind: Kind, name: string, trail: readonly string[]): number | readonly string[] {
    const key = `${kind} ${name}`;
    const known = this.#depths.get(key) ?? 1;
    if (trail.includes(name) || trail.length + known > DEEPEST) return [...trail, name];
    if (this.#depths.has(key)) return known;
    let deepest = 0;
    for (const item of this.#inner(kind, name)) {
      const found = this.#depth(kind, String(item), [...trail, name]);
      if (typeof found !== 'number') return found;
      deepest = Math.max(deepest, found);
    }
    this.#depths.set(key, deepest + 1);
    return deepest + 1;
  }

  /** Aliases that an alias names. */
  #inner(kind: Kind, name: string): readonly (string | number)[] {
    const items = this.has(kind, name) ? (this.#document[kind][name] ?? []) : [];
    return items.filter((item) => this.has(kind, String(item)));
  }

  #items(kind: Kind, written: Written, depth = 0): readonly (string | number)[] {
    const items = [written].flat().flatMap((item) => {
      const name = String(item);
      if (!this.has(kind, name)) return [item];
      const key = `${kind} ${name}`;
      const known = this.#flat.get(key);
      if (known !== undefined || depth > DEEPEST) return known ?? [];
      const found = this.#items(kind, this.#document[kind][name] ?? [], depth + 1);
      this.#flat.set(key, found);
      return found;
    });
    return [...new Set(items)];
  }
}
