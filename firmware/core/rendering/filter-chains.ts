/**
 * The stateful filter: answers pass, what is amiss is dropped, and the first rule that matches a
 * new connection decides. The rules lie in one chain for each interface by which connections come,
 * so that a packet meets only those it can match.
 */
import type {
  FirewallConfiguration,
  FirewallRule,
  Places,
} from '../configuration/firewall-configuration.ts';
import type { PairConfiguration } from '../configuration/pair-configuration.ts';
import { essentialChains, essentialOutput, lockoutRule } from './essential-chains.ts';
import { forwardedChain } from './nat-chains.ts';
import { anyOf, block, comment, words } from './ruleset-text.ts';
import { trafficTexts } from './traffic-text.ts';
import { zoneDevices, zoneSet } from './zone.ts';

const LOG_LIMIT = 'limit rate 20/second burst 20 packets';
const SYN = 'tcp flags & (fin | syn | rst | ack) == syn';

/** By what a rule is bound to an interface, beside what it matches. */
type Bind = (rule: FirewallRule) => string | undefined;

export function filterChains(configuration: PairConfiguration): string[] {
  const { firewall, interfaces } = configuration;
  if (firewall === undefined) return [];
  const names = interfaces.map(({ name }) => name);
  const forwarded = forwardedChain(configuration);
  return [
    ...limits(firewall),
    ...refusal(firewall),
    ...essentialChains(configuration),
    ...names.flatMap((name) => [
      ...rulesChain(inputName(name), firewall.rules, name, ({ to }) => (to.node ? '' : undefined)),
      ...rulesChain(forwardName(name), firewall.rules, name, ({ to }) =>
        outText(configuration, to),
      ),
    ]),
    ...inputChain(configuration, firewall),
    ...forwarded,
    ...forwardChain(configuration, firewall, forwarded.length > 0),
    ...outputChain(configuration, firewall),
  ];
}

const inputName = (from: string): string => `input_${from}`;
const forwardName = (from: string): string => `forward_${from}`;
const limitName = (rule: string): string => `limit_${rule}`;

/** A rule is written more than once when it is about several interfaces: its limit is one. */
function limits({ rules }: FirewallConfiguration): string[] {
  return rules.flatMap(({ name, limit }) =>
    limit === undefined
      ? []
      : block(`limit ${limitName(name)}`, [`rate ${limit.count}/${limit.unit}`]),
  );
}

/**
 * Only who opens a connection is told: a reset for a packet in the middle of one could end a
 * connection whose state is still on its way from the other node.
 */
function refusal({ rules, default: fallback }: FirewallConfiguration): string[] {
  if (fallback !== 'reject' && rules.every(({ action }) => action !== 'reject')) return [];
  return block('chain refuse', [
    `${SYN} reject with tcp reset`,
    'meta l4proto tcp drop',
    'reject with icmpx admin-prohibited',
  ]);
}

function inputChain(configuration: PairConfiguration, firewall: FirewallConfiguration): string[] {
  return block('chain input', [
    'type filter hook input priority filter; policy drop;',
    'iifname "lo" accept',
    'ct state { established, related } accept',
    'jump essential',
    'ct state invalid drop',
    ...lockoutRule(firewall),
    ...dispatch(configuration, inputName),
    ...fallback(firewall),
  ]);
}

function forwardChain(
  configuration: PairConfiguration,
  firewall: FirewallConfiguration,
  forwards: boolean,
): string[] {
  return block('chain forward', [
    'type filter hook forward priority filter; policy drop;',
    'ct state vmap { established : accept, related : accept, invalid : drop }',
    ...dispatch(configuration, forwardName),
    ...(forwards ? ['ct status dnat jump forwarded'] : []),
    ...fallback(firewall),
  ]);
}

function outputChain(configuration: PairConfiguration, { rules }: FirewallConfiguration): string[] {
  const own = rules.filter(({ from }) => from.node);
  if (own.length === 0) return [];
  return block('chain output', [
    'type filter hook output priority filter; policy accept;',
    ...essentialOutput(),
    ...own.flatMap((rule) => ruleLines(rule, outText(configuration, rule.to))),
  ]);
}

function rulesChain(
  name: string,
  rules: readonly FirewallRule[],
  from: string,
  bind: Bind,
): string[] {
  const here = rules.filter((rule) => rule.from.interfaces?.includes(from) ?? true);
  return block(
    `chain ${name}`,
    here.flatMap((rule) => ruleLines(rule, bind(rule))),
  );
}

/** None for a rule that is not about this way, which `bound` says by being undefined. */
function ruleLines(rule: FirewallRule, bound: string | undefined): string[] {
  if (bound === undefined) return [];
  const { name, action, log, limit } = rule;
  const verdict = action === 'reject' ? 'goto refuse' : action;
  const logging = `log prefix "yoke ${name} ${action}: "`;
  return trafficTexts(rule).flatMap((traffic) => {
    const match = words(bound, traffic);
    if (limit !== undefined) {
      const limited = `limit name "${limitName(name)}"`;
      return [words(match, limited, log ? logging : '', verdict, comment(name))];
    }
    const line = words(match, verdict, comment(name));
    return log ? [words(match, LOG_LIMIT, logging), line] : [line];
  });
}

/** Undefined when it goes to no interface. */
function outText(configuration: PairConfiguration, { interfaces }: Places): string | undefined {
  if (interfaces === undefined) return '';
  const [first, ...more] = interfaces;
  if (first === undefined) return undefined;
  if (more.length === 0) return `oifname @${zoneSet(first)}`;
  const devices = interfaces.flatMap((name) => zoneDevices(configuration, name));
  return `oifname ${anyOf([...new Set(devices)].map((device) => `"${device}"`))}`;
}

function dispatch(configuration: PairConfiguration, chain: (name: string) => string): string[] {
  const ways = configuration.interfaces.flatMap(({ name }) =>
    zoneDevices(configuration, name).map((device) => `"${device}" : jump ${chain(name)}`),
  );
  return ways.length === 0 ? [] : [`iifname vmap { ${ways.join(', ')} }`];
}

function fallback({ default: action, logDefault }: FirewallConfiguration): string[] {
  return [
    ...(logDefault ? [`${LOG_LIMIT} log prefix "yoke default ${action}: "`] : []),
    ...(action === 'reject' ? ['goto refuse'] : []),
  ];
}
