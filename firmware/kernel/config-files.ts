/**
 * The two YAML documents of the config directory as plain data, with the line of every field.
 *
 * Reads YAML 1.2 (core schema) with the `yaml` package and is strict where YAML is lenient: no
 * duplicate keys, no keys that are not text, no unknown tags, one document per file. What the
 * values mean is not decided here.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';

export type ConfigFileName = 'node.yaml' | 'cluster.yaml';

/** Something that keeps a file from being read as data. */
export interface FileProblem {
  /** From 1; undefined when the file as a whole is meant. */
  readonly line: number | undefined;
  readonly path: readonly (string | number)[];
  readonly found: string;
  readonly expected: string;
}

export interface ConfigFile {
  /** Null for an empty file. */
  readonly value: unknown;
  /** SHA-256 in hex of the content, whatever its order of keys, layout and comments. */
  readonly hash: string;
  /** The line, from 1, of a field; of the nearest thing around it when the field is not there. */
  lineOf(path: readonly (string | number)[]): number;
}

export type ConfigFileReading =
  | { readonly ok: true; readonly file: ConfigFile }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Thousands of VIPs fit; what is larger was put there by mistake. */
const LARGEST_FILE_BYTES = 1_048_576;
/** Each use of an anchor copies what it names; a few dozen is a lot, and a bomb needs billions. */
const MOST_ALIASES = 64;
const MOST_SYNTAX_PROBLEMS = 10;
/** Before something that is not a comment. */
const INDENTING_TAB = /^ *\t\s*[^\s#]/;

export function readConfigFile(directory: string, name: ConfigFileName): ConfigFileReading {
  const reading = readConfigText(join(directory, name));
  return reading.ok ? parseConfigText(reading.text) : refused(reading.problem);
}

/** All of a file as it is, or why it cannot be had. */
export function readConfigText(
  path: string,
): { readonly ok: true; readonly text: string } | { ok: false; readonly problem: FileProblem } {
  try {
    return { ok: true, text: readText(path) };
  } catch (error) {
    const expected = `a readable file ${path}`;
    const problem = { line: undefined, path: [], found: reasonOf(error), expected };
    return { ok: false, problem };
  }
}

/** The text of a file that has been read. */
export function parseConfigText(text: string): ConfigFileReading {
  const lines = new LineCounter();
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      stringKeys: true,
      logLevel: 'error',
    });
    const syntax = syntaxProblems(text, [...document.errors, ...document.warnings], lineAt);
    if (syntax.length > 0) return { ok: false, problems: syntax };
    const problems = [...keyProblems(document, lineAt), ...aliasProblems(document, lineAt)];
    if (problems.length > 0) return { ok: false, problems };
    const value: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    const hash = contentHash(value);
    return { ok: true, file: { value, hash, lineOf: (path) => lineAt(offsetOf(document, path)) } };
  } catch (error) {
    // Bombs and thousands of brackets: the library throws.
    return refused({ line: undefined, path: [], ...excess(error) });
  }
}

function refused(...problems: readonly FileProblem[]): ConfigFileReading {
  return { ok: false, problems };
}

function readText(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw new Error('something that is not a file');
    if (found.size > LARGEST_FILE_BYTES) throw new Error(`${found.size} bytes, over 1 MiB`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof TypeError) return 'bytes that are not UTF-8';
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'a file without permission to read it';
  return code ?? message;
}

function excess(error: unknown): Pick<FileProblem, 'found' | 'expected'> {
  if (error instanceof RangeError) {
    return { found: 'too deeply nested YAML', expected: 'a few levels' };
  }
  const expected = `at most ${MOST_ALIASES} values by alias`;
  if (error instanceof ReferenceError) return { found: 'too many aliases', expected };
  throw error;
}

/**
 * Every indenting tab, if that is what broke the file; otherwise the first mistake only, because
 * those that follow it are mostly its consequences.
 */
