/** How long files, functions and lines may be. */
import { type Finding, isNode, type Rule, type SyntaxNode, walkAll } from './source.ts';

const FILE_LINES = 600;
const FUNCTION_LINES = 70;
const COLUMNS = 100;

/** Files nobody writes by hand: made by a tool, or published as they are. */
const NOT_WRITTEN = /(\.generated\.ts|\.json|\.hex|\.txt|^LICENSE)$/;

export const longFiles: Rule = (sources) =>
  sources
    .filter(({ path, lines }) => !NOT_WRITTEN.test(path) && lines.length > FILE_LINES)
    .map(({ path, lines }) => ({
      path,
      line: FILE_LINES,
      remedy: `${lines.length} lines, limit ${FILE_LINES}: find the second noun and give it a file`,
    }));

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** The body of `describe(...)` groups tests; it is a chapter, not a function. */
function isChapter(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent?.type !== 'CallExpression' || parent['callee'] === node) return false;
  let callee: unknown = parent['callee'];
  while (isNode(callee) && callee['name'] === undefined)
    callee = callee['object'] ?? callee['callee'];
  return isNode(callee) && callee['name'] === 'describe';
}

export const longFunctions: Rule = (sources) => {
  const findings: Finding[] = [];
  walkAll(sources, (node, source, ancestors) => {
    if (!FUNCTIONS.has(node.type) || isChapter(node, ancestors.at(-1))) return;
    const line = source.lineAt(node.start);
    const length = source.lineAt(node.end) - line + 1;
    if (length <= FUNCTION_LINES) return;
    const remedy = `a function of ${length} lines, limit ${FUNCTION_LINES}: name its steps`;
    findings.push({ path: source.path, line, remedy });
  });
  return findings;
};

export const longLines: Rule = (sources) =>
  sources
    .filter(({ path }) => path.endsWith('.ts') && !path.endsWith('.generated.ts'))
    .flatMap(({ path, lines }) =>
      lines.flatMap((text, index) => {
        if (text.length <= COLUMNS) return [];
        const remedy = `${text.length} columns, limit ${COLUMNS}: break the line`;
        return [{ path, line: index + 1, remedy }];
      }),
    );
