// Connections through a stateful gateway with source NAT to the WAN VIP, where only what the kernel
// knows passes: they live on at the other node as if nothing had happened.
import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Snapshot } from '../../firmware/core/telemetry/snapshot.ts';
import type { ComparisonReport } from '../../firmware/service/comparison-report.ts';
import { processesOf } from '../bench/process-use.ts';
import { ClientTraffic, watchVips } from './client-traffic.ts';
import { Drills } from './drill.ts';
import { eventually } from './eventually.ts';
import { Faults } from './faults.ts';
import type { RackNode } from './node.ts';
import { Pair } from './pair.ts';
import { ProbeProcess } from './probe-process.ts';
import { Rack } from './rack.ts';
import { LAN_VIP_IPV6, SERVER, VIPS } from './rack-plan.ts';
import { Sessions } from './sessions.ts';
import type { YokeOptions } from './yoke-configuration.ts';
import { YOKE, YokePair, type YokeSpeaker } from './yoke-pair.ts';

const STREAMS = 200;
const SESSIONS = 200;
const OWN_SESSIONS = 20;

interface Stage {
  readonly watch: Awaited<ReturnType<typeof watchVips>>;
  readonly pair: Pair<YokeSpeaker>;
}

async function stage(rack: Rack, options: YokeOptions = {}): Promise<Stage> {
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair(options));
  await untilSynced(pair);
  return { watch, pair };
}

async function untilSynced(pair: Pair<YokeSpeaker>): Promise<void> {
  for (const speaker of Object.values(pair.speakers)) {
    await speaker.untilStatus('has the flows of the peer', ({ flows }) => flows?.synced === true);
  }
}

/** Every flow of the one node is at the other one. */
async function untilEqual({ speakers }: Pair<YokeSpeaker>, least: number): Promise<void> {
  for (const speaker of Object.values(speakers)) {
    await speaker.untilStatus(
      `agrees with the peer on at least ${least} flows`,
      ({ flows }) => flows !== null && flows.local >= least && flows.local === flows.peer,
    );
  }
}

test('TCP through NAT survives a power loss, and the way back', async () => {
  using rack = await Rack.build({ firewall: 'snat' });
  const { watch, pair } = await stage(rack);
  const traffic = await ClientTraffic.start(rack, STREAMS);
  const drills = new Drills(rack, pair, watch, traffic);

  const result = await drills.run('power loss');
  expect(result).toMatchObject({ from: 'a', recovered: true, streamsPreserved: STREAMS });

  await drills.undo('power loss', 'a');
  const report = await traffic.report(15_000);
  expect(report.streams).toMatchObject({ flowing: STREAMS });
});

test('sessions that rest work after a takeover, from the same outside port', async () => {
  using rack = await Rack.build({ firewall: 'snat' });
  const { pair } = await stage(rack);
  await Sessions.serve(rack);
  const tcp = await Sessions.open(rack, 'tcp', SESSIONS);
  const udp = await Sessions.open(rack, 'udp', SESSIONS);
  await untilEqual(pair, 2 * SESSIONS);

  await new Faults(rack).powerLoss('a');
  await pair.speakers.b.untilState('MASTER');

  const all = { sessions: SESSIONS, answered: SESSIONS, same: SESSIONS };
  expect(await tcp.ask()).toMatchObject(all);
  expect(await udp.ask()).toMatchObject(all);
});

test('sessions over IPv6 rest and go on, where nothing without a state passes', async () => {
  using rack = await Rack.build({ firewall: 'snat' });
  const [vip, server] = ['2001:db8:2::200', '2001:db8:2::100'];
  await rack.server.namespace.ip(`addr add ${server}/64 dev wan nodad`);
  await rack.client.namespace.ip(`route add default via ${LAN_VIP_IPV6} dev lan`);
  for (const [letter, host] of [
    ['a', '201'],
    ['b', '202'],
  ] as const) {
    const { namespace } = rack.nodes[letter];
    await namespace.ip(`addr add 2001:db8:2::${host}/64 dev wan nodad`);
    // Else the kernel takes a stream it does not know for a new one.
    await namespace.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_tcp_loose=0']);
  }
  const { pair } = await stage(rack, { wanAlias: `${vip}/64` });
  await rack.server.namespace.ip(`route add 2001:db8:1::/64 via ${vip} dev wan`);
  await Sessions.serve(rack);
  const tcp = await Sessions.open(rack, 'tcp', SESSIONS, server);
  const udp = await Sessions.open(rack, 'udp', SESSIONS, server);
  await untilEqual(pair, 2 * SESSIONS);

  await new Faults(rack).powerLoss('a');
  await pair.speakers.b.untilState('MASTER');

  const all = { sessions: SESSIONS, answered: SESSIONS, same: SESSIONS };
  expect(await tcp.ask()).toMatchObject(all);
  expect(await udp.ask()).toMatchObject(all);
});

