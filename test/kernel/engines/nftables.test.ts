// The engine of the gateway's table against the real kernel: one transaction or none, and every
// change by another hand is seen.
import { basename } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { gatewayRulesetOf } from '../../../firmware/core/rendering/gateway-ruleset.ts';
import { configurationOf, resolution } from '../../core/configuration/filter-stage.ts';
import { gatewayAreas } from '../../core/rendering/gateway-areas.ts';
import type { NamespaceProcess } from '../json-lines.ts';
import { Segment } from '../segment.ts';

const EVERYTHING = gatewayRulesetOf(
  configurationOf(`
aliases:
  addresses: { office: [192.168.1.0/24, "2001:db8:1::/64"] }
  ports: { web: [80, 443, 8000-8100] }
gateways:
  isp1: { interface: wan1, address: 198.51.100.1 }
  isp2: { interface: wan2, address: 203.0.113.1 }
gatewayGroups: { any: { members: [{ gateway: isp1 }, { gateway: isp2, tier: 2 }] } }
firewall:
  default: reject
  logDefault: true
  rules:
    - { name: web, from: lan, action: accept, source: office, protocol: tcp, ports: web, log: true }
    - { name: slow, from: lan, to: wan1, action: accept, limit: 10/second, gateway: any }
    - { name: own, from: node, to: wan1, action: drop, protocol: 47 }
nat:
  forwards: [{ name: web, interface: wan1, ports: [443, 8000-8010], target: 192.168.1.10 }]
  oneToOne: [{ name: mail, interface: wan2, external: 203.0.113.203, internal: 192.168.3.10 }]
`),
);
const NAT_ONLY = gatewayRulesetOf(configurationOf('nat: {}'));

/** FUZZ_SEED=n and FUZZ_DOCUMENTS=n search elsewhere. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_126);

let segment: Segment;
let engine: NamespaceProcess;

beforeAll(() => {
  segment = new Segment();
  engine = segment.startProgram(basename('../nftables-driver.ts'));
});

afterAll(() => segment.remove());

beforeEach(() => void nft('flush ruleset'));

const nft = (line: string): string => segment.run(`nft ${line}`);
const ask = (call: 'check' | 'apply' | 'drift', text: string) =>
  engine.call<string | null>(call, text);

test('a table is there as a whole, is replaced as a whole, and goes', async () => {
  nft('add table inet other');
  expect(await ask('check', EVERYTHING)).toBeNull();
  expect(await ask('drift', EVERYTHING)).toBe('table inet yoke_gateway is not there');
  expect(await ask('apply', EVERYTHING)).toBeNull();
  expect(await ask('drift', EVERYTHING)).toBeNull();

  expect(await ask('apply', NAT_ONLY)).toBeNull();
  expect(await ask('drift', NAT_ONLY)).toBeNull();
  expect(await ask('drift', EVERYTHING)).toMatch(/found .*, expected /);

  expect(await ask('drift', '')).toMatch(/is there, though nothing is configured/);
  expect(await ask('apply', '')).toBeNull();
  expect(await ask('drift', '')).toBeNull();
  expect(await ask('apply', '')).toBeNull();
  expect(nft('list tables').trim()).toBe('table inet other');
});

test('what the kernel refuses changes nothing, and is told in its words', async () => {
  await ask('apply', NAT_ONLY);
  const broken = EVERYTHING.replace('jump essential', 'jump essentials');
  for (const call of ['check', 'apply'] as const) {
    expect(await ask(call, broken)).toMatch(/^line \d+:.*No such file or directory.*essentials/);
  }
  expect(await ask('check', 'table inet yoke_gateway { chain x { nonsense } }')).toMatch(
    /^line 1:.*syntax error/,
  );
  expect(await ask('drift', NAT_ONLY)).toBeNull();
});

test.each([
  ['a rule more', 'insert rule inet yoke_gateway forward accept', 'chain forward: found accept'],
  ['a chain that was emptied', 'flush chain inet yoke_gateway essential', 'chain essential: found'],
  ['a chain more', 'add chain inet yoke_gateway extra', 'chain extra'],
  [
    'an address more in an alias',
    'add element inet yoke_gateway ip4_office { 10.0.0.0/8 }',
    'set ip4_office: found elements = { 10.0.0.0/8, 192.168.1.0/24 }, expected elements = { 192',
  ],
  ['no table at all', 'flush ruleset', 'table inet yoke_gateway is not there'],
  ['a table that sleeps', 'add table inet yoke_gateway { flags dormant; }', 'dormant'],
])('%s is drift, which applying mends', async (_what, change, words) => {
  await ask('apply', EVERYTHING);
  expect(await ask('drift', EVERYTHING)).toBeNull();
  segment.run(`nft ${change}`);
  expect(await ask('drift', EVERYTHING)).toContain(words);
  await ask('apply', EVERYTHING);
  expect(await ask('drift', EVERYTHING)).toBeNull();
});

test('what passes and is counted is no drift, and nothing is left of the comparison', async () => {
  await ask('apply', EVERYTHING);
  await ask('drift', EVERYTHING);
  expect(nft('list tables').trim()).toBe('table inet yoke_gateway');
  segment.run('ping -c 1 -W 5 10.5.0.2');
  expect(await ask('drift', EVERYTHING)).toBeNull();
});

test('the kernel takes whatever the checks let pass', async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(gatewayAreas, async (areas) => {
      const resolved = resolution(areas);
      if (!resolved.ok) return;
      taken += 1;
      const text = gatewayRulesetOf(resolved.configuration);
      expect(await ask('check', text)).toBeNull();
    }),
    { numRuns: Number(process.env['FUZZ_DOCUMENTS'] ?? 60), seed },
  );
  expect(taken).toBeGreaterThan(10);
});
