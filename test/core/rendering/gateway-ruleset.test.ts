// The text of the gateway's table. Two sites as they are written out; what is common to all tables
// is told by the small tests below.
import { describe, expect, test } from 'vitest';
import { gatewayRulesetOf } from '../../../firmware/core/rendering/gateway-ruleset.ts';
import { configurationOf } from '../configuration/filter-stage.ts';

const OFFICE = `
node: office-a
role: primary
interfaces:
  wan: { device: eth0, address: 198.51.100.201/24, gateway: 198.51.100.1 }
  lan: { device: eth1, address: 192.168.1.2/24 }
  sync: { device: eth2, address: 172.16.1.1/30, peer: 172.16.1.2 }
`;
const OFFICE_VIPS = `
vips:
  - { name: wan, interface: wan, vhid: 200, address: 198.51.100.200/24 }
  - { name: lan, interface: lan, vhid: 1, address: 192.168.1.1/24 }
`;

/** The lines of one chain, set or map, without the braces. */
function blockOf(text: string, head: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const start = lines.indexOf(`${head} {`);
  if (start < 0) return [];
  return lines.slice(start + 1, lines.indexOf('}', start));
}

const rulesetOf = (areas: string, node?: string): string =>
  gatewayRulesetOf(configurationOf(areas, node));

test('nothing is rendered of nothing', () => {
  expect(rulesetOf('{}')).toBe('');
  expect(rulesetOf('aliases: { ports: { web: [80] } }')).toBe('');
});

test('an office', async () => {
  const areas = `${OFFICE_VIPS}
aliases: { ports: { web: [80, 443] } }
firewall:
  rules:
    - { name: lan-out, from: lan, to: wan, action: accept }
    - { name: lan-ping, from: lan, to: node, action: accept, protocol: icmp }
nat:
  forwards: [{ name: web, interface: wan, ports: web, target: 192.168.1.10 }]
`;
  await expect(rulesetOf(areas, OFFICE)).toMatchFileSnapshot('office.nft');
});

test('two providers, a mail server and IPv6', async () => {
  const areas = `
aliases:
  addresses:
    office: [192.168.1.0/24, "2001:db8:1::/64"]
    mailhost: [192.168.3.10]
    banned: [192.0.2.0/25, 192.0.2.200-192.0.2.210]
  ports: { web: [80, 443, 8000-8100], mail: [25, 465, 993] }
firewall:
  default: reject
  logDefault: true
  rules:
    - { name: banned, from: [wan1, wan2], action: drop, source: banned, log: true }
    - { name: mail-in, from: [wan1, wan2], to: dmz, action: accept, protocol: tcp,
        destination: mailhost, ports: mail }
    - { name: lan-web, from: lan, action: accept, protocol: tcp, source: office, ports: web }
    - { name: lan-slow, from: lan, to: [wan1, wan2], action: accept, limit: 10/second, log: true }
    - { name: dns, from: [lan, dmz], to: node, action: accept, protocol: [tcp, udp], ports: 53 }
    - { name: no-mail, from: node, to: wan1, action: reject, protocol: tcp, ports: 25 }
nat:
  outbound:
    mode: hybrid
    rules:
      - { name: routed, interface: wan1, source: 203.0.113.128/28, translate: none }
      - { name: mail-out, interface: wan1, source: mailhost, protocol: tcp, ports: 25,
          translate: 198.51.100.203 }
  forwards:
    - { name: web, interface: wan1, ports: 443, target: 192.168.1.10, targetPort: 8443 }
    - { name: web6, interface: wan2, ports: 443, target: "2001:db8:1::10", targetPort: 8443,
        reflection: false }
  oneToOne:
    - { name: mail1, interface: wan1, external: 198.51.100.203, internal: 192.168.3.10 }
    - { name: mail2, interface: wan2, external: 203.0.113.203, internal: 192.168.3.10 }
`;
  await expect(rulesetOf(areas)).toMatchFileSnapshot('two-providers.nft');
});

describe('no rule can forbid', () => {
  const text = rulesetOf(`
firewall:
  rules:
    - { name: nothing, from: any, to: [any, node], action: drop }
    - { name: silence, from: node, action: drop }
`);

  test('what the pair and IPv6 live on, nor the way in', () => {
    const input = blockOf(text, 'chain input');
    const rules = input.findIndex((line) => line.startsWith('iifname vmap'));
    for (const needed of ['iifname "lo" accept', 'jump essential']) {
      expect(input.indexOf(needed)).toBeGreaterThan(-1);
      expect(input.indexOf(needed)).toBeLessThan(rules);
    }
    const lockout = input.findIndex((line) => line.includes('tcp dport { 22, 443 } accept'));
    expect(lockout).toBeGreaterThan(-1);
    expect(lockout).toBeLessThan(rules);
    const essential = blockOf(text, 'chain essential').join('\n');
    expect(essential).toContain('meta l4proto 112 accept');
    expect(essential).toContain('iifname "eth4" ip saddr 172.16.1.2 udp dport { 7112, 7113 }');
    expect(essential).toContain('iifname "eth4" ip saddr 172.16.1.2 tcp dport 7112 accept');
    expect(essential).toMatch(/nd-neighbor-solicit, nd-neighbor-advert.* accept/);
  });

  test('the same on its way out', () => {
    const output = blockOf(text, 'chain output');
    const rule = output.findIndex((line) => line.includes('drop comment "silence"'));
    expect(output.slice(0, rule)).toEqual(
      expect.arrayContaining([
        'oifname "lo" accept',
        'ct state { established, related } accept',
        'meta l4proto 112 accept',
        'udp dport { 7112, 7113 } accept',
        'tcp dport 7112 accept',
      ]),
    );
  });
});