test('a connection that FTP has announced before a takeover is let in after it', async () => {
  using rack = await Rack.build({ firewall: 'snat' });
  for (const { namespace } of Object.values(rack.nodes)) {
    await namespace.nft(`
      table inet gateway {
        ct helper ftp { type "ftp" protocol tcp; }
        chain helped { type filter hook prerouting priority 0; tcp dport 21 ct helper set "ftp"; }
      }`);
  }
  const { pair } = await stage(rack);
  const program = new URL('./ftp-probe.ts', import.meta.url).pathname;
  const start = (station: 'client' | 'server', ...args: string[]) =>
    ProbeProcess.attach(rack[station].namespace.start('ftp', process.execPath, [program, ...args]));
  await start('server', 'serve');
  const client = await start('client', 'connect', SERVER.address);
  const did = (what: string, event: string) => {
    const answer = client.next(event, 15_000);
    client.process.writeLine(what);
    return answer;
  };
  expect(await did('announce', 'announced')).toMatchObject({ answer: '200 ok' });
  // The control connection and the expectation.
  await untilEqual(pair, 2);

  await new Faults(rack).powerLoss('a');
  await pair.speakers.b.untilState('MASTER');
  expect(await did('fetch', 'fetched')).toMatchObject({ answer: '200 ok', content: 'content\n' });
});

test('what the BACKUP itself asks through the MASTER stays its own', async () => {
  using rack = await Rack.build({ firewall: 'snat' });
  const { pair } = await stage(rack);
  await Sessions.serve(rack);
  const { b } = rack.nodes;
  const [server, vip, own] = [SERVER.address, VIPS.lan.address, b.address('lan')];
  await b.namespace.ip(`route add ${server}/32 via ${vip} dev lan src ${own}`);
  const udp = await Sessions.open(rack, 'udp', OWN_SESSIONS, server, b);
  const shadows = ({ flows }: Snapshot) => flows?.counters['kernel.shadows'] ?? 0;
  await pair.speakers.b.untilStatus('leaves them out', (status) => shadows(status) > 0);

  const all = { sessions: OWN_SESSIONS, answered: OWN_SESSIONS, same: OWN_SESSIONS };
  for (const _ of [1, 2, 3]) expect(await udp.ask()).toMatchObject(all);
  const status = await pair.speakers.b.status();
  expect(status.flows?.counters['kernel.created']).toBe(0);
});

test('a crash of the replicating process moves nothing and is made good', async () => {
  using rack = await Rack.build({ firewall: 'snat' });
  const { pair } = await stage(rack);
  await Sessions.serve(rack);
  const tcp = await Sessions.open(rack, 'tcp', SESSIONS);
  await untilEqual(pair, SESSIONS);
  const { since } = await pair.speakers.a.status();

  for (const letter of ['b', 'a'] as const) {
    const [pid] = processesOf(rack.nodes[letter], isReplicator);
    process.kill(pid ?? 0, 'SIGKILL');
    await eventually('it runs again', () => {
      const [again] = processesOf(rack.nodes[letter], isReplicator);
      return again !== undefined && again !== pid ? true : undefined;
    });
  }
  await untilEqual(pair, SESSIONS);
  await untilSynced(pair);
  expect(await pair.speakers.a.status()).toMatchObject({ state: 'MASTER', since });

  await new Faults(rack).powerLoss('a');
  await pair.speakers.b.untilState('MASTER');
  expect(await tcp.ask()).toMatchObject({ answered: SESSIONS, same: SESSIONS });
});

test('a comparison names exactly the connections in which the kernels differ', async () => {
  using rack = await Rack.build({ firewall: 'snat' });
  const { pair } = await stage(rack);
  await Sessions.serve(rack);
  await Sessions.open(rack, 'tcp', SESSIONS);
  await untilEqual(pair, SESSIONS);
  const equal = { equal: true, here: SESSIONS, peer: SESSIONS };
  expect(await pair.speakers.a.comparison()).toMatchObject(equal);
  expect(await compare(rack.nodes.b)).toMatchObject({ code: 0, said: { equal: true } });

  // Taken out behind the back of the replication, which makes it good when it compares digests.
  // That may be at once, but not each time.
  const { namespace } = rack.nodes.b;
  const list = await namespace.run('conntrack', ['-L', '-p', 'tcp', '--dport', '7010']);
  const ports = [...list.matchAll(/ sport=(\d+) dport=7010 /g)].map(([, port]) => port ?? '');
  const deleted: string[] = [];
  for (const port of ports.slice(0, 8)) {
    deleted.push(`:${port} ->`);
    await namespace.run('conntrack', ['-D', '-p', 'tcp', '--sport', port, '--dport', '7010']);
    const { code, said } = await compare(rack.nodes.a);
    if (code === 0) continue;
    const { missing, surplus, changed } = said;
    expect([code, surplus.established, changed.established]).toEqual([1, 0, 0]);
    expect(missing.examples).toHaveLength(missing.established);
    for (const line of missing.examples) {
      expect(deleted.some((end) => line.startsWith('tcp  ESTABLISHED') && line.includes(end))).toBe(
        true,
      );
    }
    return;
  }
  expect.unreachable('no comparison has found anything');
});

/** `yoke flows compare --json` on a node. */
async function compare({ directories }: RackNode) {
  const words = ['flows', 'compare', '--json', '--runtime', directories.runtime];
  return new Promise<{ code: number; said: ComparisonReport }>((resolve) => {
    execFile(YOKE, words, (error, stdout) => {
      resolve({ code: Number(error?.code ?? 0), said: JSON.parse(stdout) as ComparisonReport });
    });
  });
}

function isReplicator(commandLine: string): boolean {
  return commandLine.includes('\0flows\0run\0');
}
