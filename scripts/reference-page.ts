/**
 * docs/configuration.md: every setting of both documents, from the schema that checks them.
 */
import { jsonSchema } from '../firmware/core/configuration/schema.ts';

type Schema = ReturnType<typeof jsonSchema>;

const INTRODUCTION = `# Configuration

Two documents in the configuration directory. \`node.yaml\` is about one box and stays there
(local); \`cluster.yaml\` is about the pair (shared): it is changed on the primary and rolled out to
both nodes. What neither has to say, such as the skew of a node or a CARP password that nobody
wrote, follows from the role and the secret of the pair (derived): \`yoke config show --effective\`
shows it.

This page is generated from the schema: \`make docs\`. Editors check the same by
\`yoke config schema\`.
`;

export function referencePage(): string {
  const chapters = (['node', 'cluster'] as const).map((document) => {
    const schema = jsonSchema(document);
    const ownership = document === 'node' ? 'local' : 'shared';
    const rows = rowsOf(schema, []).map(([path, text]) => `| \`${path}\` | ${text} |`);
    const table = [`| field (${ownership}) | meaning |`, '|---|---|', ...rows];
    return [`## ${document}.yaml`, '', ...table, ''].join('\n');
  });
  return [INTRODUCTION, ...chapters].join('\n');
}

/** `[]` stands for each item of a list, `<name>` for keys that people choose. */
function rowsOf(schema: Schema, path: readonly string[]): (readonly [string, string])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    if (typeof inner !== 'object') return [];
    const isRequired = schema.required?.includes(key) && inner.default === undefined;
    return fieldRows(inner, [...path, key], isRequired === true);
  });
}

function fieldRows(
  schema: Schema,
  path: readonly string[],
  isRequired: boolean,
): (readonly [string, string])[] {
  const text = cellText(schema.description ?? '', isRequired);
  const own = text === '' ? [] : [[pathText(path), text] as const];
  return [...own, ...innerRows(schema, path)];
}

function innerRows(schema: Schema, path: readonly string[]): (readonly [string, string])[] {
  const { items, additionalProperties: values } = schema;
  const alternatives = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((each) =>
    typeof each === 'object' ? innerRows(each, path) : [],
  );
  const listed = typeof items === 'object' && !Array.isArray(items) ? items : undefined;
  const named = typeof values === 'object' ? values : undefined;
  return [
    ...rowsOf(schema, path),
    ...alternatives,
    ...(listed ? innerRows(listed, [...path, '[]']) : []),
    ...(named ? fieldRows(named, [...path, '<name>'], false) : []),
  ];
}

function cellText(description: string, isRequired: boolean): string {
  const text = description.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').trim();
  return isRequired && text !== '' ? `${text} **Required.**` : text;
}

const pathText = (path: readonly string[]): string => path.join('.').replaceAll('.[]', '[]');
