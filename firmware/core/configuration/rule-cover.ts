/**
 * Rules that can never match because one earlier rule takes all that they would.
 *
 * Thousands of rules are compared in pairs, so what they match is numbered: equal sets have one
 * number, and whether one set includes another is computed once.
 */
import { type FirewallRule, of, type Places } from './firewall-configuration.ts';
import { type Spans, spansInclude } from './spans.ts';

export interface CoveredRule {
  /** Position from 0. */
  readonly index: number;
  /** Position of the earlier rule. */
  readonly by: number;
}

/** The number of what matches everything, and of what cannot match. */
const [ANY, NOTHING] = [0, -1];

export function coveredRules(
  rules: readonly FirewallRule[],
  interfaces: readonly string[],
): CoveredRule[] {
  const sets = new NumberedSets(interfaces);
  const numbered = rules.map((rule) => sets.numbers(rule));
  return numbered.flatMap((numbers, index): CoveredRule[] => {
    if (matchesNothing(numbers)) return [];
    const by = numbered.findIndex(
      (earlier, at) => at >= index || (takesAll(rules[at]) && sets.include(earlier, numbers)),
    );
    return by < index ? [{ index, by }] : [];
  });
}

/** What goes over a limit passes on to the next rules. */
function takesAll(rule: FirewallRule | undefined): boolean {
  return rule !== undefined && rule.limit === undefined;
}

/** Sources and destinations by family come first: they differ most. */
type Numbers = readonly number[];
const FAMILY_FIELDS = [
  [0, 1],
  [2, 3],
] as const;

function matchesNothing(numbers: Numbers): boolean {
  return FAMILY_FIELDS.every((fields) => fields.some((field) => numbers[field] === NOTHING));
}

class NumberedSets {
  readonly #all: Spans;
  readonly #interfaces: readonly string[];
  readonly #numbers = new Map<string, number>();
  readonly #sets: Spans[] = [];
  readonly #inclusions = new Map<number, boolean>();

  constructor(interfaces: readonly string[]) {
    this.#interfaces = interfaces;
    this.#all = [{ first: 0n, last: BigInt(interfaces.length) }];
    // Takes number 0, which is compared before any set is looked at.
    this.#sets.push([]);
  }

  numbers(rule: FirewallRule): Numbers {
    const byFamily = ([4, 6] as const).flatMap((family) => {
      if (!rule.families.includes(family)) return [NOTHING, NOTHING];
      return [rule.source, rule.destination].map((match) =>
        match === undefined ? ANY : this.#number(`${family}`, of(match, family)),
      );
    });
    const protocols = rule.protocols?.map((each) => ({ first: BigInt(each), last: BigInt(each) }));
    return [
      ...byFamily,
      protocols === undefined ? ANY : this.#number('protocols', protocols),
      rule.sourcePorts === undefined ? ANY : this.#number('ports', rule.sourcePorts.spans),
      rule.ports === undefined ? ANY : this.#number('ports', rule.ports.spans),
      this.#number('places', this.#places(rule.from)),
      this.#number('places', this.#places(rule.to)),
    ];
  }

  /** Whether all that `inner` matches is matched by `outer`. */
  include(outer: Numbers, inner: Numbers): boolean {
    for (const fields of FAMILY_FIELDS) {
      if (fields.some((field) => inner[field] === NOTHING)) continue;
      if (!fields.every((field) => this.#includes(outer[field], inner[field]))) return false;
    }
    for (let field = 4; field < inner.length; field++) {
      if (!this.#includes(outer[field], inner[field])) return false;
    }
    return true;
  }

  #includes(outer = NOTHING, inner = NOTHING): boolean {
    if (outer === inner || outer === ANY) return true;
    if (outer === NOTHING || inner === ANY) return false;
    const key = outer * 0x4000000 + inner;
    const known = this.#inclusions.get(key);
    if (known !== undefined) return known;
    const found = spansInclude(this.#sets[outer] ?? [], this.#sets[inner] ?? []);
    this.#inclusions.set(key, found);
    return found;
  }

  #number(kind: string, spans: Spans): number {
    if (spans.length === 0) return NOTHING;
    const key = `${kind} ${spans.map(({ first, last }) => `${first}-${last}`).join()}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#sets.push(spans) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  /** Interfaces as numbers from 0; the gateway itself is the last. */
  #places({ interfaces, node }: Places): Spans {
    const [every] = this.#all;
    if (every === undefined) return [];
    const single = (number: number) => ({ first: BigInt(number), last: BigInt(number) });
    const own = node ? [{ first: every.last, last: every.last }] : [];
    if (interfaces === undefined) return [{ ...every, last: every.last - (node ? 0n : 1n) }];
    const known = interfaces.map((name) => this.#interfaces.indexOf(name)).filter((at) => at >= 0);
    return [...known.sort((a, b) => a - b).map(single), ...own];
  }
}
