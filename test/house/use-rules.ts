/** What lies in the repository but nothing uses, and what does not say what it is. */

import { posix } from 'node:path';
import { literal, type Rule, type Source, walk } from './source.ts';

const FIRMWARE_ENTRIES = ['firmware/main.ts', 'firmware/service/election-thread.ts'];
/** Files that name programs to be started. */
const STARTERS = /^(Makefile|\.ci\/.*|package\.json|vitest\.config\.ts|scripts\/.*\.sh)$/;

/** Paths of `sources` reached from `entries` over the arrows `targets` gives. */
function reached(
  sources: readonly Source[],
  entries: readonly string[],
  targets: (source: Source) => readonly string[],
): Set<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const seen = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = byPath.get(path);
    if (source === undefined || seen.has(path)) continue;
    seen.add(path);
    waiting.push(...targets(source));
  }
  return seen;
}

function importTargets(source: Source): string[] {
  return source.imports.flatMap(({ target }) => (target === undefined ? [] : [target]));
}

/** Programs a test starts are named in a string: relative to the file, or to the repository. */
function namedTargets(source: Source): string[] {
  const named: string[] = [];
  if (source.program === undefined) return named;
  walk(source.program, (node) => {
    const text = literal(node);
    if (!text?.endsWith('.ts')) return;
    named.push(posix.normalize(text), posix.join(posix.dirname(source.path), text));
  });
  return named;
}

/** Every path mentioned in the files that start programs. */
function startedPaths(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => STARTERS.test(path))
    .flatMap(({ text }) => text.match(/[\w./-]+\.ts\b/g) ?? []);
}

/** Firmware that no entry imports: it ships nowhere. */
export const deadFirmware: Rule = (sources) => {
  const alive = reached(sources, FIRMWARE_ENTRIES, importTargets);
  return sources
    .filter(({ path }) => path.startsWith('firmware/') && path.endsWith('.ts'))
    .filter(({ path }) => !alive.has(path))
    .map(({ path }) => ({
      path,
      line: 1,
      remedy: `not reached from ${FIRMWARE_ENTRIES.join(' or ')}: use or delete it`,
    }));
};

/** Scripts and parts of tests that nothing runs. */
export const deadTooling: Rule = (sources) => {
  const entries = sources.map(({ path }) => path).filter((path) => path.endsWith('.test.ts'));
  const alive = reached(sources, [...entries, ...startedPaths(sources)], (source) => [
    ...importTargets(source),
    ...namedTargets(source),
  ]);
  return sources
    .filter(({ path }) => /^(test|scripts)\/.*\.ts$/.test(path) && !alive.has(path))
    .map(({ path }) => ({
      path,
      line: 1,
      remedy: 'no test, Makefile target or script uses it: use or delete it',
    }));
};

/** Firmware files that do not begin by saying what they are. */
export const headlessFiles: Rule = (sources) =>
  sources
    .filter(({ path }) => /^firmware\/.*\.(ts|c|h)$/.test(path))
    .filter(({ text }) => !/^\/[/*]/.test(text))
    .map(({ path }) => ({
      path,
      line: 1,
      remedy: 'begin with a comment: what it is, why it exists, which standards it follows',
    }));
