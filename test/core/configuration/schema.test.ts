// Every setting explains itself, and editors are told the same as the check.
import { describe, expect, test } from 'vitest';
import { jsonSchema } from '../../../firmware/core/configuration/schema.ts';

interface Property {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly additionalProperties?: Property | false;
  readonly items?: Property;
  readonly anyOf?: readonly Property[];
}

/** Every named setting below a schema, by path. */
function settingsOf(schema: Property, path = ''): [string, Property][] {
  const inner = [schema.items, schema.additionalProperties, ...(schema.anyOf ?? [])];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, property]) => [
      [`${path}.${key}`, property] as [string, Property],
      ...settingsOf(property, `${path}.${key}`),
    ]),
    ...inner.flatMap((each) => (each ? settingsOf(each, path) : [])),
  ];
}

const isRole = (path: string) => /\.peer\.(primary|secondary)$/.test(path);

describe.each(['node', 'cluster'] as const)('the schema of %s.yaml', (document) => {
  const settings = settingsOf(jsonSchema(document) as Property);

  test('describes every setting', () => {
    const silent = settings.filter(([path, { description }]) => !description && !isRole(path));
    expect(silent.map(([path]) => path)).toEqual([]);
    expect(settings.length).toBeGreaterThan(8);
  });

  test('says the default where there is one', () => {
    const plain = settings.filter(([, each]) => each.default !== undefined && !each.properties);
    for (const [path, { description }] of plain)
      expect([path, description]).toEqual([path, expect.stringContaining('Default: ')]);
  });

  test('allows no other keys anywhere', () => {
    const open = settings.filter(
      ([, each]) => each.properties && each.additionalProperties !== false,
    );
    expect(open.map(([path]) => path)).toEqual([]);
  });
});
