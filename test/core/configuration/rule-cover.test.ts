// Which rules can never match: compared with asking every packet of a small world.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Aliases } from '../../../firmware/core/configuration/aliases.ts';
import {
  type FirewallRule,
  firewallRule,
  of,
  type Places,
  type RuleDocument,
} from '../../../firmware/core/configuration/firewall-configuration.ts';
import { coveredRules } from '../../../firmware/core/configuration/rule-cover.ts';
import type { Spans } from '../../../firmware/core/configuration/spans.ts';

const INTERFACES = ['lan', 'wan'];
const [LAN, WAN] = ['10.0.0.0/31', '10.0.0.1-10.0.0.2'];

const ruleDocument = fc.record({
  name: fc.constant('r'),
  from: fc.constantFrom('any', 'lan', ['wan', 'node'], ['lan', 'wan'], 'node'),
  to: fc.constantFrom('any', 'wan', ['any', 'node'], 'node'),
  action: fc.constantFrom('accept', 'drop'),
  family: fc.constantFrom('any', 'ipv4', 'ipv6'),
  protocol: fc.constantFrom('any', 'tcp', ['tcp', 'udp'], 'icmp'),
  source: fc.constantFrom('any', LAN, [LAN, 'fd00::1'], 'fd00::/127'),
  destination: fc.constantFrom('any', WAN, '10.0.0.1', [WAN, 'fd00::/126']),
  sourcePorts: fc.constant('any'),
  ports: fc.constantFrom('any', '1-2', 2, [1, 3]),
  log: fc.constant(false),
  limit: fc.option(fc.constant('10/second'), { nil: undefined, freq: 8 }),
});

interface Packet {
  readonly family: 4 | 6;
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly source: bigint;
  readonly destination: bigint;
  readonly port: bigint;
}

const FD00 = 0xfd00n << 112n;
const packets: readonly Packet[] = [4, 6].flatMap((family) =>
  ['lan', 'wan', 'node'].flatMap((from) =>
    ['lan', 'wan', 'node'].flatMap((to) =>
      (family === 4 ? [6, 17, 1, 47] : [6, 17, 58, 47]).flatMap((protocol) =>
        [0n, 1n, 2n, 3n].flatMap((source) =>
          [0n, 1n, 2n, 3n].flatMap((destination) =>
            [1n, 2n, 3n, 4n].map((port) => {
              const base = family === 4 ? 10n << 24n : FD00;
              return {
                family: family as 4 | 6,
                from,
                to,
                protocol,
                source: base + source,
                destination: base + destination,
                port,
              };
            }),
          ),
        ),
      ),
    ),
  ),
);

const holds = (spans: Spans | undefined, number: bigint): boolean =>
  spans === undefined || spans.some(({ first, last }) => first <= number && number <= last);

const isAt = ({ interfaces, node }: Places, place: string): boolean =>
  place === 'node' ? node : (interfaces?.includes(place) ?? true);

function matches(rule: FirewallRule, packet: Packet): boolean {
  const { family } = packet;
  return (
    rule.families.includes(family) &&
    isAt(rule.from, packet.from) &&
    isAt(rule.to, packet.to) &&
    (rule.protocols?.includes(packet.protocol) ?? true) &&
    holds(rule.source && of(rule.source, family), packet.source) &&
    holds(rule.destination && of(rule.destination, family), packet.destination) &&
    holds(rule.ports?.spans, packet.port)
  );
}

test('a rule that is called covered matches nothing that the earlier one leaves over', () => {
  fc.assert(
    fc.property(fc.array(ruleDocument, { minLength: 2, maxLength: 8 }), (documents) => {
      const rules = documents.map((each) => firewallRule(each as RuleDocument, new Aliases()));
      const covered = new Map(coveredRules(rules, INTERFACES).map(({ index, by }) => [index, by]));
      rules.forEach((rule, index) => {
        const by = rules[covered.get(index) ?? index];
        if (by === undefined || by === rule) return;
        expect(packets.filter((packet) => matches(rule, packet) && !matches(by, packet))).toEqual(
          [],
        );
        expect(by.limit).toBeUndefined();
      });
    }),
    { numRuns: 60 },
  );
});

test('one rule that takes all of another is found', () => {
  const document = (fields: Partial<RuleDocument>): RuleDocument => ({
    name: 'r',
    from: 'any',
    to: 'any',
    action: 'accept',
    family: 'any',
    protocol: 'any',
    source: 'any',
    destination: 'any',
    sourcePorts: 'any',
    ports: 'any',
    log: false,
    ...fields,
  });
  const covers = (broad: Partial<RuleDocument>, narrow: Partial<RuleDocument>): boolean => {
    const rules = [broad, narrow].map((each) => firewallRule(document(each), new Aliases()));
    return coveredRules(rules, INTERFACES).length === 1;
  };
  expect(covers({}, { source: '192.0.2.1' })).toBe(true);
  expect(covers({ from: 'any' }, { from: ['lan', 'wan'] })).toBe(true);
  expect(covers({ from: ['lan', 'wan', 'node'] }, { from: ['wan', 'lan'] })).toBe(true);
  expect(covers({ from: 'any' }, { from: 'node' })).toBe(false);
  expect(covers({ limit: '1/second' }, {})).toBe(false);
  expect(covers({ family: 'ipv4' }, {})).toBe(false);
  expect(covers({ family: 'ipv4' }, { destination: '192.0.2.1' })).toBe(true);
  expect(covers({ source: '10.0.0.0/8' }, { source: ['10.1.0.0/16', '11.0.0.1'] })).toBe(false);
  const tcp = { protocol: 'tcp' } as const;
  expect(covers({ ...tcp, ports: [80, '81-90'] }, { ...tcp, ports: '80-90' })).toBe(true);
  expect(covers({ ...tcp, ports: '1-89' }, { ...tcp, ports: '80-90' })).toBe(false);
});
