/**
 * What a text of routes (route-text.ts) means with the gateways that groups use now: the rules,
 * routes and settings as this machine should have them.
 */

/** Names of the gateways in use, by name of the group; a group it does not know uses its tier 1. */
type Choice = ReadonlyMap<string, readonly string[]>;

export interface RoutePlan {
  /** `net/ipv4/conf/wan/rp_filter` and the like, below /proc/sys. */
  readonly sysctls: readonly { readonly path: string; readonly value: string }[];
  /** Without `rule add`; `-6 ` in front of those of IPv6. */
  readonly rules: readonly string[];
  /** Without `route add`, the same way; several next hops are in the order of the text. */
  readonly routes: readonly string[];
}

const SYSCTL = /^sysctl (\S+) (\S+)$/;
const RULE = /^(-6 )?rule add (.+)$/;
const ROUTE = /^(-6 )?route add (.+)$/;
const MEMBER = /^group (\S+) (\S+) tier (\d): (.+)$/;
const SHARED = /^(.*?)(nexthop via \S+ dev \S+ weight \d+)$/;

interface Member {
  readonly group: string;
  readonly gateway: string;
  readonly tier: number;
  readonly route: string;
}

export function routePlan(text: string, choice: Choice): RoutePlan {
  const lines = text.split('\n');
  const members = lines.flatMap(memberOf);
  const shared = new Map<string, string[]>();
  for (const member of members) {
    if (!isInUse(member, members, choice)) continue;
    const [, route = '', hop = ''] = SHARED.exec(member.route) ?? [];
    shared.set(route, [...(shared.get(route) ?? []), hop]);
  }
  return {
    sysctls: lines.flatMap((line) => {
      const [, path, value] = SYSCTL.exec(line) ?? [];
      return path === undefined || value === undefined ? [] : [{ path, value }];
    }),
    rules: lines.flatMap((line) => commandOf(RULE, line)),
    routes: [
      ...lines.flatMap((line) => commandOf(ROUTE, line)),
      ...[...shared].flatMap(([route, hops]) => commandOf(ROUTE, joined(route, hops))),
    ],
  };
}

function memberOf(line: string): Member[] {
  const [, group, gateway, tier, route] = MEMBER.exec(line) ?? [];
  if (group === undefined || gateway === undefined || route === undefined) return [];
  return [{ group, gateway, tier: Number(tier), route }];
}

function isInUse(
  { group, gateway, tier }: Member,
  all: readonly Member[],
  choice: Choice,
): boolean {
  const rivals = all.filter((each) => each.group === group);
  const chosen = (choice.get(group) ?? []).filter((name) =>
    rivals.some((each) => each.gateway === name),
  );
  if (chosen.length > 0) return chosen.includes(gateway);
  return rivals.every((each) => each.tier >= tier);
}

/** One next hop is an ordinary route: the kernel shows it so. */
function joined(route: string, hops: readonly string[]): string {
  const [only = ''] = hops;
  if (hops.length > 1) return `${route}${hops.join(' ')}`;
  return `${route}${only.replace(/^nexthop /, '').replace(/ weight \d+$/, '')}`;
}

function commandOf(pattern: RegExp, line: string): string[] {
  const [, family = '', command] = pattern.exec(line) ?? [];
  return command === undefined ? [] : [`${family}${command}`];
}
