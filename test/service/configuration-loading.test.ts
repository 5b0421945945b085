// What people get wrong in node.yaml and cluster.yaml, and the exact line they are answered with.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../firmware/service/configuration-loading.ts';

const NODE = `node: office-a
role: primary
interfaces:
  wan:
    device: eth0
    address: 198.51.100.201/24
    gateway: 198.51.100.1
  lan:
    device: eth1
    address: [192.168.1.2/24, "2001:db8:1::2/64"]
  sync:
    device: eth2
    address: 172.16.1.1/30
    peer: 172.16.1.2
`;

const CLUSTER = `cluster: branch-042
failover: node
preempt:
  delay: 10s
advertise:
  base: 1
  skew:
    primary: 0
    secondary: 100
vips:
  - name: wan
    interface: wan
    vhid: 200
    address: 198.51.100.200/24
    password: wansecret
  - name: lan
    interface: lan
    vhid: 1
    address: 192.168.1.1/24
    aliases: [192.168.1.4/24, "2001:db8:1::1/64"]
    password: labsecret
monitor:
  linkDebounce: 1s
`;

interface Mistake {
  readonly file: 'node.yaml' | 'cluster.yaml';
  readonly what: string;
  /** Lines of the right file, and what somebody wrote instead. */
  readonly from: string;
  readonly to: string;
  /** What they are answered. */
  readonly answer: readonly string[];
}

/** A block of configuration-mistakes.txt: headline, lines with - (from), + (to), = (answer). */
function mistake(block: string): Mistake {
  const [headline = '', ...lines] = block.split('\n');
  const [file, what = ''] = headline.split(': ');
  const marked = (mark: string) =>
    lines.filter((line) => line.startsWith(`  ${mark} `)).map((line) => line.slice(4));
  const text = (mark: string) =>
    marked(mark)
      .map((line) => `${line}\n`)
      .join('');
  expect(file).toMatch(/^(node|cluster)\.yaml$/);
  return {
    file: file as Mistake['file'],
    what,
    from: text('-'),
    to: text('+'),
    answer: marked('='),
  };
}

const MISTAKES = readFileSync(new URL('./configuration-mistakes.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n\n')
  .map(mistake);

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-config-'));
  writeFileSync(join(directory, 'node.yaml'), NODE);
  writeFileSync(join(directory, 'cluster.yaml'), CLUSTER);
});

afterEach(() => rmSync(directory, { recursive: true }));

/** The problems, with the temporary directory's name replaced. */
function problems(): readonly string[] {
  const loading = loadConfiguration(directory);
  return loading.ok ? [] : loading.problems.map((line) => line.replaceAll(directory, 'DIR'));
}

function edit(file: 'node.yaml' | 'cluster.yaml', from: string, to: string): void {
  const text = file === 'node.yaml' ? NODE : CLUSTER;
  expect(text.split(from).length, 'the text to replace stands there').toBeGreaterThan(1);
  writeFileSync(
    join(directory, file),
    text.replace(from, () => to),
  );
}

describe('every mistake is answered with its place, what was found, what was expected', () => {
  test.each(MISTAKES)('$file: $what', ({ file, from, to, answer }) => {
    edit(file, from, to);
    expect(answer.length).toBeGreaterThan(0);
    expect(problems()).toEqual(answer);
  });
});

describe('a file that is not there or cannot be read', () => {
  test('no directory: both are missed', () => {
    const loading = loadConfiguration('/nonexistent/yoke');
    expect(loading.ok ? [] : loading.problems).toEqual([
      'node.yaml: found no such file, expected a readable file /nonexistent/yoke/node.yaml',
      'cluster.yaml: found no such file, expected a readable file /nonexistent/yoke/cluster.yaml',
    ]);
  });

  test('mistakes in both files are all listed, those of node.yaml first', () => {
    edit('cluster.yaml', 'vhid: 200', 'vhid: 0');
    edit('node.yaml', 'role: primary', 'role: boss');
    expect(problems()).toEqual([
      'node.yaml:2: role: found "boss", expected primary or secondary',
      'cluster.yaml:13: vips[0].vhid: found 0, expected a whole number from 1 to 255',
    ]);
  });
});

