// What people read about the configuration is what the schema says, and what they copy is right.
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfiguration } from '../../firmware/service/configuration-loading.ts';
import { referencePage } from '../../scripts/reference-page.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const EXAMPLES = join(ROOT, 'examples');
const SITES = readdirSync(EXAMPLES).flatMap(
  (name) => /^(.+)\.cluster\.yaml$/.exec(name)?.[1] ?? [],
);

test('docs/configuration.md is what make docs writes', () => {
  expect(readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8')).toBe(referencePage());
});

test('every file of the examples belongs to a site', () => {
  const parts = ['cluster', 'primary', 'secondary'];
  const expected = SITES.flatMap((site) => parts.map((part) => `${site}.${part}.yaml`));
  expect(readdirSync(EXAMPLES).toSorted()).toEqual(expected.toSorted());
  expect(SITES).toContain('three-interfaces');
});

test.each(SITES)('example %s is valid on both nodes', (site) => {
  for (const role of ['primary', 'secondary'] as const) {
    const directory = mkdtempSync(join(tmpdir(), 'yoke-example-'));
    try {
      copyFileSync(join(EXAMPLES, `${site}.${role}.yaml`), join(directory, 'node.yaml'));
      copyFileSync(join(EXAMPLES, `${site}.cluster.yaml`), join(directory, 'cluster.yaml'));
      const secret = `${Buffer.alloc(32, 7).toString('base64')}\n`;
      writeFileSync(join(directory, 'cluster.key'), secret, { mode: 0o600 });
      const loading = loadConfiguration(directory);
      expect(loading.ok ? [] : loading.problems).toEqual([]);
      expect(loading.ok && loading.configuration.role).toBe(role);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
});
