/**
 * Mutated areas of cluster.yaml: aliases, firewall, NAT and what they stand on.
 *
 * Nothing may throw, however wrong a document is: it is refused in words, or it is rendered, and
 * then the same document read from YAML again is rendered the same.
 *
 * FUZZ_SEED=n and FUZZ_DOCUMENTS=n search elsewhere; a failure prints seed, number and document.
 */
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { gatewayRulesetOf } from '../../firmware/core/rendering/gateway-ruleset.ts';
import { resolution } from '../core/configuration/filter-stage.ts';
import { Prng } from '../simulator/prng.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_126);
const documents = Number(process.env['FUZZ_DOCUMENTS'] ?? 2_000);

type Value = unknown;
type Place = { readonly holder: Record<string, Value>; readonly key: string };

const GENUINE = parse(`
vips:
  - { name: wan1, interface: wan1, vhid: 200, address: 198.51.100.200/24,
      aliases: [198.51.100.203/24] }
  - { name: wan2, interface: wan2, vhid: 210, address: 203.0.113.200/24,
      aliases: ["2001:db8:9::200/64"] }
  - { name: lan, interface: lan, vhid: 1, address: 192.168.1.1/24, aliases: ["2001:db8:1::1/64"] }
aliases:
  addresses:
    office: [192.168.1.0/24, "2001:db8:1::/64"]
    hosts: [192.0.2.1, 192.0.2.4-192.0.2.90, office]
    all: [office, hosts, "::/0"]
  ports: { web: [80, 443, 8000-8100], both: [web, 25] }
gateways:
  isp1: { interface: wan1, address: 198.51.100.1 }
  isp2: { interface: wan2, address: 203.0.113.1 }
gatewayGroups: { any: { members: [{ gateway: isp1 }, { gateway: isp2, tier: 2 }] } }
routes: [{ to: 10.1.0.0/16, via: 192.168.1.9 }]
firewall:
  default: reject
  lockout: { interface: lan, ports: [22, 443] }
  rules:
    - { name: a, from: lan, to: any, action: accept, protocol: tcp, source: office, ports: web }
    - { name: b, from: [wan1, wan2], to: [lan, node], action: drop, source: hosts, log: true }
    - { name: c, from: lan, action: accept, limit: 10/second, gateway: any, family: ipv4 }
    - { name: d, from: node, to: wan1, action: reject, protocol: [udp, 47], destination: all }
nat:
  outbound:
    mode: hybrid
    rules: [{ name: r, interface: wan1, source: office, translate: wan1 },
      { name: s, interface: wan2, source: 10.1.0.0/16, translate: none }]
  forwards:
    - { name: f, interface: wan1, vip: wan1, ports: 443, target: 192.168.1.10, targetPort: 8443 }
    - { name: g, interface: wan2, protocol: [tcp, udp], ports: both, target: "2001:db8:1::10" }
  oneToOne: [{ name: m, interface: wan1, external: 198.51.100.203, internal: 192.168.3.10 }]
`) as Record<string, Value>;

const ODD: readonly Value[] = [
  ...[null, true, 0, -1, 1.5, 65_536, 2 ** 53, Number.NaN, '', ' ', 'any', 'none', 'node', 'lan'],
  ...['office', '__proto__', 'constructor', 'toString', '0.0.0.0/0', '::/0', '::ffff:1.2.3.4'],
  ...['192.168.1.1', '255.255.255.255', '1-65535', '65535-1', 'a'.repeat(300), '"; drop', '\n'],
  ...['fe80::1', '224.0.0.1', '10.0.0.9-10.0.0.5', '10/fortnight', 'tcp', 'icmpv6', '*', '@x'],
];

/** Every place of a document, the inner ones included. */
function placesIn(value: Value): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, Value>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

function mutate(document: Record<string, Value>, prng: Prng): void {
  const places = placesIn(document);
  const pick = <Item>(list: readonly Item[]): Item | undefined =>
    list[prng.between(0, list.length - 1)];
  const place = pick(places);
  const other = pick(places);
  if (place === undefined || other === undefined) return;
  const { holder, key } = place;
  const ways: readonly (() => void)[] = [
    () => (holder[key] = pick(ODD)),
    () => (holder[key] = structuredClone(other.holder[other.key])),
    () => (holder[key] = [structuredClone(holder[key])]),
    () => (holder[key] = []),
    () => (holder[key] = {}),
    () => void (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]),
    () => void (Array.isArray(holder) && holder.push(structuredClone(holder[Number(key)]))),
    () => (holder[String(pick(ODD))] = structuredClone(holder[key])),
  ];
  pick(ways)?.();
}

test('no document makes it stumble', { timeout: 3_600_000 }, () => {
  const prng = new Prng(seed);
  let rendered = 0;
  for (let number = 0; number < documents; number++) {
    const document = structuredClone(GENUINE);
    for (let count = prng.between(1, 4); count > 0; count--) mutate(document, prng);
    const written = stringify(document);
    try {
      const resolved = resolution(parse(written));
      if (!resolved.ok) {
        expect(resolved.problems.length).toBeGreaterThan(0);
        continue;
      }
      rendered += 1;
      const text = gatewayRulesetOf(resolved.configuration);
      const again = resolution(parse(written));
      expect(again.ok && gatewayRulesetOf(again.configuration)).toBe(text);
    } catch (error) {
      const place = `seed ${seed}, document ${number}:\n${written}`;
      throw new Error(place, { cause: error });
    }
  }
  // Else the mutations would be so wild that only the schema is met.
  expect(rendered).toBeGreaterThan(documents / 50);
});
