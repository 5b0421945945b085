// Differences between texts, as diff -u would show them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineDiff } from '../../../firmware/core/rollout/line-diff.ts';

const plain = (lines: readonly string[]) => ({ lines, shown: lines });

test('a change is shown with three lines around it', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
  const after = before.map((line) => (line === '5' ? 'five' : line));
  expect(lineDiff(plain(before), plain(after))).toEqual([
    ...['@@ -2,7 +2,7 @@', ' 2', ' 3', ' 4', '-5', '+five', ' 6', ' 7', ' 8'],
  ]);
  expect(lineDiff(plain(before), plain(before))).toEqual([]);
  expect(lineDiff(plain([]), plain(['x']))).toEqual(['@@ -0,0 +1,1 @@', '+x']);
});

test('changes far apart are two hunks', () => {
  const before = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  const after = before.filter((line) => line !== 'line 3' && line !== 'line 25');
  const hunks = lineDiff(plain(before), plain(after)).filter((line) => line.startsWith('@@'));
  expect(hunks).toEqual(['@@ -1,7 +1,6 @@', '@@ -23,7 +22,6 @@']);
});

test('a secret that changed is seen to have changed, not seen', () => {
  const shown = ['password: <secret>'];
  const diff = lineDiff({ lines: ['password: a'], shown }, { lines: ['password: b'], shown });
  expect(diff).toEqual(['@@ -1,1 +1,1 @@', '-password: <secret>', '+password: <secret>']);
});

test('of any two texts the difference leads from one to the other', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 });
  const property = fc.property(text, text, (before, after) => {
    const lines = lineDiff(plain(before), plain(after));
    let at = 0;
    const made: string[] = [];
    for (const line of lines) {
      const place = /^@@ -(\d+),(\d+)/.exec(line);
      if (place) {
        const start = Number(place[2]) === 0 ? Number(place[1]) : Number(place[1]) - 1;
        made.push(...before.slice(at, start));
        at = start;
      } else {
        if (line[0] !== '+') expect(before[at]).toBe(line.slice(1));
        if (line[0] !== '-') made.push(line.slice(1));
        if (line[0] !== '+') at += 1;
      }
    }
    made.push(...before.slice(at));
    expect(made).toEqual(after);
  });
  fc.assert(property, { numRuns: 500 });
});
