/** A name that nothing has: what was probably meant, or what there is. */
import { nearestKey } from './nearest-key.ts';
import { type Problem, quote } from './problem.ts';

/** So many names are listed; one line is for people. */
const MOST_LISTED = 8;

/** `kind`: `interface`, `VIP`, `alias of ports`. */
export function unknownName(
  at: Pick<Problem, 'document' | 'path'>,
  name: string,
  kind: string,
  known: readonly string[],
): Problem {
  const found = `${quote(name)}, which is no ${kind}`;
  const near = nearestKey(name, known);
  if (near !== undefined) return { ...at, found, expected: `${near} (the nearest ${kind})` };
  if (known.length === 0) return { ...at, found, expected: `one that is defined` };
  const listed = known.slice(0, MOST_LISTED).join(', ');
  const more = known.length > MOST_LISTED ? ', ...' : '';
  return { ...at, found, expected: `one of ${listed}${more}` };
}

/** A name that several items of a list have: the second and each further one. */
export function namesUsedTwice(
  list: readonly { readonly name: string }[],
  path: Problem['path'],
  kind: string,
): Problem[] {
  const seen = new Set<string>();
  return list.flatMap(({ name }, index): Problem[] => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const found = `${quote(name)}, which another ${kind} is called already`;
    const at = { document: 'cluster', path: [...path, index, 'name'] } as const;
    return [{ ...at, found, expected: 'a name of its own' }];
  });
}
