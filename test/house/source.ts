/**
 * One file of the repository as the rules of the house see it: text, syntax tree, imports.
 *
 * The parser is the one vite ships (oxc): it reads TypeScript, and tells imports of every kind.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { parseSync } from 'vite';

/** A node of the syntax tree (ESTree with TypeScript), walked without knowing every shape. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Import {
  /** As written: './x.ts', 'node:fs', 'zod'. */
  readonly specifier: string;
  /** The repository path it points to, undefined for packages. */
  readonly target: string | undefined;
  /** Erased before run time: `import type`. */
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface Source {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  /** Undefined for what is not TypeScript. */
  readonly program: SyntaxNode | undefined;
  readonly imports: readonly Import[];
  lineAt(offset: number): number;
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  /** What is wrong and what to do about it, in one line. */
  readonly remedy: string;
}

export type Rule = (sources: readonly Source[]) => readonly Finding[];

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** Visits `node` and everything below it; `ancestors` runs from the root to the parent. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, ancestors: readonly SyntaxNode[]) => void,
  ancestors: readonly SyntaxNode[] = [],
): void {
  visit(node, ancestors);
  const path = [...ancestors, node];
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit, path);
    }
  }
}

/** Every node of every TypeScript source, with the source it stands in. */
export function walkAll(
  sources: readonly Source[],
  visit: (node: SyntaxNode, source: Source, ancestors: readonly SyntaxNode[]) => void,
): void {
  for (const source of sources) {
    if (source.program === undefined) continue;
    walk(source.program, (node, ancestors) => visit(node, source, ancestors));
  }
}

/** The text of a string literal, else undefined. */
export function literal(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Literal' && typeof node['value'] === 'string'
    ? node['value']
    : undefined;
}

/** True for `new URL(<literal>, ...)`, by which worker threads and programs are named. */
function urlArgument(node: SyntaxNode): string | undefined {
  const callee = node['callee'];
  const isUrl = node.type === 'NewExpression' && isNode(callee) && callee['name'] === 'URL';
  return isUrl ? literal((node['arguments'] as readonly unknown[])[0]) : undefined;
}

/** What `node` brings in, if it is an import of any kind. */
function importOf(node: SyntaxNode): { specifier: string; typeOnly: boolean } | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration': {
      const specifier = literal(node['source']);
      if (specifier === undefined) return undefined;
      const parts = (node['specifiers'] ?? []) as readonly SyntaxNode[];
      const kinds = parts.map((part) => part['importKind'] ?? part['exportKind']);
      const whole = node['importKind'] === 'type' || node['exportKind'] === 'type';
      const typeOnly = whole || (kinds.length > 0 && kinds.every((kind) => kind === 'type'));
      return { specifier, typeOnly };
    }
    case 'TSImportType': {
      const specifier = literal(node['source']);
      return specifier === undefined ? undefined : { specifier, typeOnly: true };
    }
    case 'ImportExpression': {
      const specifier = literal(node['source']);
      return specifier === undefined ? undefined : { specifier, typeOnly: false };
    }
    case 'NewExpression': {
      const specifier = urlArgument(node);
      return specifier?.endsWith('.ts') ? { specifier, typeOnly: false } : undefined;
    }
    default:
      return undefined;
  }
}

function importsOf(path: string, program: SyntaxNode, lineAt: Source['lineAt']): Import[] {
  const imports: Import[] = [];
  walk(program, (node) => {
    const found = importOf(node);
    if (found === undefined) return;
    const local = found.specifier.startsWith('.');
    const target = local ? posix.join(posix.dirname(path), found.specifier) : undefined;
    imports.push({ ...found, target, line: lineAt(node.start) });
  });
  return imports;
}

/** Throws when a .ts file does not parse. */
export function sourceOf(path: string, text: string): Source {
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length;
  const base = { path, text, lines: text.replace(/\n$/, '').split('\n'), lineAt };
  if (!path.endsWith('.ts')) return { ...base, program: undefined, imports: [] };
  const parsed = parseSync(path, text);
  const error = parsed.errors[0];
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`);
  const program = parsed.program as unknown as SyntaxNode;
  return { ...base, program, imports: importsOf(path, program, lineAt) };
}

const ROOT = dirname(dirname(import.meta.dirname));
const NOT_OURS = new Set(['node_modules', 'build', 'coverage', '.git']);
const BINARY = /\.(bin|pcap|png|node|gz|xz)$/;

/** Every text file of the repository, built and installed things left out. */
export function repositorySources(): Source[] {
  const patterns = ['**', '.ci/**', '.github/**', '.*'];
  const exclude = (entry: { name: string }) => NOT_OURS.has(entry.name);
  return globSync(patterns, { cwd: ROOT, exclude, withFileTypes: true })
    .filter((entry) => entry.isFile() && !BINARY.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path, index, all) => all.indexOf(path) === index)
    .sort()
    .map((path) => sourceOf(path, readFileSync(join(ROOT, path), 'utf8')));
}
