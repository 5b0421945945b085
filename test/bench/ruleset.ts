/**
 * How long a big gateway takes from its documents to its rules: 5,000 rules, 2,000 aliases, 200
 * VIPs. Checked, planned and put into the kernel of a network namespace of its own, as root:
 *
 *     node test/bench/ruleset.ts [rules] [aliases] [vips]
 */
import { execFileSync } from 'node:child_process';
import { checkDocument } from '../../firmware/core/configuration/document-check.ts';
import type { PairConfiguration } from '../../firmware/core/configuration/pair-configuration.ts';
import { formatProblem } from '../../firmware/core/configuration/problem.ts';
import { resolveConfiguration } from '../../firmware/core/configuration/resolve-configuration.ts';
import { gatewayRulesetOf } from '../../firmware/core/rendering/gateway-ruleset.ts';
import { Segment } from '../kernel/segment.ts';

const ROUNDS = 5;
const [rules = 5000, aliases = 2000, vips = 200] = process.argv.slice(2).map(Number);

const host = (number: number): string => `${(number >> 8) & 255}.${number & 255}`;

const node = {
  node: 'office-a',
  role: 'primary',
  interfaces: {
    wan: { device: 'eth0', address: '198.51.100.2/16', gateway: '198.51.100.1' },
    lan: { device: 'eth1', address: '10.1.0.2/16' },
    dmz: { device: 'eth2', address: '10.2.0.2/16' },
    sync: { device: 'eth3', address: '172.16.1.1/30', peer: '172.16.1.2' },
  },
};

const cluster = {
  cluster: 'big',
  vips: Array.from({ length: vips }, (_, at) => ({
    name: `vip${at}`,
    interface: at === 0 ? 'lan' : 'wan',
    vhid: at + 1,
    address: at === 0 ? '10.1.0.1/16' : `198.51.${host(0x6500 + at)}/16`,
  })),
  aliases: {
    addresses: Object.fromEntries(
      Array.from({ length: aliases }, (_, at) => [
        `net${at}`,
        [`10.${1 + (at % 2)}.${host(256 + at * 8)}/30`, `192.168.${host(at)}`, `203.0.${host(at)}`],
      ]),
    ),
    ports: { web: [80, 443, '8000-8100'] },
  },
  firewall: {
    rules: Array.from({ length: rules }, (_, at) => ({
      name: `rule${at}`,
      from: ['lan', 'dmz', 'wan'][at % 3],
      to: ['wan', 'lan', 'dmz', 'any'][at % 4],
      action: at % 5 === 0 ? 'drop' : 'accept',
      protocol: at % 2 === 0 ? 'tcp' : 'udp',
      source: aliases === 0 ? `10.3.${host(at)}` : `net${at % aliases}`,
      destination: aliases === 0 ? 'any' : `net${(at * 7 + 1) % aliases}`,
      ports: at % 2 === 0 ? 'web' : 1024 + (at % 50_000),
    })),
  },
  nat: {
    forwards: Array.from({ length: Math.min(vips - 1, 199) }, (_, at) => ({
      name: `forward${at}`,
      interface: 'wan',
      vip: `vip${at + 1}`,
      ports: 443,
      target: `10.2.1.${at + 1}`,
    })),
  },
};

function resolved(): PairConfiguration {
  const [one, other] = [checkDocument('node', node), checkDocument('cluster', cluster)];
  if (!one.ok || !other.ok) throw new Error(JSON.stringify([one, other]).slice(0, 500));
  const resolution = resolveConfiguration({
    node: one.value,
    cluster: other.value,
    derivePassword: () => new Uint8Array(8),
    beatKey: undefined,
    clusterHash: '0'.repeat(16),
  });
  if (resolution.ok) return resolution.configuration;
  throw new Error(resolution.problems.slice(0, 5).map(formatProblem).join('\n'));
}

function timed<Result>(what: string, work: () => Result): Result {
  const times: number[] = [];
  let result = work();
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    result = work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(ROUNDS / 2)] ?? 0;
  console.log(`${what.padEnd(34)} ${median.toFixed(0).padStart(6)} ms`);
  return result;
}

console.log(`${rules} rules, ${aliases} aliases, ${vips} VIPs; median of ${ROUNDS}`);
const configuration = timed('documents checked', resolved);
const text = timed('rules planned', () => gatewayRulesetOf(configuration));
console.log(`${'text'.padEnd(34)} ${(text.length / 1024).toFixed(0).padStart(6)} KiB`);

const segment = new Segment();
try {
  const nft = (args: readonly string[], input?: string) =>
    execFileSync('ip', ['netns', 'exec', segment.node, 'nft', ...args], {
      input,
      maxBuffer: 256 << 20,
    });
  timed('asked of the kernel (nft -c -f)', () => nft(['-c', '-f', '-'], text));
  timed('applied, one transaction (nft -f)', () => nft(['-f', '-'], text));
  timed('listed (nft -s list table)', () => nft(['-s', 'list', 'table', 'inet', 'yoke_gateway']));
} finally {
  await segment.remove();
}
