/** Every story in transcripts/ still goes as written. YOKE_ACCEPT=1 writes what happens instead. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatTranscript, parseTranscript, performTranscript } from './transcript.ts';

const FOLDER = join(import.meta.dirname, 'transcripts');
const stories = readdirSync(FOLDER).filter((file) => file.endsWith('.txt'));

describe('ladder transcripts', () => {
  it('are there', () => expect(stories.length).toBeGreaterThanOrEqual(18));

  it.each(stories)('%s', (file) => {
    const path = join(FOLDER, file);
    const { commands, log } = parseTranscript(readFileSync(path, 'utf8'));
    const happened = performTranscript(commands);
    if (process.env['YOKE_ACCEPT'] === '1') {
      writeFileSync(path, formatTranscript({ commands, log: happened }));
      return;
    }
    expect(happened).toBe(log);
  });
});
