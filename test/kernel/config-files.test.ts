// Reading YAML files: lines of fields, and everything that is not data.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ConfigFile,
  parseConfigText,
  readConfigFile,
} from '../../firmware/kernel/config-files.ts';

function parsed(text: string): ConfigFile {
  const reading = parseConfigText(text);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.file;
}

function refusals(text: string): string[] {
  const reading = parseConfigText(text);
  if (reading.ok) return [];
  return reading.problems.map(
    ({ line, path, found, expected }) => `${line} ${path.join('.')}: ${found} / ${expected}`,
  );
}

type Tree = { readonly [key: string]: Tree | string | readonly string[] };
interface Written {
  readonly lines: string[];
  readonly places: [path: (string | number)[], line: number][];
}

const key = fc.stringMatching(/^[a-z]{1,8}$/);
const leaf = fc.oneof(
  fc.constantFrom('1', 'text', '"quoted: #"', '[a, b]'),
  fc.array(fc.constantFrom('x', '10s', '192.0.2.1/24'), { minLength: 1, maxLength: 3 }),
);
const tree: fc.Memo<Tree> = fc.memo(
  (depth) =>
    fc.dictionary(key, depth <= 1 ? leaf : fc.oneof(leaf, tree(depth - 1)), {
      minKeys: 1,
      maxKeys: 4,
      noNullPrototype: true,
    }) as fc.Arbitrary<Tree>,
);

/** Writes a tree as YAML with noise between the lines, noting where each field went. */
function write(
  node: Tree,
  noise: () => readonly string[],
  out: Written,
  parent: { path: (string | number)[]; indent: string },
): Written {
  for (const [name, value] of Object.entries(node)) {
    out.lines.push(...noise());
    const path = [...parent.path, name];
    const isText = typeof value === 'string';
    out.lines.push(`${parent.indent}${name}:${isText ? ` ${value}` : ''}`);
    out.places.push([path, out.lines.length]);
    if (Array.isArray(value)) {
      value.forEach((item: string, index) => {
        out.lines.push(...noise(), `${parent.indent}  - ${item}`);
        out.places.push([[...path, index], out.lines.length]);
      });
    } else if (!isText) {
      write(value as Tree, noise, out, { path, indent: `${parent.indent}  ` });
    }
  }
  return out;
}

const documents = fc
  .tuple(
    tree(3),
    fc.infiniteStream(
      fc.constantFrom([], [], [''], ['# a: comment'], ['', '']) as fc.Arbitrary<string[]>,
    ),
  )
  .map(([node, stream]) => {
    const noise = () => stream.next().value ?? [];
    return write(node, noise, { lines: [], places: [] }, { path: [], indent: '' });
  });

