/**
 * Which room may import what. The arrows are what keeps the decisions of the firmware free of the
 * machine they run on, and so repeatable in a test.
 *
 *   wire     nothing but itself; node:crypto in keyed-digest and noise-crypto only
 *   core     itself, the record types of wire, IP addresses with their arithmetic;
 *            zod in core/configuration only
 *   kernel   itself, wire, the types of time and of the configuration, node:*, npm packages
 *   service  every room, node:*; no npm package
 *   cli      every room, node:*, the version in package.json; only main.ts imports it
 *   main.ts  every room, node:*
 */
import type { Finding, Import, Rule, Source } from './source.ts';

type Room = 'wire' | 'core' | 'kernel' | 'service' | 'cli' | 'main';

function roomOf(path: string | undefined): Room | undefined {
  const found = /^firmware\/(?:(wire|core|kernel|service|cli)\/|(main)\.ts$)/.exec(path ?? '');
  return (found?.[1] ?? found?.[2]) as Room | undefined;
}

/** Digests and ciphers are the one thing of wire not worth writing ourselves. */
const CRYPTO = new Set(['firmware/wire/keyed-digest.ts', 'firmware/wire/noise-crypto.ts']);

/** An address is a value in both rooms, and comparing two of them belongs to it. */
const IP_ADDRESS = 'firmware/wire/ip-address.ts';

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:');
}

/** Time is an argument everywhere, and what is rendered is rendered from the configuration. */
const SHARED_TYPES = new Set([
  'firmware/core/time.ts',
  'firmware/core/configuration/pair-configuration.ts',
]);

function isSharedType(found: Import): boolean {
  return found.typeOnly && SHARED_TYPES.has(found.target ?? '');
}

/** One judge per room: undefined when the import is allowed, else the remedy. */
const JUDGES: Readonly<Record<Room, (found: Import, path: string) => string | undefined>> = {
  wire(found, path) {
    if (roomOf(found.target) === 'wire') return undefined;
    const mayHash = CRYPTO.has(path) && found.specifier === 'node:crypto';
    return mayHash ? undefined : 'wire imports only wire: take it as an argument';
  },
  core(found, path) {
    const room = roomOf(found.target);
    if (room === 'core') return undefined;
    if (room === 'wire') {
      if (found.typeOnly || found.target === IP_ADDRESS) return undefined;
      return "core takes only types from wire: use 'import type', let service call the codec";
    }
    const schema = path.startsWith('firmware/core/configuration/') && found.specifier === 'zod';
    return schema ? undefined : 'core imports only core and types of wire: make it an input';
  },
  kernel(found) {
    const room = roomOf(found.target);
    if (room === 'kernel' || room === 'wire' || isSharedType(found)) return undefined;
    if (found.target === undefined) return undefined;
    return 'kernel decides nothing and imports only wire: move the decision to core';
  },
  service(found) {
    const room = roomOf(found.target);
    if (room !== undefined && room !== 'main' && room !== 'cli') return undefined;
    if (isBuiltin(found.specifier)) return undefined;
    return 'service only connects rooms: npm packages and parsing belong to kernel, wire or core';
  },
  cli(found) {
    const room = roomOf(found.target);
    if (room !== undefined && room !== 'main') return undefined;
    if (isBuiltin(found.specifier) || found.target === 'package.json') return undefined;
    return 'cli only asks and shows: move this to the room it belongs to';
  },
  main(found) {
    if (roomOf(found.target) !== undefined || isBuiltin(found.specifier)) return undefined;
    return 'main.ts only starts services: move this to the room it belongs to';
  },
};

function judge(source: Source): Finding[] {
  const room = roomOf(source.path);
  if (room === undefined) return [];
  return source.imports.flatMap((found) => {
    const remedy = JUDGES[room](found, source.path);
    if (remedy === undefined) return [];
    return [{ path: source.path, line: found.line, remedy: `${found.specifier}: ${remedy}` }];
  });
}

/** Imports that run against the arrows. */
export const wrongArrows: Rule = (sources) => sources.flatMap(judge);

/** Firmware outside main.ts and the four rooms: no arrow would be watched there. */
export const homelessFiles: Rule = (sources) =>
  sources
    .filter((source) => source.path.startsWith('firmware/') && source.path.endsWith('.ts'))
    .filter((source) => roomOf(source.path) === undefined)
    .map(({ path }) => ({
      path,
      line: 1,
      remedy: 'move it into wire, core, kernel, service or cli',
    }));