function syntaxProblems(
  text: string,
  errors: readonly YAMLError[],
  lineAt: (offset: number) => number,
): FileProblem[] {
  const [first] = errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  if (first === undefined) return [];
  const tabs = text.split('\n').flatMap((line, index): FileProblem[] => {
    if (!INDENTING_TAB.test(line)) return [];
    const found = 'a tab as indentation';
    return [{ line: index + 1, path: [], found, expected: 'spaces' }];
  });
  if (tabs.length > 0) return tabs.slice(0, MOST_SYNTAX_PROBLEMS);
  return [{ line: lineAt(first.pos[0]), path: [], ...explained(first) }];
}

function explained({ code, message }: YAMLError): Pick<FileProblem, 'found' | 'expected'> {
  const expected = 'valid YAML';
  switch (code) {
    case 'MULTIPLE_DOCS':
      return { found: 'a second YAML document', expected: 'one document' };
    case 'TAG_RESOLVE_FAILED':
      return { found: `a YAML tag (${oneLine(message)})`, expected: 'values without tags' };
    case 'NON_STRING_KEY':
      return { found: 'a key that is not text', expected: 'a plain or quoted word' };
    case 'RESOURCE_EXHAUSTION':
      return { found: 'too deeply nested YAML', expected: 'a few levels' };
    default:
      return { found: `a YAML mistake (${oneLine(message)})`, expected };
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** Keys that stand twice in one mapping, and the one key that JavaScript treats specially. */
function keyProblems(document: Document, lineAt: (offset: number) => number): FileProblem[] {
  const problems: FileProblem[] = [];
  visit(document, {
    Map(_, map, ancestors) {
      const first = new Map<string, number>();
      for (const { key } of map.items) {
        if (!isScalar(key) || !key.range) continue;
        const name = String(key.value);
        const line = lineAt(key.range[0]);
        const before = first.get(name);
        first.set(name, before ?? line);
        const path = [...pathOf([...ancestors, map]), name];
        if (name === '__proto__') {
          problems.push({ line, path, found: 'an unknown key', expected: 'no such key' });
        } else if (before !== undefined) {
          const found = `a second time (line ${before} is the first)`;
          problems.push({ line, path, found, expected: 'every key once' });
        }
      }
    },
  });
  return problems;
}

/** Aliases that lead nowhere or into themselves. */
function aliasProblems(document: Document, lineAt: (offset: number) => number): FileProblem[] {
  const problems: FileProblem[] = [];
  visit(document, {
    Alias(_, alias, ancestors) {
      const target = alias.resolve(document);
      const line = lineAt(alias.range?.[0] ?? 0);
      const path = pathOf([...ancestors, alias]);
      if (target === undefined) {
        const found = `alias *${alias.source} of an unknown anchor`;
        problems.push({ line, path, found, expected: `&${alias.source} above` });
      } else if (ancestors.includes(target)) {
        const found = `alias *${alias.source} inside what it stands for`;
        problems.push({ line, path, found, expected: 'an alias of something else' });
      }
    },
  });
  return problems;
}

/** Path of the last of these nodes, each inside the one before. */
function pathOf(chain: readonly (Document | Node | Pair)[]): (string | number)[] {
  return chain.flatMap((node, index): (string | number)[] => {
    if (isMap(node)) {
      const pair = chain[index + 1];
      return pair && 'key' in pair && isScalar(pair.key) ? [String(pair.key.value)] : [];
    }
    const inner = chain[index + 1];
    return isSeq(node) && inner ? [node.items.indexOf(inner)] : [];
  });
}

/** Where the key of a field, or an item of a list, begins. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === String(step));
      if (pair === undefined || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else {
      const item: unknown = isSeq(node) ? node.items[Number(step)] : undefined;
      if (item === undefined) break;
      offset = (item as Node).range?.[0] ?? offset;
      node = item;
    }
  }
  return offset;
}

function contentHash(value: unknown): string {
  const canonical = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
  return createHash('sha256').update(canonical).digest('hex');
}