describe('outbound translation', () => {
  test('is automatic to the first VIP of the interface, for what is inside', () => {
    const text = rulesetOf('nat: {}');
    expect(blockOf(text, 'set inside')).toContain(
      'elements = { 172.16.1.0/30, 192.168.1.0/24, 192.168.3.0/24 }',
    );
    expect(blockOf(text, 'chain source_nat').slice(1)).toEqual([
      'fib saddr type local return',
      'oifname @zone_wan1 ip saddr @inside snat ip to 198.51.100.200',
      'oifname @zone_wan2 ip saddr @inside snat ip to 203.0.113.200',
    ]);
    expect(text).not.toContain('hook forward');
  });

  test('asks the rules first when it is hybrid, and only them when it is manual', () => {
    const areas = (mode: string) => `
nat: { outbound: { mode: ${mode}, rules: [
  { name: own, interface: wan1, source: 192.168.3.10, translate: 198.51.100.203 },
  { name: none, interface: wan1, source: 192.168.3.0/24, translate: none },
  { name: six, interface: wan2, source: "2001:db8:1::/64", translate: wan2 }] } }`;
    const [, , ...hybrid] = blockOf(rulesetOf(areas('hybrid')), 'chain source_nat');
    const [, , ...manual] = blockOf(rulesetOf(areas('manual')), 'chain source_nat');
    expect(manual).toEqual([
      'oifname @zone_wan1 ip saddr 192.168.3.10 snat ip to 198.51.100.203 comment "own"',
      'oifname @zone_wan1 ip saddr 192.168.3.0/24 return comment "none"',
      'oifname @zone_wan2 ip6 saddr 2001:db8:1::/64 snat ip6 to 2001:db8:9::200 comment "six"',
    ]);
    expect(hybrid.slice(0, 3)).toEqual(manual);
    expect(hybrid).toHaveLength(5);
  });

  test('leaves out a rule with an alias that is empty', () => {
    const text = rulesetOf(`
aliases: { ports: { none-yet: [] } }
nat: { outbound: { mode: manual, rules: [
  { name: r, interface: wan1, protocol: tcp, ports: none-yet, translate: wan1 }] } }`);
    expect(blockOf(text, 'chain source_nat').slice(1)).toEqual(['fib saddr type local return']);
  });

  test('uses the address of the node where no VIP is', () => {
    const lte = '  lte: { device: wwan0, gateway: 10.9.9.1, address: 10.9.9.2/24 }';
    const node = OFFICE.replace('.1 }', `.1 }\n${lte}`);
    expect(rulesetOf(`${OFFICE_VIPS}\nnat: {}`, node)).toContain(
      'oifname @zone_lte ip saddr @inside masquerade',
    );
  });
});

test('a rule for both families is one for each only where it names addresses', () => {
  const lines = (fields: string) =>
    blockOf(
      rulesetOf(`firewall: { rules: [{ name: r, from: lan, to: dmz, action: drop, ${fields} }] }`),
      'chain forward_lan',
    );
  expect(lines('protocol: udp, sourcePorts: 53, ports: 1024-65535')).toEqual([
    'oifname @zone_dmz udp sport 53 udp dport 1024-65535 drop comment "r"',
  ]);
  expect(lines('family: ipv6')).toEqual(['oifname @zone_dmz meta nfproto ipv6 drop comment "r"']);
  expect(lines('source: [192.0.2.1, "2001:db8::1"]')).toEqual([
    'oifname @zone_dmz ip saddr 192.0.2.1 drop comment "r"',
    'oifname @zone_dmz ip6 saddr 2001:db8::1 drop comment "r"',
  ]);
});

test('rules that name a gateway mark what they match, and connections keep their way', () => {
  const text = rulesetOf(`
gateways:
  isp1: { interface: wan1, address: 198.51.100.1 }
  isp2: { interface: wan2, address: 203.0.113.1 }
  isp2-six: { interface: wan2, address: "2001:db8:9::1" }
gatewayGroups: { any: { members: [{ gateway: isp1 }, { gateway: isp2, tier: 2 }] } }
firewall:
  rules:
    - { name: dmz, from: lan, to: [dmz, node], action: accept }
    - { name: some, from: lan, to: wan1, action: accept, limit: 1/second }
    - { name: web, from: lan, to: wan2, action: accept, protocol: tcp, ports: 443, gateway: isp2 }
    - { name: rest, from: lan, action: accept, family: ipv4, gateway: any }
    - { name: last, from: lan, action: drop }
`);
  expect(blockOf(text, 'chain way_lan')).toEqual([
    'fib daddr type local return comment "dmz"',
    'fib daddr oifname { "eth3", "vip3.*" } return comment "dmz"',
    'tcp dport 443 meta mark set 0x00020000 return comment "web"',
    'meta nfproto ipv4 meta mark set 0x00800000 return comment "rest"',
  ]);
  expect(blockOf(text, 'chain way_in').slice(1)).toEqual([
    'ct mark & 0x00ff0000 != 0x00000000 meta mark set ct mark & 0x00ff0000 return',
    ...[
      ['wan1', 4, '0x00010000'],
      ['wan2', 4, '0x00020000'],
      ['wan2', 6, '0x00030000'],
    ].map(
      ([zone, family, mark]) =>
        `ct state new iifname @zone_${zone} meta nfproto ipv${family} ` +
        `ct mark set ct mark & 0xff00ffff | ${mark} return`,
    ),
    'ct direction original iifname vmap { "eth2" : jump way_lan, "vip1.*" : jump way_lan }',
  ]);
});
