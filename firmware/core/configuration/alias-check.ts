/**
 * Aliases against each other, and the fields of other areas against aliases: every name leads
 * somewhere, and none to itself.
 */
import type { Aliases, Written } from './aliases.ts';
import type { FieldPath, Problem } from './problem.ts';
import { unknownName } from './unknown-name.ts';
import { parseNetwork } from './written-network.ts';
import { parsePorts } from './written-ports.ts';

type Kind = 'addresses' | 'ports';

export function aliasProblems(
  document: Readonly<Record<Kind, Readonly<Record<string, Written>>>> | undefined,
  aliases: Aliases,
): Problem[] {
  if (document === undefined) return [];
  return (['addresses', 'ports'] as const).flatMap((kind) =>
    Object.entries(document[kind]).flatMap(([name, items]) => {
      const path = ['aliases', kind, name];
      const circle = aliases.circle(kind, name);
      return circle === undefined
        ? writtenProblems(kind, items, path, aliases)
        : [circleProblem(path, circle)];
    }),
  );
}

/** Of a field that holds items, or names of aliases. */
export function writtenProblems(
  kind: Kind,
  written: Written,
  path: FieldPath,
  aliases: Aliases,
): Problem[] {
  if (written === 'any') return [];
  return [written].flat().flatMap((item, index) => {
    const isPlain = kind === 'ports' ? parsePorts(item) : parseNetwork(String(item));
    if (isPlain !== undefined || aliases.has(kind, String(item))) return [];
    const at = Array.isArray(written) ? [...path, index] : path;
    const known = aliases.names(kind);
    const what = kind === 'ports' ? 'alias of ports' : 'alias of addresses';
    return [unknownName({ document: 'cluster', path: at }, String(item), what, known)];
  });
}

function circleProblem(path: FieldPath, circle: readonly string[]): Problem {
  const last = circle.at(-1) ?? '';
  const closed = circle.indexOf(last) < circle.length - 1;
  const way = circle.slice(0, 6).join(' -> ') + (circle.length > 6 ? ' -> ...' : '');
  const found = closed ? `an alias that leads to itself: ${way}` : `too many aliases: ${way}`;
  const expected = closed ? 'addresses or ports in the end' : 'at most 32 names in a row';
  return { document: 'cluster', path, found, expected };
}
