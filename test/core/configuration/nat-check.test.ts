// Every mistake in translations is one line that says what is there and what should be.
import { describe, expect, test } from 'vitest';
import { NODE, problemsOf } from './filter-stage.ts';

const forward = (fields: string) => `nat: { forwards: [{ name: f, ports: 443, ${fields} }] }`;
const web = 'interface: wan1, target: 192.168.1.10';
const rule = (fields: string, mode = 'hybrid') =>
  `nat: { outbound: { mode: ${mode}, rules: [{ name: r, interface: wan1, ${fields} }] } }`;
const oneToOne = (...lists: string[]) =>
  `nat: { oneToOne: [${lists.map((fields) => `{ ${fields} }`).join(', ')}] }`;
const mail = 'name: m, interface: wan1, external: 198.51.100.203, internal: 192.168.3.10';

describe('forwards', () => {
  test.each([
    [
      'a VIP that is not there',
      forward(`${web}, vip: wan3`),
      'nat.forwards[0].vip: found "wan3", which is no VIP, expected wan1 (the nearest VIP)',
    ],
    [
      'a VIP of another interface',
      forward(`${web}, vip: wan2`),
      'nat.forwards[0].vip: found VIP wan2, which is on another interface than wan1, expected wan1',
    ],
    [
      'an address that is no VIP',
      forward(`${web}, vip: 198.51.100.9`),
      'nat.forwards[0].vip: found 198.51.100.9, which no VIP of interface wan1 has, expected an ' +
        'address of wan1',
    ],
    [
      'a target that is nowhere',
      forward('interface: wan1, target: 10.1.1.1'),
      'nat.forwards[0].target: found 10.1.1.1, which is in no network of an interface or route, ' +
        'expected the address of a machine inside',
    ],
    [
      'a target of a family without a VIP',
      forward('interface: wan1, target: "2001:db8:1::10"'),
      'nat.forwards[0].target: found 2001:db8:1::10, while interface wan1 has no virtual IPv6 ' +
        'address, expected a target and a VIP of one family',
    ],
    [
      'sources of another family',
      forward(`${web}, source: "2001:db8::/32"`),
      'nat.forwards[0].source: found addresses of which none is IPv4, as the target is',
    ],
    [
      'one port for a range',
      `nat: { forwards: [{ name: f, ports: 80-90, targetPort: 8080, ${web} }] }`,
      'nat.forwards[0].targetPort: found 8080 for a range of ports, expected single ports',
    ],
    [
      'what another one forwards',
      `nat: { forwards: [{ name: a, ports: [80, 443], ${web} },
        { name: b, ports: 400-500, protocol: [tcp, udp], ${web} }] }`,
      'nat.forwards[1].ports: found ports of 198.51.100.200 that a forwards already, expected ' +
        'other ports, or other sources',
    ],
    [
      'an interface that is not there',
      forward('interface: wan, target: 192.168.1.10'),
      'nat.forwards[0].interface: found "wan", which is no interface, expected wan1',
    ],
  ])('%s', (_what, areas, problem) => {
    expect(problemsOf(areas)).toEqual([expect.stringContaining(problem)]);
  });

  test('a narrow source may come before a broad one', () => {
    const two = (first: string, second: string) =>
      `nat: { forwards: [{ name: a, ports: 80, ${web}, source: ${first} },
        { name: b, ports: 80, ${web}, source: ${second} }] }`;
    expect(problemsOf(two('192.0.2.0/24', 'any'))).toEqual([]);
    expect(problemsOf(two('192.0.2.0/24', '203.0.113.0/24'))).toEqual([]);
    expect(problemsOf(two('any', '192.0.2.0/24'))).toHaveLength(1);
  });
});

describe('outbound rules', () => {
  test.each([
    [
      'rules that nobody asks',
      rule('translate: wan1', 'automatic'),
      'nat.outbound.rules: found rules, which mode automatic does not ask, expected mode hybrid or',
    ],
    [
      'a VIP that is not there',
      rule('translate: wam1'),
      'nat.outbound.rules[0].translate: found "wam1", which is no VIP, expected wan1 (the nearest',
    ],
    [
      'an address that nothing has',
      rule('translate: 198.51.100.77'),
      'found 198.51.100.77, which no VIP of interface wan1 has, expected an address of wan1',
    ],
    [
      'a VIP without the family',
      rule('translate: wan1, source: "2001:db8:1::/64"'),
      'nat.outbound.rules[0].translate: found "wan1", which has no IPv6 address, expected one of',
    ],
  ])('%s', (_what, areas, problem) => {
    expect(problemsOf(areas)).toEqual([expect.stringContaining(problem)]);
  });

  test('nothing is outside of a site without gateways', () => {
    const inner = NODE.replaceAll(/, gateway: [\d.]+/g, '');
    expect(problemsOf('nat: {}', inner)).toEqual([
      'nat.outbound.mode: found mode automatic, while no interface has a gateway, expected a ' +
        'gateway, interfaces beside mode, or mode manual',
    ]);
    expect(problemsOf('nat: { outbound: { interfaces: [wan1] } }', inner)).toEqual([]);
    expect(problemsOf('nat: { outbound: { mode: manual } }', inner)).toEqual([]);
  });
});

test('what is routed to is inside as well', () => {
  const routes = 'routes: [{ to: 10.1.0.0/16, via: 192.168.1.9 }]';
  expect(problemsOf(`${routes}\n${forward('interface: wan1, target: 10.1.1.1')}`)).toEqual([]);
});

describe('one to one', () => {
  test.each([
    [
      'an outer address that is no VIP',
      oneToOne(mail.replace('.203', '.204')),
      'nat.oneToOne[0].external: found 198.51.100.204, which no VIP of interface wan1 has',
    ],
    [
      'a machine that is nowhere',
      oneToOne(mail.replace('192.168.3.10', '10.0.0.1')),
      'nat.oneToOne[0].internal: found 10.0.0.1, which is in no network of an interface',
    ],
    [
      'two families',
      oneToOne(mail.replace('192.168.3.10', '"2001:db8:1::9"')),
      'nat.oneToOne[0].internal: found 2001:db8:1::9, while 198.51.100.203 is IPv4',
    ],
    [
      'an outer address for two',
      oneToOne(mail, mail.replace('m,', 'n,').replace('3.10', '3.11')),
      'nat.oneToOne[1].external: found 198.51.100.203, which m translates already',
    ],
  ])('%s', (_what, areas, problem) => {
    expect(problemsOf(areas)).toEqual([expect.stringContaining(problem)]);
  });

  test('one machine may have an address on each outer interface', () => {
    const second = 'name: n, interface: wan2, external: 203.0.113.203, internal: 192.168.3.10';
    expect(problemsOf(oneToOne(mail, second))).toEqual([]);
  });
});
