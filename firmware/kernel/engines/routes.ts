/**
 * Routes, rules and the settings that go with them, by ip(8). The kernel has no transaction for
 * routes: what is wanted is put in place before what is not wanted goes, so that nothing is without
 * a way meanwhile, and what the kernel refuses half way is taken back.
 *
 * Ours are the routes of one protocol number and the rules of three preferences; nothing else is
 * looked at.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.ts';
import { ownRoutes, ownRules } from './ip-listing.ts';
import { runProgram } from './program.ts';

/** What this machine should have, as core/gateways/route-plan.ts makes it of the text. */
interface WantedRoutes {
  readonly sysctls: readonly { readonly path: string; readonly value: string }[];
  readonly rules: readonly string[];
  readonly routes: readonly string[];
}

interface Standing {
  readonly rules: readonly string[];
  readonly routes: readonly string[];
}

/** Options of ip(8). */
type Family = '-4' | '-6';
const FAMILIES: readonly Family[] = ['-4', '-6'];
const NOTHING: Standing = { rules: [], routes: [] };

const SYSCTLS = '/proc/sys';
const MOST_SHOWN = 3;

export class RouteEngine implements Engine {
  readonly name = 'routes';
  readonly render: Engine['render'];
  readonly #plan: (text: string) => WantedRoutes;
  /** What was applied last. */
  #applied: string | undefined;
  /** One after another: each looks at what the one before it has left. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `plan`: what a text means with the gateways in use at this moment. */
  constructor(render: Engine['render'], plan: (text: string) => WantedRoutes) {
    this.render = render;
    this.#plan = plan;
  }

  /** Tried out in an empty network namespace that has devices of the same names. */
  async check(text: string): Promise<string | undefined> {
    if (text === '') return undefined;
    const wanted = this.#plan(text);
    for (const family of FAMILIES) {
      const script = `${stage(family, wanted.routes)}${commands(family, NOTHING, wanted)}`;
      const args = ['--net', 'ip', family, '-batch', '-'];
      const { refusal } = await runProgram('unshare', args, script);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  apply(text: string): Promise<string | undefined> {
    return this.#alone(async () => {
      const { sysctls, ...wanted } = this.#plan(text);
      const former = await standing();
      const refusal =
        (await change(former, wanted)) ?? sysctls.map(setSysctl).find((each) => each !== undefined);
      if (refusal === undefined) {
        this.#applied = text;
        return undefined;
      }
      await change(await standing(), former);
      return refusal;
    });
  }

  drift(text: string): Promise<string | undefined> {
    return this.#alone(async () => {
      const { sysctls, rules, routes } = this.#plan(text);
      const found = await standing();
      const lines = [
        ...differences('rule', rules, found.rules),
        ...differences('route', routes, found.routes),
        ...sysctls.flatMap(({ path, value }) => {
          const held = readSysctl(path);
          return held === value ? [] : [`${path} is ${held ?? 'missing'}, not ${value}`];
        }),
      ];
      if (lines.length === 0) return undefined;
      const more = lines.length - MOST_SHOWN;
      const rest = more > 0 ? [`and ${more} more`] : [];
      return [...lines.slice(0, MOST_SHOWN), ...rest].join('\n');
    });
  }

  /** What was applied last, with the gateways in use now. */
  async reapply(): Promise<string | undefined> {
    return this.#applied === undefined ? undefined : this.apply(this.#applied);
  }

  /** Puts back what somebody else has changed; undefined when nothing was. */
  async repair(): Promise<
    { readonly drift: string; readonly refusal: string | undefined } | undefined
  > {
    if (this.#applied === undefined) return undefined;
    const drift = await this.drift(this.#applied);
    if (drift === undefined) return undefined;
    return { drift, refusal: await this.reapply() };
  }

  /** Kept when everything that was begun is done. */
  get settled(): Promise<unknown> {
    return this.#turn;
  }

  #alone<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

async function standing(): Promise<Standing> {
  const lists = await Promise.all(
    FAMILIES.map(async (family) => {
      const rules = await runProgram('ip', [family, '-json', 'rule', 'show']);
      const routes = await runProgram('ip', [family, '-json', 'route', 'show', 'table', 'all']);
      const mark = markOf(family);
      return {
        rules: ownRules(rules.output, mark),
        routes: ownRoutes(routes.output, mark),
      };
    }),
  );
  return {
    rules: lists.flatMap(({ rules }) => rules),
    routes: lists.flatMap(({ routes }) => routes),
  };
}

async function change(from: Standing, to: Standing): Promise<string | undefined> {
  for (const family of FAMILIES) {
    const script = commands(family, from, to);
    if (script === '') continue;
    const { refusal } = await runProgram('ip', [family, '-batch', '-'], script);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** The lines of one `ip -batch`, which is of one family: what is added first, then what goes. */
function commands(family: Family, from: Standing, to: Standing): string {
  const held = ofFamily(family, from);
  const wanted = ofFamily(family, to);
  const lacking = (some: readonly string[], others: readonly string[]) =>
    some.filter((each) => !others.includes(each));
  const keys = new Set(wanted.routes.map(keyOf));
  const lines = [
    ...lacking(wanted.routes, held.routes).map((each) => `route replace ${each}`),
    ...lacking(wanted.rules, held.rules).map((each) => `rule add ${each}`),
    ...lacking(held.rules, wanted.rules).map((each) => `rule del ${each}`),
    // What has been replaced is gone already.
    ...lacking(held.routes, wanted.routes)
      .filter((each) => !keys.has(keyOf(each)))
      .map((each) => `route del ${each}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const markOf = (family: Family): string => (family === '-6' ? '-6 ' : '');

/** The lines of a family, without its mark. */
function ofFamily(family: Family, { rules, routes }: Standing): Standing {
  const own = (lines: readonly string[]) =>
    lines.flatMap((line) => {
      if (line.startsWith('-6 ') !== (family === '-6')) return [];
      return [family === '-6' ? line.slice(3) : line];
    });
  return { rules: own(rules), routes: own(routes) };
}

/** The kernel has one route of a destination, table and metric. */
function keyOf(route: string): string {
  const [to] = route.split(' ');
  return `${to}${/ table \S+/.exec(route)?.[0] ?? ''}`;
}

/** Devices and neighbours as the routes of a family name them. */
function stage(family: Family, all: readonly string[]): string {
  const { routes } = ofFamily(family, { rules: [], routes: all });
  const hops = routes.flatMap((route) => [...route.matchAll(/via (\S+) dev (\S+)/g)]);
  const devices = [...new Set(hops.map(([, , device]) => device))];
  const near = new Set(hops.map(([, via, device]) => `${via} dev ${device}`));
  const lines = [
    ...devices.flatMap((device) => [`link add ${device} type bridge`, `link set ${device} up`]),
    ...[...near].filter((each) => !each.startsWith('fe80:')).map((each) => `route add ${each}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function differences(
  what: string,
  wanted: readonly string[],
  found: readonly string[],
): readonly string[] {
  return [
    ...wanted.filter((each) => !found.includes(each)).map((each) => `${what} missing: ${each}`),
    ...found.filter((each) => !wanted.includes(each)).map((each) => `${what} too many: ${each}`),
  ];
}

function setSysctl({ path, value }: WantedRoutes['sysctls'][number]): string | undefined {
  if (readSysctl(path) === value) return undefined;
  try {
    writeFileSync(join(SYSCTLS, path), value);
    return undefined;
  } catch (error) {
    return `${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function readSysctl(path: string): string | undefined {
  try {
    return readFileSync(join(SYSCTLS, path), 'utf8').trim();
  } catch {
    return undefined;
  }
}
