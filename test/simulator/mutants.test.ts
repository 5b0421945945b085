/** Planted faults fit the source: one that fits nowhere, or twice, would show nothing. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.ts';

const source = (file: string): string =>
  readFileSync(new URL(`../../firmware/${file}`, import.meta.url), 'utf8');

describe('the place of a planted fault', () => {
  it.each(MUTANTS)('$name', ({ file, search, replace }) => {
    expect(source(file).split(search)).toHaveLength(2);
    expect(replace).not.toBe(search);
  });
});