describe('what is accepted', () => {
  test('the example, defaults filled in, roles resolved', () => {
    const loading = loadConfiguration(directory);
    if (!loading.ok) throw new Error(loading.problems.join('\n'));
    const [wan, lan] = loading.configuration.vips;
    expect(loading.configuration).toMatchObject({
      node: 'office-a',
      role: 'primary',
      board: undefined,
      failover: 'node',
      preempt: { enabled: true, delay: 10_000_000 },
      linkDebounce: 1_000_000,
    });
    expect(wan).toMatchObject({ advbase: 1, advskew: 0, peerAdvskew: 100, ties: 'yoke' });
    expect(lan?.addresses).toEqual([
      { address: '192.168.1.1', prefix: 24 },
      { address: '192.168.1.4', prefix: 24 },
      { address: '2001:db8:1::1', prefix: 64 },
    ]);
    expect(lan?.password).toEqual(new TextEncoder().encode('labsecret'));
  });

  test('a byte order mark and Windows line ends', () => {
    writeFileSync(join(directory, 'node.yaml'), `\uFEFF${NODE.replaceAll('\n', '\r\n')}`);
    expect(problems()).toEqual([]);
    writeFileSync(
      join(directory, 'node.yaml'),
      `\uFEFF${NODE.replace('role: primary', 'role: x').replaceAll('\n', '\r\n')}`,
    );
    expect(problems()).toEqual(['node.yaml:2: role: found "x", expected primary or secondary']);
  });

  test('each node takes the other address from a pair of unicast peers', () => {
    const pair = 'peer: { primary: 192.168.1.2, secondary: 192.168.1.3 }\n    password: labsecret';
    edit('cluster.yaml', 'password: labsecret', pair);
    const primary = loadConfiguration(directory);
    edit('node.yaml', 'role: primary', 'role: secondary');
    writeFileSync(
      join(directory, 'node.yaml'),
      NODE.replace('role: primary', 'role: secondary').replace('192.168.1.2/24', '192.168.1.3/24'),
    );
    const secondary = loadConfiguration(directory);
    expect([primary, secondary].map((each) => each.ok && each.configuration.vips[1]?.peer)).toEqual(
      ['192.168.1.3', '192.168.1.2'],
    );
  });

  test('a VIP that brings its own network along, with a gateway in it', () => {
    edit('cluster.yaml', '198.51.100.200/24', '203.0.113.5/29');
    edit('node.yaml', 'gateway: 198.51.100.1', 'gateway: 203.0.113.1');
    expect(problems()).toEqual([]);
  });

  test('an IPv6 VIP on an interface without IPv6 address: link-local will do', () => {
    edit('node.yaml', '[192.168.1.2/24, "2001:db8:1::2/64"]', '192.168.1.2/24');
    expect(problems()).toEqual([]);
  });

  test('an IPv4 VIP on an interface without IPv4 address is refused', () => {
    edit('node.yaml', '[192.168.1.2/24, "2001:db8:1::2/64"]', '"2001:db8:1::2/64"');
    expect(problems()).toEqual([
      'cluster.yaml:17: vips[1].interface: found "lan", which has no IPv4 address of this ' +
        'node, expected one, because advertisements are sent from it (node.yaml)',
    ]);
  });

  test('with failover: vip the preference may differ per VIP', () => {
    writeFileSync(
      join(directory, 'cluster.yaml'),
      CLUSTER.replace('failover: node', 'failover: vip').replace(
        '    password: labsecret\n',
        '    password: labsecret\n    advertise: { skew: { primary: 200 } }\n',
      ),
    );
    const loading = loadConfiguration(directory);
    expect(loading.ok && loading.configuration.vips.map((vip) => vip.advskew)).toEqual([0, 200]);
  });

  test('the hash follows the content, not the layout', () => {
    const first = loadConfiguration(directory);
    edit(
      'cluster.yaml',
      'cluster: branch-042\nfailover: node',
      '# same\nfailover: "node"\ncluster: branch-042',
    );
    const same = loadConfiguration(directory);
    edit('cluster.yaml', 'delay: 10s', 'delay: 11s');
    const other = loadConfiguration(directory);
    expect(same).toEqual(first);
    expect(first.ok && other.ok && first.hash !== other.hash).toBe(true);
    expect(first.ok && first.configuration.clusterHash).toBe(first.ok && first.hash.slice(0, 16));
    expect(first.ok && first.hash).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('what comes of the secret of the pair', () => {
  beforeEach(() => {
    writeFileSync(join(directory, 'node.yaml'), `${NODE}secret: cluster.key\n`);
    writeFileSync(
      join(directory, 'cluster.yaml'),
      CLUSTER.replace('    password: wansecret\n', ''),
    );
    writeFileSync(join(directory, 'cluster.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`);
    chmodSync(join(directory, 'cluster.key'), 0o600);
  });

  test('a VIP without password gets one of 19 bytes, one with a password keeps it', () => {
    const loading = loadConfiguration(directory);
    if (!loading.ok) throw new Error(loading.problems.join('\n'));
    expect(loading.configuration.vips.map(({ password }) => password.length)).toEqual([19, 9]);
  });

  test('a secret that others may read is refused by name', () => {
    chmodSync(join(directory, 'cluster.key'), 0o644);
    expect(problems()).toEqual([
      'node.yaml:15: secret: found DIR/cluster.key with mode 0644, expected mode 0600 or stricter',
    ]);
  });

  const beats = () => {
    const loading = loadConfiguration(directory);
    if (!loading.ok) throw new Error(loading.problems.join('\n'));
    const { beats: pace, beatKey, lacksSecret } = loading.configuration;
    return { pace, key: beatKey?.length, lacksSecret };
  };
  const cluster = (extra: string) =>
    writeFileSync(join(directory, 'cluster.yaml'), `${CLUSTER}${extra}`);

  test('beats over the sync interface, with a key', () => {
    const pace = { interval: 10_000, deadTime: 28_000 };
    expect(beats()).toEqual({ pace, key: 32, lacksSecret: false });
  });

  test('no beats without the secret: the node has to say so', () => {
    cluster('');
    writeFileSync(join(directory, 'node.yaml'), NODE);
    expect(beats()).toEqual({ pace: undefined, key: undefined, lacksSecret: true });
  });

  test.each([NODE, `${NODE}secret: cluster.key\n`])('no beats when switched off', (node) => {
    cluster('beats: off\n');
    writeFileSync(join(directory, 'node.yaml'), node);
    expect(beats()).toEqual({ pace: undefined, key: undefined, lacksSecret: false });
  });

  test('no beats without a peer', () => {
    writeFileSync(
      join(directory, 'node.yaml'),
      `${NODE.replace('    peer: 172.16.1.2\n', '')}secret: cluster.key\n`,
    );
    expect(beats()).toEqual({ pace: undefined, key: undefined, lacksSecret: false });
  });
});