describe('lines', () => {
  test('every field of any document is found on its line, whatever the line end', () => {
    fc.assert(
      fc.property(documents, fc.constantFrom('\n', '\r\n'), ({ lines, places }, end) => {
        const file = parsed(lines.join(end));
        for (const [path, line] of places) expect(file.lineOf(path)).toBe(line);
      }),
    );
  });

  test('a key written again anywhere is refused with both lines', () => {
    fc.assert(
      fc.property(documents, fc.nat(), ({ lines, places }, choice) => {
        const tops = places.filter(([path]) => path.length === 1);
        const [path, line] = tops[choice % tops.length] ?? [[], 0];
        const text = [...lines, `${path.join()}: again`].join('\n');
        const found = `a second time (line ${line} is the first)`;
        const refusal = `${lines.length + 1} ${path.join()}: ${found} / every key once`;
        expect(refusals(text)).toEqual([refusal]);
      }),
    );
  });

  test('an indenting tab anywhere is refused on its line', () => {
    fc.assert(
      fc.property(documents, ({ lines }) => {
        const text = [...lines, 'zone:', '\tinner: 1'].join('\n');
        expect(refusals(text)).toEqual([`${lines.length + 2} : a tab as indentation / spaces`]);
      }),
    );
  });

  test('what is not there is on the line of what is around it', () => {
    const file = parsed('# head\n\na: 1\nb:\n  c: 2\nd:\n  - e: 1\n  - f: 1\n');
    expect(file.lineOf([])).toBe(3);
    expect(file.lineOf(['z'])).toBe(3);
    expect(file.lineOf(['b', 'z'])).toBe(4);
    expect(file.lineOf(['d', 1, 'z'])).toBe(8);
    expect(file.lineOf(['d', 7])).toBe(6);
  });

  test('what an alias stands for is on the line of its anchor', () => {
    expect(parsed('a: &x\n  b: 1\nc: *x\n').lineOf(['c', 'b'])).toBe(2);
  });

  test('any text is data or a refusal with a line inside the text, never a throw', () => {
    const pieces = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '\t',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '&a',
      '*a',
      '!t',
      '#',
      '|',
      '>',
      '? ',
      '---\n',
      '...',
      ',',
      '%',
      '@',
      '\uFEFF',
      '\0',
      '<<: ',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        const reading = parseConfigText(text);
        if (reading.ok) return;
        expect(reading.problems.length).toBeGreaterThan(0);
        for (const { line = 1, found } of reading.problems) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(text.split('\n').length);
          expect(found).not.toContain('\n');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what YAML allows and a configuration does not', () => {
  test.each([
    [
      'a key that is no text',
      '? [a]\n: 1\n',
      '1 : a key that is not text / a plain or quoted word',
    ],
    [
      'an alias in itself',
      'a: &a [b, *a]\n',
      '1 a.1: alias *a inside what it stands for / an alias of something else',
    ],
    ['a prototype', 'a: 1\n__proto__: 2\n', '2 __proto__: an unknown key / no such key'],
    [
      'a merge key in a merge key',
      'a: &a {b: 1}\na: {<<: *a}\n',
      '2 a: a second time (line 1 is the first) / every key once',
    ],
  ])('%s', (_, text, line) => {
    expect(refusals(text)).toEqual([line]);
  });

  test('a bomb of aliases is refused instead of unpacked', () => {
    const levels = ['a: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level++) {
      levels.push(
        `b${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    }
    expect(refusals(levels.join('\n'))).toEqual([
      'undefined : too many aliases / at most 64 values by alias',
    ]);
  });

  test('thousands of brackets are refused', () => {
    expect(refusals(`a: ${'['.repeat(100_000)}`)[0]).toContain('too deeply nested YAML');
  });

  test('text is 1.2: yes and no are words, an octal is one only with 0o', () => {
    expect(parsed('a: yes\nb: 010\nc: 12:30\n').value).toEqual({ a: 'yes', b: 10, c: '12:30' });
  });
});

describe('files', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'yoke-files-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const found = () => {
    const reading = readConfigFile(directory, 'node.yaml');
    return reading.ok ? 'read' : reading.problems.map((problem) => problem.found);
  };

  test('absent', () => {
    expect(found()).toEqual(['no such file']);
  });

  test('a directory', () => {
    mkdirSync(join(directory, 'node.yaml'));
    expect(found()).toEqual(['something that is not a file']);
  });

  test('bytes that are not UTF-8', () => {
    writeFileSync(join(directory, 'node.yaml'), Uint8Array.of(0x61, 0x3a, 0x20, 0xff));
    expect(found()).toEqual(['bytes that are not UTF-8']);
  });

  test('far too large', () => {
    writeFileSync(join(directory, 'node.yaml'), '#'.repeat(1_048_577));
    expect(found()).toEqual(['1048577 bytes, over 1 MiB']);
  });

  test.skipIf(process.getuid?.() === 0)('without permission', () => {
    writeFileSync(join(directory, 'node.yaml'), 'a: 1');
    chmodSync(join(directory, 'node.yaml'), 0);
    expect(found()).toEqual(['a file without permission to read it']);
  });
});
