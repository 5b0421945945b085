// Every mistake in aliases and rules is one line that says what is there and what should be.
import { describe, expect, test } from 'vitest';
import { NODE, problemsOf } from './filter-stage.ts';

const rule = (fields: string) => `firewall: { rules: [{ name: r, action: accept, ${fields} }] }`;

describe('aliases', () => {
  test.each([
    [
      'a name that is not there',
      'aliases: { addresses: { office: [192.168.1.0/24], all: [ofice] } }',
      'aliases.addresses.all[0]: found "ofice", which is no alias of addresses, ' +
        'expected office (the nearest alias of addresses)',
    ],
    [
      'a circle',
      'aliases: { ports: { a: [b, 80], b: [c], c: [a] } }',
      'aliases.ports.a: found an alias that leads to itself: a -> b -> c -> a, ' +
        'expected addresses or ports in the end',
    ],
    [
      'no address',
      'aliases: { addresses: { office: [192.168.1.0/33] } }',
      'aliases.addresses.office[0]: found "192.168.1.0/33", expected an address, a network such ' +
        'as 192.168.1.0/24, a range such as 192.0.2.1-192.0.2.9, or the name of an alias',
    ],
    [
      'a word of rules',
      'aliases: { addresses: { any: [192.0.2.1] } }',
      'aliases.addresses.any: found this name, expected a name of an alias: a letter, then up to ' +
        '31 letters, digits, "-", "_" or "."; not any or none',
    ],
  ])('%s', (_what, areas, problem) => {
    expect(problemsOf(areas)).toContain(problem);
  });

  test('may be deep, but not without end', () => {
    const chain = (length: number) =>
      Array.from({ length }, (_, at) => `a${at}: [${at + 1 < length ? `a${at + 1}` : 80}]`);
    expect(problemsOf(`aliases: { ports: { ${chain(32).join(', ')} } }`)).toEqual([]);
    expect(problemsOf(`aliases: { ports: { ${chain(33).join(', ')} } }`)).toEqual([
      expect.stringContaining('aliases.ports.a0: found too many aliases: a0 -> a1 -> a2'),
    ]);
  });

  test('that name one another many times over are followed in no time', () => {
    const wide = Array.from({ length: 30 }, (_, at) => `a${at}: [${`a${at + 1}, `.repeat(8)}]`);
    expect(problemsOf(`aliases: { ports: { ${wide.join(', ')}, a30: [80] } }`)).toEqual([]);
  });
});

describe('rules', () => {
  test.each([
    [
      'an interface that is not there',
      rule('from: lam'),
      'firewall.rules[0].from: found "lam", which is no interface, expected lan (the nearest ' +
        'interface)',
    ],
    [
      'one of a list',
      rule('to: [dmz, guests]'),
      'firewall.rules[0].to[1]: found "guests", which is no interface, expected one of wan1, ' +
        'wan2, lan, dmz, sync',
    ],
    [
      'an alias that is not there',
      rule('source: offce'),
      'firewall.rules[0].source: found "offce", which is no alias of addresses, ' +
        'expected one that is defined',
    ],
    [
      'ports of any protocol',
      rule('ports: 80'),
      'firewall.rules[0].ports: found ports of any protocol, expected protocol tcp, udp, [tcp, ' +
        'udp], sctp or udplite',
    ],
    [
      'ports of a protocol without any',
      rule('protocol: [tcp, icmp], sourcePorts: 80'),
      'firewall.rules[0].sourcePorts: found ports of protocol 1, expected protocol tcp',
    ],
    [
      'addresses of two families',
      rule('source: 192.0.2.1, destination: "2001:db8::1"'),
      'firewall.rules[0]: found family, protocol, source and destination that are never those of ' +
        'one packet, expected all of IPv4, or all of IPv6',
    ],
    ['ICMP of the other family', rule('family: ipv6, protocol: icmp'), 'never those of one packet'],
    ['the gateway to itself', rule('from: node, to: node'), 'found a rule from the gateway to it'],
    [
      'a name twice',
      'firewall: { rules: [{ name: a, from: lan, action: drop }, { name: a, action: drop }] }',
      'firewall.rules[1].name: found "a", which another rule is called already, expected a name',
    ],
    [
      'a way in that is not there',
      'firewall: { lockout: { interface: lann } }',
      'firewall.lockout.interface: found "lann", which is no interface, expected lan',
    ],
    [
      'a way out for what stays',
      `gateways: { up: { interface: wan1, address: 198.51.100.1 } }
firewall: { rules: [{ name: r, action: drop, gateway: up }] }`,
      'firewall.rules[0].gateway: found a gateway for what the rule does not let pass (drop)',
    ],
    [
      'a way out that is not there',
      `gateways: { isp1: { interface: wan1, address: 198.51.100.1 } }
${rule('gateway: isp')}`,
      'firewall.rules[0].gateway: found "isp", which is no gateway or group, expected isp1',
    ],
    [
      'a rule that never matches',
      `firewall: { rules: [{ name: web, from: lan, action: accept, protocol: tcp, ports: 1-1024 },
        { name: ssh, from: lan, to: dmz, action: drop, protocol: tcp, ports: 22 }] }`,
      'firewall.rules[1]: found rule ssh, which never matches: web comes first, expected it ' +
        'before that one, or not at all',
    ],
    ['a limit without a rate', rule('limit: fast'), 'expected a rate such as 10/second'],
  ])('%s', (_what, areas, problem) => {
    expect(problemsOf(areas)).toEqual([expect.stringContaining(problem)]);
  });

  test('all mistakes are told at once', () => {
    const found = problemsOf(rule('from: lam, source: x, ports: 80'));
    expect(found.map((line) => line.split(':')[0])).toEqual([
      'firewall.rules[0].from',
      'firewall.rules[0].source',
      'firewall.rules[0].ports',
    ]);
  });

  test('an alias that is empty makes a rule that matches nothing, which is no mistake', () => {
    expect(
      problemsOf(`aliases: { addresses: { none-yet: [] } }\n${rule('source: none-yet')}`),
    ).toEqual([]);
  });

  test('interfaces that rules could not tell apart', () => {
    const odd = NODE.replace('eth2', `'e"2'`);
    expect(problemsOf('firewall: {}', odd)).toEqual([
      'interfaces.lan.device: found "e\\"2", which no rule of a firewall can name, expected a ' +
        'device without ", \\ and * in its name',
    ]);
    expect(problemsOf('{}', odd)).toEqual([]);
    const areas = `firewall: {}
vips:
  - { name: lan, interface: lan, vhid: 1, address: 192.168.1.1/24 }
  - { name: dmz, interface: dmz, vhid: 1, address: 192.168.3.1/24 }`;
    expect(problemsOf(areas)).toEqual([
      'vips[1].vhid: found VHID 1, which VIP lan on lan has, too, expected one of its own, as ' +
        'the firewall tells interfaces by it',
    ]);
    expect(problemsOf(areas.replace('firewall: {}', ''))).toEqual([]);
  });
});
