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
    const { rules, routes } = this.#plan(text);
    const script = `${stage(routes)}\n${commands({ rules: [], routes: [] }, { rules, routes })}`;
    return (await runProgram('unshare', ['--net', 'ip', '-batch', '-'], script)).refusal;
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
  const list = async (...args: readonly string[]) => (await runProgram('ip', args)).output;
  return {
    rules: [
      ...ownRules(await list('-4', '-json', 'rule', 'show'), ''),
      ...ownRules(await list('-6', '-json', 'rule', 'show'), '-6 '),
    ],
    routes: [
      ...ownRoutes(await list('-4', '-json', 'route', 'show', 'table', 'all'), ''),
      ...ownRoutes(await list('-6', '-json', 'route', 'show', 'table', 'all'), '-6 '),
    ],
  };
}

async function change(from: Standing, to: Standing): Promise<string | undefined> {
  const script = commands(from, to);
  return script === '' ? undefined : (await runProgram('ip', ['-batch', '-'], script)).refusal;
}

/** The lines of one `ip -batch`: what is added first, then what goes. */
function commands(from: Standing, to: Standing): string {
  const lacking = (wanted: readonly string[], held: readonly string[]) =>
    wanted.filter((each) => !held.includes(each));
  const keys = new Set(to.routes.map(keyOf));
  const lines = [
    ...lacking(to.routes, from.routes).map((each) => command('route replace', each)),
    ...lacking(to.rules, from.rules).map((each) => command('rule add', each)),
    ...lacking(from.rules, to.rules).map((each) => command('rule del', each)),
    // What has been replaced is gone already.
    ...lacking(from.routes, to.routes)
      .filter((each) => !keys.has(keyOf(each)))
      .map((each) => command('route del', each)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** The kernel has one route of a destination, table and metric. */
function keyOf(route: string): string {
  const [family, to] = /^(-6 )?(\S+)/.exec(route)?.slice(1) ?? [];
  return `${family ?? ''}${to} ${/ table \S+/.exec(route)?.[0] ?? ''}`;
}

function command(verb: string, line: string): string {
  return line.startsWith('-6 ') ? `-6 ${verb} ${line.slice(3)}` : `${verb} ${line}`;
}

/** Devices and neighbours as the routes name them. */
function stage(routes: readonly string[]): string {
  const hops = routes.flatMap((route) => [...route.matchAll(/via (\S+) dev (\S+)/g)]);
  const devices = [...new Set(hops.map(([, , device]) => device))];
  const near = new Set(hops.map(([, via, device]) => `${via} dev ${device}`));
  return [
    ...devices.flatMap((device) => [`link add ${device} type bridge`, `link set ${device} up`]),
    ...[...near].flatMap((each) => {
      if (each.startsWith('fe80:')) return [];
      return [`${each.includes(':') ? '-6 ' : ''}route add ${each}`];
    }),
  ].join('\n');
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
