/** The text of a configuration, and what it means with the gateways in use. */
import { describe, expect, test } from 'vitest';
import { routePlan } from '../../../firmware/core/gateways/route-plan.ts';
import { routeText } from '../../../firmware/core/gateways/route-text.ts';
import { exampleGateway, exampleGroup, exampleRouting, routed } from './example-routing.ts';

const SHARING = [
  { gateway: 'wan1', tier: 1, weight: 3 },
  { gateway: 'wan2', tier: 1, weight: 1 },
];

describe('the text', () => {
  test('of a failover group: rules, a table for each gateway, lines for each member', () => {
    expect(routeText(routed(exampleRouting())).trimEnd().split('\n')).toEqual([
      'sysctl net/ipv4/conf/wan/rp_filter 2',
      'sysctl net/ipv4/conf/wan2/rp_filter 2',
      'rule add pref 100 lookup main suppress_prefixlength 0',
      'rule add pref 110 fwmark 0x10000/0xff0000 lookup 1001',
      'rule add pref 110 fwmark 0x20000/0xff0000 lookup 1002',
      'rule add pref 110 fwmark 0x800000/0xff0000 lookup 1128',
      'rule add pref 120 from 198.51.100.201 lookup 1001',
      'rule add pref 120 from 198.51.100.200 lookup 1001',
      'rule add pref 120 from 203.0.113.201 lookup 1002',
      'rule add pref 120 from 203.0.113.200 lookup 1002',
      'route add default table 1001 proto 121 metric 20 via 198.51.100.1 dev wan',
      'route add default table 1002 proto 121 metric 20 via 203.0.113.1 dev wan2',
      'group failover wan1 tier 1: route add default table 1128 proto 121 ' +
        'metric 20 nexthop via 198.51.100.1 dev wan weight 1',
      'group failover wan2 tier 2: route add default table 1128 proto 121 ' +
        'metric 20 nexthop via 203.0.113.1 dev wan2 weight 1',
      'group failover wan1 tier 1: route add default proto 121 ' +
        'metric 20 nexthop via 198.51.100.1 dev wan weight 1',
      'group failover wan2 tier 2: route add default proto 121 ' +
        'metric 20 nexthop via 203.0.113.1 dev wan2 weight 1',
    ]);
  });

  test('of nothing is empty, of node.yaml alone one default route', () => {
    expect(routeText(routed(undefined))).toBe('');
    const alone = exampleRouting({
      gateways: [],
      groups: [],
      defaults: [],
      nodeDefaults: [{ address: '198.51.100.1', device: 'wan' }],
      routes: [{ to: { address: '10.8.0.0', prefix: 16 }, via: '192.168.1.9', device: 'lan' }],
    });
    expect(routeText(routed(alone))).toBe(
      'route add 10.8.0.0/16 proto 121 metric 20 via 192.168.1.9 dev lan\n' +
        'route add default proto 121 metric 20 via 198.51.100.1 dev wan\n',
    );
  });

  test('keeps families apart, and two gateways of one address set too', () => {
    const six = exampleGateway({
      name: 'six',
      address: '2001:db8::1',
      family: 6,
      sources: ['2001:db8::9'],
      virtualSources: [],
    });
    const twin = exampleGateway({ name: 'twin', address: '198.51.100.2' });
    const text = routeText(
      routed(exampleRouting({ gateways: [six, twin, exampleGateway()], groups: [], defaults: [] })),
    );
    const lines = text.split('\n');
    expect(lines).toContain('-6 rule add pref 120 from 2001:db8::9 lookup 1001');
    expect(lines).toContain(
      '-6 route add default table 1001 proto 121 metric 20 via 2001:db8::1 dev wan',
    );
    expect(lines.filter((line) => line.includes('from 198.51.100.201'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('lookup main'))).toHaveLength(2);
  });

  test('says how the kernel shares: by source when sticky, else by connection', () => {
    const hashes = (sticky: boolean) =>
      routeText(routed(exampleRouting({ groups: [exampleGroup({ members: SHARING, sticky })] })))
        .split('\n')
        .filter((line) => line.includes('hash'));
    expect(hashes(true)).toEqual([
      'sysctl net/ipv4/fib_multipath_hash_fields 1',
      'sysctl net/ipv4/fib_multipath_hash_policy 3',
      'sysctl net/ipv6/fib_multipath_hash_fields 1',
      'sysctl net/ipv6/fib_multipath_hash_policy 3',
    ]);
    expect(hashes(false)).toEqual([
      'sysctl net/ipv4/fib_multipath_hash_policy 1',
      'sysctl net/ipv6/fib_multipath_hash_policy 1',
    ]);
  });
});

describe('the plan', () => {
  const failover = routeText(routed(exampleRouting()));
  const defaults = (text: string, uses: readonly string[]) =>
    routePlan(text, new Map([['failover', uses]])).routes.filter((line) => !/table 100/.test(line));

  test('follows the choice in every table of the group', () => {
    expect(defaults(failover, ['wan2'])).toEqual([
      'default table 1128 proto 121 metric 20 via 203.0.113.1 dev wan2',
      'default proto 121 metric 20 via 203.0.113.1 dev wan2',
    ]);
  });

  test('uses the lowest tier before anything is chosen, or when nothing chosen is there', () => {
    const first = defaults(failover, ['wan1']);
    expect(routePlan(failover, new Map()).routes).toEqual(expect.arrayContaining(first));
    expect(defaults(failover, [])).toEqual(first);
    expect(defaults(failover, ['gone'])).toEqual(first);
  });

  test('joins members that share to one route with their weights', () => {
    const text = routeText(
      routed(exampleRouting({ groups: [exampleGroup({ members: SHARING })] })),
    );
    const shared =
      'nexthop via 198.51.100.1 dev wan weight 3 nexthop via 203.0.113.1 dev wan2 weight 1';
    expect(defaults(text, ['wan1', 'wan2'])).toEqual([
      `default table 1128 proto 121 metric 20 ${shared}`,
      `default proto 121 metric 20 ${shared}`,
    ]);
    expect(defaults(text, ['wan2'])[1]).toBe(
      'default proto 121 metric 20 via 203.0.113.1 dev wan2',
    );
  });

  test('keeps rules and settings', () => {
    const { rules, sysctls } = routePlan(failover, new Map());
    expect(rules[0]).toBe('pref 100 lookup main suppress_prefixlength 0');
    expect(rules).toHaveLength(8);
    expect(sysctls).toEqual([
      { path: 'net/ipv4/conf/wan/rp_filter', value: '2' },
      { path: 'net/ipv4/conf/wan2/rp_filter', value: '2' },
    ]);
  });
});
