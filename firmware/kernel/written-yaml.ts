/**
 * Plain data as YAML 1.2, for people.
 */
import { stringify } from 'yaml';

export const writtenYaml = (value: unknown): string =>
  stringify(value, { lineWidth: 100, aliasDuplicateObjects: false });
