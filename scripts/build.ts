/**
 * Builds everything that ships into build/: the bundles, the launcher and the native addon.
 *
 * The addon is one shared object per processor, compiled by plain gcc against the headers inside
 * the npm package of Node: no node-gyp, no download. Node-API keeps it valid across Node versions.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = dirname(import.meta.dirname);
const output = join(root, 'build');
const nativeSources = join(root, 'firmware/kernel/native');
const entries = {
  yoke: 'firmware/main.ts',
  'election-thread': 'firmware/service/election-thread.ts',
};
/** Some npm packages are CommonJS inside and call `require`, which an ES module does not have. */
const banner = [
  "import { createRequire as createRequireForBundle } from 'node:module';",
  'const require = createRequireForBundle(import.meta.url);',
].join('\n');

function fail(reason: string): never {
  console.error(`build: ${reason}`);
  process.exit(1);
}

/** Runs a compiler; returns false when there is no such command. */
function compile(command: string, args: readonly string[]): boolean {
  const result = spawnSync(command, args, { stdio: 'inherit' });
  if (result.error !== undefined && 'code' in result.error && result.error.code === 'ENOENT') {
    return false;
  }
  if (result.status !== 0) fail(`${command} failed`);
  return true;
}

function newest(files: readonly string[]): number {
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

function nodeHeaders(): string {
  const found = globSync('node_modules/node-linux-*/include/node/node_api.h', { cwd: root })[0];
  if (found === undefined) fail('no Node headers in node_modules: run make setup');
  return join(root, dirname(found));
}

/** Compiles the C files of the addon into build/native/yoke-<arch>.node, unless up to date. */
function buildAddon(arch: string, compiler: string): void {
  const sources = globSync('*.c', { cwd: nativeSources }).sort();
  if (sources.length === 0) fail('no C files in firmware/kernel/native');
  const inputs = globSync('*.{c,h}', { cwd: nativeSources }).map((f) => join(nativeSources, f));
  const target = join(output, 'native', `yoke-${arch}.node`);
  if (existsSync(target) && newest([...inputs, import.meta.filename]) < statSync(target).mtimeMs) {
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  // Renamed into place: a running process keeps the file it has mapped.
  const fresh = `${target}.${process.pid}`;
  const flags = '-std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -s'.split(
    ' ',
  );
  const files = sources.map((file) => join(nativeSources, file));
  if (compile(compiler, [...flags, `-I${nodeHeaders()}`, ...files, '-o', fresh])) {
    renameSync(fresh, target);
    console.log(`build: native/yoke-${arch}.node`);
  } else if (arch === process.arch) {
    fail(`${compiler} is missing: run make setup`);
  } else {
    console.log(`build: no ${compiler}, so no addon for ${arch}`);
  }
}

async function buildBundles(): Promise<void> {
  for (const entry of Object.values(entries)) {
    if (!existsSync(join(root, entry))) fail(`${entry} does not exist`);
  }
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: output,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    sourcemap: true,
    banner: { js: banner },
    logLevel: 'warning',
  }).catch(() => fail('esbuild failed')); // esbuild has printed why
}

function installLauncher(): void {
  const target = join(output, 'yoke');
  rmSync(target, { force: true });
  copyFileSync(join(import.meta.dirname, 'launcher.sh'), target);
  chmodSync(target, 0o755);
}

mkdirSync(output, { recursive: true });
buildAddon(process.arch, 'gcc');
if (process.arch !== 'arm64') buildAddon('arm64', 'aarch64-linux-gnu-gcc');
await buildBundles();
installLauncher();
