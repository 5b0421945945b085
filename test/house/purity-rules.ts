/**
 * Syntax that is not allowed: anything impure in wire and core; anywhere, anything that does not
 * simply vanish when types are erased.
 */
import { type Finding, isNode, type Rule, type SyntaxNode, walkAll } from './source.ts';

/** Globals by which time, chance, concurrency or the machine would come in. */
const IMPURE = new Set([
  'Atomics',
  'Date',
  'console',
  'crypto',
  'fetch',
  'globalThis',
  'performance',
  'process',
  'Promise',
  'queueMicrotask',
  'require',
  'setImmediate',
  'setInterval',
  'setTimeout',
]);

/** True when an identifier only names a member: `process` in `a.process` or `{ process: 1 }`. */
function isMemberName(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent === undefined || parent['computed'] === true) return false;
  return parent['property'] === node || (parent['key'] === node && parent['shorthand'] !== true);
}

/** A given instant may be read and written as a date; only the present one asks the clock. */
function isGivenDate(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (node['name'] !== 'Date' || parent === undefined) return false;
  if (parent.type === 'TSTypeReference') return true;
  const member = parent['property'];
  if (isNode(member)) return member['name'] === 'parse' || member['name'] === 'UTC';
  if (parent.type !== 'NewExpression') return false;
  return parent['callee'] === node && (parent['arguments'] as readonly unknown[]).length > 0;
}

function impurity(node: SyntaxNode, parent: SyntaxNode | undefined): string | undefined {
  if (node.type === 'AwaitExpression' || node['async'] === true) return 'async';
  if (node.type === 'ForOfStatement' && node['await'] === true) return 'for await';
  if (node.type === 'MemberExpression') {
    const [object, property] = [node['object'], node['property']];
    const random = isNode(object) && object['name'] === 'Math' && isNode(property);
    return random && property['name'] === 'random' ? 'Math.random' : undefined;
  }
  const name = node.type === 'Identifier' ? String(node['name']) : '';
  if (isMemberName(node, parent) || isGivenDate(node, parent)) return undefined;
  return IMPURE.has(name) ? name : undefined;
}

/** Clock, chance, waiting and I/O in wire and core. */
export const impureRooms: Rule = (sources) => {
  const findings: Finding[] = [];
  const pure = sources.filter(({ path }) => /^firmware\/(wire|core)\//.test(path));
  walkAll(pure, (node, source, ancestors) => {
    const found = impurity(node, ancestors.at(-1));
    if (found === undefined) return;
    const remedy = `${found}: wire and core are pure and synchronous: make it an argument`;
    findings.push({ path: source.path, line: source.lineAt(node.start), remedy });
  });
  return findings;
};

const NOT_ERASABLE: Readonly<Record<string, string>> = {
  TSEnumDeclaration: 'an enum: use a union of string literals, or a const object',
  TSModuleDeclaration: 'a namespace: use a module',
  TSParameterProperty: 'a parameter property: declare and assign the field',
  TSImportEqualsDeclaration: "'import =': use import",
  TSExportAssignment: "'export =': use export",
  Decorator: 'a decorator: call the function',
};

/** Syntax that Node cannot run by leaving the types out. */
export const syntaxNotErasable: Rule = (sources) => {
  const findings: Finding[] = [];
  walkAll(sources, (node, source) => {
    const remedy = NOT_ERASABLE[node.type];
    if (remedy === undefined) return;
    findings.push({ path: source.path, line: source.lineAt(node.start), remedy });
  });
  return findings;
};
