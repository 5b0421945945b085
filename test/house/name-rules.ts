/** How files are called, and what no file may mention. */
import type { Finding, Rule } from './source.ts';

/** Words that say nothing about what is inside. */
const EMPTY_WORDS = new Set([
  ...['base', 'common', 'lib', 'misc', 'shared', 'stuff'],
  ...['handler', 'handlers', 'helper', 'helpers', 'manager', 'managers'],
  ...['type', 'types', 'util', 'utils'],
]);

const WRITTEN_HERE = /^(firmware|scripts|test)\//;
/** Folders and files: lower-case words and numbers joined by hyphens, then extensions. */
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/;

export const emptyNames: Rule = (sources) =>
  sources
    .filter(({ path }) => WRITTEN_HERE.test(path))
    .flatMap(({ path }) => {
      const words = path.split(/[/.-]/);
      const word = words.find((part) => EMPTY_WORDS.has(part));
      if (word === undefined) return [];
      return [{ path, line: 1, remedy: `'${word}' names nothing: use the noun it is about` }];
    });

export const namesNotKebab: Rule = (sources) =>
  sources
    .filter(({ path }) => WRITTEN_HERE.test(path) && !path.endsWith('/README.md'))
    .filter(({ path }) => path.split('/').some((part) => !KEBAB.test(part)))
    .map(({ path }) => ({ path, line: 1, remedy: 'file and folder names are kebab-case' }));

/** Where npm packages come from, written so that this file does not mention it. */
const DEFAULT_REGISTRY = ['https:/', ['registry', 'npmjs', 'org'].join('.'), ''].join('/');
/** Paths and hosts that exist only where somebody happened to work. */
const WORKPLACE = [new RegExp(`(?<![\\w.])/(${['work', 'farm'].join('|')})/`), /\bregistry\.[a-z]/];

export const workplaceMentions: Rule = (sources) => {
  const findings: Finding[] = [];
  for (const { path, lines } of sources) {
    // The pinned packages are named by address, and only by npm's default one.
    const allowed = path === 'package-lock.json' ? DEFAULT_REGISTRY : undefined;
    lines.forEach((line, index) => {
      const text = allowed === undefined ? line : line.replaceAll(allowed, '');
      if (!WORKPLACE.some((pattern) => pattern.test(text))) return;
      const remedy = 'names a machine or a registry of a workplace: leave it out';
      findings.push({ path, line: index + 1, remedy });
    });
  }
  return findings;
};

/** A package in the lock file without its origin could be another one on another machine. */
export const looseLockFile: Rule = (sources) => {
  const lock = sources.find(({ path }) => path === 'package-lock.json');
  if (lock === undefined) {
    return [{ path: 'package-lock.json', line: 1, remedy: 'is missing: run npm install' }];
  }
  type Entries = Readonly<Record<string, { resolved?: string; integrity?: string }>>;
  const { packages } = JSON.parse(lock.text) as { packages: Entries };
  return Object.entries(packages)
    .filter(([name]) => name !== '')
    .filter(([, entry]) => !entry.resolved?.startsWith(DEFAULT_REGISTRY) || !entry.integrity)
    .map(([name]) => ({
      path: lock.path,
      line: 1,
      remedy: `${name}: npm install --no-omit-lockfile-registry-resolved, default registry`,
    }));
};
