/**
 * The rules of the house, kept by the build. Each rule is first shown to catch what it is for, in
 * every form it knows, then held against the whole repository.
 */
import { describe, expect, it } from 'vitest';
import { homelessFiles, wrongArrows } from './import-rules.ts';
import { emptyNames, looseLockFile, namesNotKebab, workplaceMentions } from './name-rules.ts';
import { impureRooms, syntaxNotErasable } from './purity-rules.ts';
import { longFiles, longFunctions, longLines } from './size-rules.ts';
import { type Finding, type Rule, repositorySources, sourceOf } from './source.ts';
import { sleepingTests, testsLeftOut, testsWithoutTwin } from './test-rules.ts';
import { deadFirmware, deadTooling, headlessFiles } from './use-rules.ts';

/** A small repository by path; each rule is given one that breaks it, and one that does not. */
type Files = Readonly<Record<string, string>>;

interface Case {
  readonly rule: Rule;
  /** Every file in here must be found, one finding each at least. */
  readonly bad: Files;
  /** Nothing in here may be found. */
  readonly good: Files;
}

const lines = (count: number, line = 'x();') =>
  Array.from({ length: count }, () => line).join('\n');
const lock = (resolved: string | undefined) =>
  JSON.stringify({ packages: { '': {}, 'node_modules/a': { resolved, integrity: 'sha512-x' } } });
const address = (host: string) => `https://${host}/a/-/a-1.0.0.tgz`;
const npm = ['registry', 'npmjs', 'org'].join('.');

