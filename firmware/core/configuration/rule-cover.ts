/**
 * Rules that can never match because one earlier rule takes all that they would.
 *
 * Comparing thousands of rules in pairs would take many seconds. So what rules match is numbered,
 * equal sets with one number, and a rule is compared only with those earlier ones whose senders,
 * receivers or ports (whichever leaves the fewest) include its own.
 */
import { type FirewallRule, of, type Places } from './firewall-configuration.ts';
import { mergedSpans, type Spans, spansInclude } from './spans.ts';

export interface CoveredRule {
  /** Position from 0. */
  readonly index: number;
  /** Position of the earlier rule. */
  readonly by: number;
}

/** Numbers of sets, by what they are of. */
interface Numbers {
  /** Of senders and receivers; undefined in the family that is not matched. */
  readonly 4: readonly [number, number] | undefined;
  readonly 6: readonly [number, number] | undefined;
  readonly rest: readonly number[];
}

/** The number of what matches everything. */
const ANY = 0;
/** Where ports are in `rest`. */
const PORTS = 0;

export function coveredRules(
  rules: readonly FirewallRule[],
  interfaces: readonly string[],
): CoveredRule[] {
  const sets = new NumberedSets(interfaces);
  const index = new RuleIndex(sets);
  const all = rules.map((rule) => [rule, sets.numbers(rule)] as const);
  return all.flatMap(([rule, numbers], at): CoveredRule[] => {
    if (numbers[4] === undefined && numbers[6] === undefined) return [];
    const by = index.firstAround(numbers);
    // What goes over a limit passes on to the next rules.
    if (rule.limit === undefined) index.add(at, numbers);
    return by === undefined ? [] : [{ index: at, by }];
  });
}

/** Rules by each set they match, so that those with a larger set are found. */
class RuleIndex {
  readonly #sets: NumberedSets;
  readonly #numbers = new Map<number, Numbers>();
  readonly #bySet = new Map<string, number[]>();

  constructor(sets: NumberedSets) {
    this.#sets = sets;
  }

  add(at: number, numbers: Numbers): void {
    this.#numbers.set(at, numbers);
    for (const [kind, number] of keysOf(numbers)) {
      const key = `${kind} ${number}`;
      const list = this.#bySet.get(key);
      if (list === undefined) this.#bySet.set(key, [at]);
      else list.push(at);
    }
  }

  /** The first rule that takes all of these. */
  firstAround(numbers: Numbers): number | undefined {
    const lists = keysOf(numbers).map(([kind, number]) => {
      const around = [ANY, ...(number === ANY ? [] : this.#sets.around(kind, number))];
      return around.flatMap((each) => this.#bySet.get(`${kind} ${each}`) ?? []);
    });
    const fewest = lists.reduce((least, list) => (list.length < least.length ? list : least));
    const found = fewest.filter((at) => {
      const earlier = this.#numbers.get(at);
      return earlier !== undefined && this.#sets.include(earlier, numbers);
    });
    return found.length === 0 ? undefined : Math.min(...found);
  }
}

type Kind = 'senders4' | 'receivers4' | 'senders6' | 'receivers6' | 'ports';

function keysOf(numbers: Numbers): readonly (readonly [Kind, number])[] {
  const [four, six] = [numbers[4], numbers[6]];
  return [
    ['ports', numbers.rest[PORTS] ?? ANY],
    ...(four === undefined
      ? []
      : ([
          ['senders4', four[0]],
          ['receivers4', four[1]],
        ] as const)),
    ...(six === undefined
      ? []
      : ([
          ['senders6', six[0]],
          ['receivers6', six[1]],
        ] as const)),
  ];
}

class NumberedSets {
  readonly #interfaces: readonly string[];
  readonly #numbers = new Map<string, number>();
  /** By number; the first is never looked at. */
  readonly #sets: Spans[] = [[]];
  readonly #bounds: { readonly low: number; readonly high: number }[] = [{ low: 0, high: 0 }];
  readonly #ofKind = new Map<string, number[]>();
  readonly #around = new Map<number, readonly number[]>();

  constructor(interfaces: readonly string[]) {
    this.#interfaces = interfaces;
  }

  numbers(rule: FirewallRule): Numbers {
    const { source, destination, protocols, ports, sourcePorts } = rule;
    const ends = (family: 4 | 6): readonly [number, number] | undefined =>
      rule.families.includes(family)
        ? [
            this.#number(`senders${family}`, source && of(source, family)),
            this.#number(`receivers${family}`, destination && of(destination, family)),
          ]
        : undefined;
    return {
      4: ends(4),
      6: ends(6),
      rest: [
        this.#number('ports', ports?.spans),
        this.#number('sender ports', sourcePorts?.spans),
        this.#number('protocols', protocols && numbersAsSpans(protocols)),
        this.#number('places', this.#places(rule.from)),
        this.#number('places', this.#places(rule.to)),
      ],
    };
  }

  /** Sets of the kind that include the one of this number, itself too; once all are numbered. */
  around(kind: Kind, number: number): readonly number[] {
    const known = this.#around.get(number);
    if (known !== undefined) return known;
    const found = (this.#ofKind.get(kind) ?? []).filter((each) => this.#includes(each, number));
    this.#around.set(number, found);
    return found;
  }

  /** Whether all that `inner` matches is matched by `outer`. */
  include(outer: Numbers, inner: Numbers): boolean {
    return (
      inner.rest.every((number, field) => this.#includes(outer.rest[field], number)) &&
      ([4, 6] as const).every((family) => {
        const [around, within] = [outer[family], inner[family]];
        if (within === undefined) return true;
        if (around === undefined) return false;
        return this.#includes(around[0], within[0]) && this.#includes(around[1], within[1]);
      })
    );
  }

  #includes(outer: number | undefined, inner: number): boolean {
    if (outer === inner || outer === ANY) return true;
    if (outer === undefined || inner === ANY) return false;
    const [around, within] = [this.#bounds[outer], this.#bounds[inner]];
    if (around === undefined || within === undefined) return false;
    // Rounded, so what is out of bounds here is out of bounds: most pairs end with that.
    if (around.low > within.low || around.high < within.high) return false;
    return spansInclude(this.#sets[outer] ?? [], this.#sets[inner] ?? []);
  }

  #number(kind: string, spans: Spans | undefined): number {
    if (spans === undefined) return ANY;
    const key = `${kind} ${spans.map(({ first, last }) => `${first}-${last}`).join()}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#sets.push(spans) - 1;
    const [low, high] = [Number(spans[0]?.first ?? 0n), Number(spans.at(-1)?.last ?? 0n)];
    this.#bounds.push({ low, high });
    this.#numbers.set(key, number);
    const list = this.#ofKind.get(kind);
    if (list === undefined) this.#ofKind.set(kind, [number]);
    else list.push(number);
    return number;
  }

  /** Interfaces as numbers from 0, then the gateway itself, then interfaces nobody has named. */
  #places({ interfaces, node }: Places): Spans {
    const own = this.#interfaces.length;
    const every = [...this.#interfaces.keys(), own + 1];
    const named = interfaces?.map((name) => this.#interfaces.indexOf(name)) ?? every;
    return numbersAsSpans([...named.filter((at) => at >= 0), ...(node ? [own] : [])]);
  }
}

function numbersAsSpans(numbers: readonly number[]): Spans {
  return mergedSpans(numbers.map((each) => ({ first: BigInt(each), last: BigInt(each) })));
}
