/** How tests are kept honest: each beside its file, none left out, none waiting for the clock. */
import { type Finding, isNode, type Rule, type SyntaxNode, walkAll } from './source.ts';

const MIRRORED = /^test\/((?:wire|core|kernel|service|cli)\/.*)\.test\.ts$/;

/** Tests that mirror no file: `x.ts` is tested by `x.test.ts` and nowhere else. */
export const testsWithoutTwin: Rule = (sources) => {
  const paths = new Set(sources.map(({ path }) => path));
  return sources.flatMap(({ path }) => {
    const name = MIRRORED.exec(path)?.[1];
    if (name === undefined) return [];
    if (paths.has(`firmware/${name}.ts`) || paths.has(`firmware/${name}.c`)) return [];
    return [{ path, line: 1, remedy: `there is no firmware/${name}.ts: name it after its twin` }];
  });
};

const GROUPS = new Set(['it', 'test', 'describe', 'suite']);
const LEFT_OUT = new Set(['only', 'skip', 'todo']);

/** Tests switched off, or the rest switched off by one. */
export const testsLeftOut: Rule = (sources) => {
  const findings: Finding[] = [];
  const tests = sources.filter(({ path }) => path.startsWith('test/'));
  walkAll(tests, (node, source) => {
    const [object, property] = [node['object'], node['property']];
    if (node.type !== 'MemberExpression' || !isNode(object) || !isNode(property)) return;
    if (!GROUPS.has(String(object['name'])) || !LEFT_OUT.has(String(property['name']))) return;
    const remedy = `${object['name']}.${property['name']}: run it, mend it or delete it`;
    findings.push({ path: source.path, line: source.lineAt(node.start), remedy });
  });
  return findings;
};

function calleeName(node: SyntaxNode): string {
  const callee = node['callee'];
  if (!isNode(callee)) return '';
  const part = (name: string) => (isNode(callee[name]) ? String(callee[name]['name']) : '');
  return callee.type === 'Identifier'
    ? String(callee['name'])
    : `${part('object')}.${part('property')}`;
}

/** The first parameter of the `new Promise(...)` executor around a node: what resolves it. */
function resolverAround(ancestors: readonly SyntaxNode[]): string | undefined {
  const promise = ancestors.findLast(
    (a) => a.type === 'NewExpression' && calleeName(a) === 'Promise',
  );
  const executor = (promise?.['arguments'] as readonly SyntaxNode[] | undefined)?.[0];
  const first = (executor?.['params'] as readonly SyntaxNode[] | undefined)?.[0];
  return first === undefined ? undefined : String(first['name']);
}

/** A promise that time alone fulfils. A timer that only rejects is a deadline, and allowed. */
function isSleep(node: SyntaxNode, ancestors: readonly SyntaxNode[]): boolean {
  if (node.type !== 'CallExpression') return false;
  const name = calleeName(node);
  if (name === 'Atomics.wait') return true;
  if (name !== 'setTimeout') return false;
  const resolver = resolverAround(ancestors);
  const callback = (node['arguments'] as readonly SyntaxNode[])[0];
  if (resolver === undefined || callback === undefined) return false;
  if (callback.type === 'Identifier') return callback['name'] === resolver;
  const body = callback['body'];
  return isNode(body) && body.type === 'CallExpression' && calleeName(body) === resolver;
}

/** Waiting for the clock where an event can be awaited. The rack waits for real networks. */
export const sleepingTests: Rule = (sources) => {
  const remedy = 'a sleep: await the event itself, or hand the machine a later instant';
  const awake = sources.filter(({ path }) => /^test\/(?!rack\/|bench\/)/.test(path));
  const findings: Finding[] = awake.flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier }) => specifier.endsWith('timers/promises'))
      .map(({ line }) => ({ path, line, remedy })),
  );
  walkAll(awake, (node, source, ancestors) => {
    if (!isSleep(node, ancestors)) return;
    findings.push({ path: source.path, line: source.lineAt(node.start), remedy });
  });
  return findings;
};