const CASES: Readonly<Record<string, Case>> = {
  'imports follow the arrows between rooms': {
    rule: wrongArrows,
    bad: {
      'firmware/wire/a.ts': "import { b } from '../core/b.ts';",
      'firmware/wire/b.ts': "import { createHmac } from 'node:crypto';",
      'firmware/wire/c.ts': "import type { Socket } from 'node:net';",
      'firmware/wire/d.ts': "import { z } from 'zod';",
      'firmware/core/a.ts': "import type { K } from '../kernel/kernel.ts';",
      'firmware/core/b.ts': "export { decode } from '../wire/a.ts';",
      'firmware/core/c.ts': "const fs = import('node:fs');",
      'firmware/core/d.ts': "type S = import('node:net').Socket;",
      'firmware/core/election/e.ts': "import { z } from 'zod';",
      'firmware/core/f.ts': "import { f } from '../../test/core/f.ts';",
      'firmware/kernel/a.ts': "import type { State } from '../core/election/states.ts';",
      'firmware/kernel/b.ts': "export * from '../service/b.ts';",
      'firmware/kernel/c.ts': "import { seconds } from '../core/time.ts';",
      'firmware/service/a.ts': "import { parse } from 'yaml';",
      'firmware/service/b.ts': "import '../main.ts';",
      'firmware/service/c.ts': "new Worker(new URL('../../scripts/c.ts', import.meta.url));",
      'firmware/service/d.ts': "import { show } from '../cli/status.ts';",
      'firmware/cli/a.ts': "import { parse } from 'yaml';",
      'firmware/main.ts': "import { parse } from 'yaml';",
    },
    good: {
      'firmware/wire/keyed-digest.ts': "import { createHmac } from 'node:crypto';",
      'firmware/wire/a.ts': "import { b } from './b.ts';",
      'firmware/core/election/a.ts': "import type { A } from '../../wire/a.ts';",
      'firmware/core/b.ts': "import { type A, type B } from '../wire/a.ts';",
      'firmware/core/c.ts': "import { prefixContains } from '../wire/ip-address.ts';",
      'firmware/core/configuration/schema.ts': "import { z } from 'zod';",
      'firmware/kernel/a.ts': "import fs from 'node:fs'; import { parse } from 'yaml';",
      'firmware/kernel/b.ts': "import type { Instant } from '../core/time.ts';",
      'firmware/kernel/engines/c.ts':
        "import type { P } from '../../core/configuration/pair-configuration.ts';",
      'firmware/service/a.ts': "import { a } from '../kernel/a.ts'; import 'node:http';",
      'firmware/cli/a.ts': "import { a } from '../core/a.ts'; import 'node:http';",
      'firmware/cli/b.ts': "import pack from '../../package.json' with { type: 'json' };",
      'firmware/main.ts': "import { a } from './service/a.ts'; import './cli/b.ts';",
      'test/core/a.test.ts': "import { a } from '../../firmware/core/a.ts';",
    },
  },
  'every firmware file lives in a room': {
    rule: homelessFiles,
    bad: { 'firmware/extra.ts': '', 'firmware/tools/a.ts': '' },
    good: { 'firmware/main.ts': '', 'firmware/core/election/a.ts': '', 'scripts/a.ts': '' },
  },
  'wire and core are pure and synchronous': {
    rule: impureRooms,
    bad: {
      'firmware/wire/a.ts': 'const t = Date.now();',
      'firmware/wire/b.ts': 'const t = performance.now();',
      'firmware/wire/c.ts': 'const r = Math.random();',
      'firmware/core/d.ts': 'setTimeout(f, 1);',
      'firmware/core/e.ts': 'async function f() {}',
      'firmware/core/f.ts': 'const f = async () => 1;',
      'firmware/core/g.ts': 'export default await f();',
      'firmware/core/h.ts': 'const e = process.env.A;',
      'firmware/core/i.ts': 'const g = globalThis.a;',
      'firmware/core/j.ts': 'const d = new Date();',
      'firmware/core/m.ts': 'const d = new Foo(Date.now());',
      'firmware/core/k.ts': 'const o = { process };',
      'firmware/core/l.ts': 'class A { async run() {} }',
    },
    good: {
      'firmware/core/a.ts': 'const a = { process: 1, ["x"]: 2 }; b.process.performance();',
      'firmware/core/b.ts': 'interface A { crypto: string } const r = Math.max(1, 2);',
      'firmware/core/c.ts': 'const text = new Date(at).toISOString(); Date.parse(text);',
      'firmware/service/c.ts': 'async function f() { await Date.now(); }',
    },
  },
  'types can be erased': {
    rule: syntaxNotErasable,
    bad: {
      'firmware/core/a.ts': 'enum A { B }',
      'test/a.ts': 'const enum A { B }',
      'scripts/a.ts': 'namespace A { export const b = 1; }',
      'firmware/core/b.ts': 'class A { constructor(private readonly b: number) {} }',
      'firmware/core/c.ts': '@sealed class A {}',
      'firmware/core/d.ts': "import fs = require('fs');",
    },
    good: { 'firmware/core/a.ts': "type A = 'b'; declare const b: unique symbol;" },
  },
  'files are short': {
    rule: longFiles,
    bad: { 'firmware/core/a.ts': lines(601), 'firmware/kernel/native/a.c': lines(601) },
    good: { 'firmware/core/a.ts': `${lines(600)}\n`, 'test/wire/vectors.json': lines(700) },
  },
  'functions are short': {
    rule: longFunctions,
    bad: {
      'firmware/core/a.ts': `function f() {\n${lines(69)}\n}`,
      'firmware/core/b.ts': `const f = () => {\n${lines(69)}\n};`,
      'firmware/core/c.ts': `class A { m() {\n${lines(69)}\n} }`,
      'test/core/a.test.ts': `it('does', () => {\n${lines(69)}\n});`,
    },
    good: {
      'firmware/core/a.ts': `function f() {\n${lines(68)}\n}`,
      'test/core/a.test.ts': `describe('a', () => {\n${lines(90)}\n});`,
      'test/core/b.test.ts': `describe.each([1])('a', () => {\n${lines(90)}\n});`,
    },
  },
  'lines are short': {
    rule: longLines,
    bad: { 'firmware/core/a.ts': `// ${'x'.repeat(98)}` },
    good: { 'firmware/core/a.ts': `// ${'x'.repeat(97)}`, 'README.md': 'x'.repeat(200) },
  },
  'names mean something': {
    rule: emptyNames,
    bad: {
      'firmware/core/utils.ts': '',
      'firmware/core/address-types.ts': '',
      'firmware/service/vip-manager.ts': '',
      'firmware/shared/a.ts': '',
      'test/core/helpers.test.ts': '',
    },
    good: { 'firmware/core/advbase.ts': '', 'firmware/core/election/typesetter.ts': '' },
  },
  'names are kebab-case': {
    rule: namesNotKebab,
    bad: { 'firmware/core/linkWatch.ts': '', 'test/Rack/a.ts': '', 'scripts/a_b.sh': '' },
    good: { 'test/rack/README.md': '', 'test/core/a-b.test.ts': '', 'README.md': '' },
  },
  'nothing names a workplace': {
    rule: workplaceMentions,
    bad: {
      'README.md': `see ${['', 'work', 'x'].join('/')}`,
      Makefile: `curl ${address(npm)}`,
      'package-lock.json': lock(address(['registry', 'example', 'com'].join('.'))),
    },
    good: { 'package-lock.json': lock(address(npm)), 'README.md': 'how they work/live' },
  },
  'the lock file names every package at its origin': {
    rule: looseLockFile,
    bad: { 'package-lock.json': lock(undefined) },
    good: { 'package-lock.json': lock(address(npm)) },
  },
  'no firmware is dead': {
    rule: deadFirmware,
    bad: { 'firmware/core/a.ts': "import './b.ts';", 'firmware/core/b.ts': '' },
    good: {
      'firmware/main.ts': "import './core/a.ts';",
      'firmware/core/a.ts': "import type { B } from './b.ts';",
      'firmware/core/b.ts': '',
      'firmware/service/election-thread.ts': "await import('./c.ts');",
      'firmware/service/c.ts': '',
    },
  },
  'no script or part of a test is dead': {
    rule: deadTooling,
    bad: { 'test/core/a.ts': '', 'scripts/a.ts': '', 'test/rack/demo.ts': '' },
    good: {
      Makefile: 'demo:\n\t$(NODE) test/rack/demo.ts',
      'test/rack/demo.ts': "import './rack.ts';",
      'test/rack/rack.ts': "spawn(node, ['test/rack/probe.ts']);",
      'test/rack/probe.ts': '',
      'test/core/a.test.ts': "new Worker(new URL('./worker.ts', import.meta.url));",
      'test/core/worker.ts': '',
    },
  },
  'firmware files begin by saying what they are': {
    rule: headlessFiles,
    bad: { 'firmware/core/a.ts': "import './b.ts';", 'firmware/kernel/native/a.c': '#include <a>' },
    good: { 'firmware/core/a.ts': '/** A. */', 'firmware/core/b.ts': '// B.' },
  },
  'tests mirror the firmware': {
    rule: testsWithoutTwin,
    bad: { 'test/core/a.test.ts': '', 'test/wire/deep/b.test.ts': '' },
    good: {
      'firmware/core/a.ts': '',
      'test/core/a.test.ts': '',
      'firmware/kernel/native/b.c': '',
      'test/kernel/native/b.test.ts': '',
      'test/rack/power.test.ts': '',
    },
  },
  'no test is left out': {
    rule: testsLeftOut,
    bad: {
      'test/a.test.ts': "it.only('x', f);",
      'test/b.test.ts': "describe.only('x', f);",
      'test/c.test.ts': "test.skip('x', f);",
      'test/d.test.ts': "describe.skip.each([1])('x', f);",
      'test/e.test.ts': "it.todo('x');",
    },
    good: { 'test/a.test.ts': "it('x', f); it.each([1])('y', f); list.skip(1);" },
  },
  'tests await events, not the clock': {
    rule: sleepingTests,
    bad: {
      'test/core/a.test.ts': 'await new Promise((done) => setTimeout(done, 50));',
      'test/core/b.test.ts': 'await new Promise((done) => setTimeout(() => done(1), 50));',
      'test/core/c.test.ts': "import { setTimeout } from 'node:timers/promises';",
      'test/kernel/d.test.ts': 'Atomics.wait(cells, 0, 0, 50);',
    },
    good: {
      'test/core/a.test.ts': 'new Promise((done, fail) => setTimeout(() => fail(late), 5000));',
      'test/rack/a.test.ts': 'await new Promise((done) => setTimeout(done, 50));',
    },
  },
};

const sourcesOf = (files: Files) =>
  Object.entries(files).map(([path, text]) => sourceOf(path, text));
const written = ({ path, line, remedy }: Finding) => `${path}:${line}: ${remedy}`;

describe.each(Object.entries(CASES))('%s', (_, { rule, bad, good }) => {
  it('is broken by each bad example', () => {
    const found = new Set(rule(sourcesOf(bad)).map(({ path }) => path));
    expect([...found].sort()).toEqual(Object.keys(bad).sort());
  });

  it('is kept by the good examples', () => {
    expect(rule(sourcesOf(good)).map(written)).toEqual([]);
  });

  it('is kept by this repository', () => {
    expect(rule(repository).map(written)).toEqual([]);
  });
});

const repository = repositorySources();

it('sees the repository it judges', () => {
  expect(repository.map(({ path }) => path)).toContain('test/house/the-house.test.ts');
  expect(repository.map(({ path }) => path)).toContain('.ci/run');
});
