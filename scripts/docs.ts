/**
 * Writes the pages that are generated from the firmware: docs/configuration.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { referencePage } from './reference-page.ts';

const directory = join(dirname(import.meta.dirname), 'docs');
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, 'configuration.md'), referencePage());
