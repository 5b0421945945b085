/**
 * One document against its schema: either typed with defaults, or everything that is wrong with it.
 *
 * Translates what the schema library reports into problems: found, expected, and for an unknown key
 * the known one that was probably meant.
 */
import type { z } from 'zod';
import { nearestKey } from './nearest-key.ts';
import {
  type DocumentName,
  describeSecret,
  describeValue,
  type FieldPath,
  formatProblem,
  type Problem,
} from './problem.ts';
import { type ClusterDocument, jsonSchema, type NodeDocument, schemas } from './schema.ts';

export interface Documents {
  readonly node: NodeDocument;
  readonly cluster: ClusterDocument;
}

export type DocumentCheck<Name extends DocumentName> =
  | { readonly ok: true; readonly value: Documents[Name] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Issue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.JSONSchema;

const TOP: Readonly<Record<DocumentName, string>> = {
  node: 'a mapping with node, role and interfaces',
  cluster: 'a mapping with cluster and vips',
};

/** `value` is what stood in the file, as plain data. */
export function checkDocument<Name extends DocumentName>(
  document: Name,
  value: unknown,
): DocumentCheck<Name> {
  const result = schemas[document].safeParse(value);
  if (result.success) return { ok: true, value: result.data as Documents[Name] };
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, document, value, []));
  const distinct = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return { ok: false, problems: [...distinct.values()] };
}

function problemsOf(
  issue: Issue,
  document: DocumentName,
  value: unknown,
  parent: FieldPath,
): Problem[] {
  const path = [...parent, ...issue.path.map(plainStep)];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(document, [...path, key]));
  }
  if (issue.code === 'invalid_union') {
    const branch = meantBranch(issue.errors);
    if (branch) return branch.flatMap((each) => problemsOf(each, document, value, path));
  }
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? issue.message;
    return [{ document, path, found: 'this name', expected }];
  }
  const found = valueAt(value, path);
  const isSecret = path.at(-1) === 'password';
  return [
    {
      document,
      path,
      found: isSecret ? describeSecret(found) : describeValue(found),
      expected: path.length === 0 ? TOP[document] : issue.message,
    },
  ];
}

/** The one alternative whose outermost type was right; undefined when none or several were. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const meant = branches.filter((issues) =>
    issues.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  return meant.length === 1 ? meant[0] : undefined;
}

function unknownKey(document: DocumentName, path: FieldPath): Problem {
  const key = String(path.at(-1));
  const known = knownKeys(writtenSchema(document), path.slice(0, -1));
  const near = nearestKey(key, known);
  const found = 'an unknown key';
  if (near !== undefined)
    return { document, path, found, expected: `${near} (the nearest known key)` };
  const other = document === 'node' ? 'cluster' : 'node';
  if (path.length === 1 && knownKeys(writtenSchema(other), []).includes(key)) {
    return { document, path, found: `a key of ${other}.yaml`, expected: `it in ${other}.yaml` };
  }
  return { document, path, found, expected: `one of ${known.join(', ')}` };
}

const written = new Map<DocumentName, JsonSchema>();

/** Made once: it takes milliseconds, and a document may have many unknown keys. */
function writtenSchema(document: DocumentName): JsonSchema {
  const schema = written.get(document) ?? jsonSchema(document);
  written.set(document, schema);
  return schema;
}

/** The keys a mapping at `path` may have. */
function knownKeys(schema: JsonSchema, path: FieldPath): readonly string[] {
  const [step, ...rest] = path;
  const alternatives = [schema, ...(schema.anyOf ?? [])];
  return alternatives.flatMap((each) => {
    if (typeof each === 'boolean') return [];
    if (step === undefined) return Object.keys(each.properties ?? {});
    const inner =
      typeof step === 'number'
        ? each.items
        : (each.properties?.[step] ?? each.additionalProperties);
    return isSchema(inner) ? knownKeys(inner, rest) : [];
  });
}

function isSchema(inner: unknown): inner is JsonSchema {
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner);
}

function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, step))
      return undefined;
    return Reflect.get(inner, step);
  }, value);
}

const plainStep = (step: PropertyKey): string | number =>
  typeof step === 'number' ? step : String(step);
