import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HOST, MAIL, PROVIDERS } from './dual-wan.ts';
import { EchoProbe } from './echo-probe.ts';
import { eventually } from './eventually.ts';
import { Faults } from './faults.ts';
import { Namespace } from './namespace.ts';
import { Rack } from './rack.ts';
import { CLIENT } from './rack-plan.ts';
import type { Station } from './station.ts';

const RACK = new URL('./rack.ts', import.meta.url).href;

/** Another process that builds a rack, prints its name and then waits for its end. */
async function rackOfAnotherProcess(): Promise<{
  name: string;
  end: (how: NodeJS.Signals) => Promise<void>;
}> {
  const program = `
    const { Rack } = await import(${JSON.stringify(RACK)});
    console.log((await Rack.build()).name);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const name = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(String(text).trim()));
    child.once('exit', (code) => reject(new Error(`no rack, exit code ${code}`)));
  });
  const end = (how: NodeJS.Signals) => {
    child.kill(how);
    return ended;
  };
  return { name, end };
}

function namespacesOf(rackName: string): string[] {
  return Namespace.names().filter((name) => name.startsWith(`${rackName}-`));
}

function carrier(station: Station, device: string): Promise<string> {
  return station.namespace
    .run('cat', [`/sys/class/net/${device}/carrier`])
    .then((text) => (text.trim() === '1' ? 'up' : 'lost'));
}

async function alive(pid: number): Promise<boolean> {
  return existsSync(`/proc/${pid}`);
}

test('a removed rack leaves no namespace, no process and no file', async () => {
  const rack = await Rack.build();
  const probe = await EchoProbe.serve(rack.server);
  expect(namespacesOf(rack.name)).toHaveLength(5);

  rack.remove();

  await probe.process.exited;
  expect(namespacesOf(rack.name)).toEqual([]);
  expect(existsSync(rack.directory)).toBe(false);
});

test('two racks stand side by side', async () => {
  using first = await Rack.build();
  using second = await Rack.build();
  expect(second.name).not.toBe(first.name);
  first.remove();
  expect(namespacesOf(second.name)).toHaveLength(5);
});

test('a rack goes with its process when that is asked to end', async () => {
  const other = await rackOfAnotherProcess();
  expect(namespacesOf(other.name)).toHaveLength(5);
  await other.end('SIGTERM');
  expect(namespacesOf(other.name)).toEqual([]);
});

test('what a killed process left is swept, what a living one has is not', async () => {
  using mine = await Rack.build();
  const other = await rackOfAnotherProcess();
  await other.end('SIGKILL');
  expect(namespacesOf(other.name)).toHaveLength(5);

  Rack.sweep();

  expect(namespacesOf(other.name)).toEqual([]);
  expect(namespacesOf(mine.name)).toHaveLength(5);
});

test('a pulled cable takes the carrier from its station only', async () => {
  using rack = await Rack.build();
  const faults = new Faults(rack);
  const { a, b } = rack.nodes;

  await faults.pull('a', 'lan');
  expect([await carrier(a, 'lan'), await carrier(a, 'wan'), await carrier(b, 'lan')]).toEqual([
    'lost',
    'up',
    'up',
  ]);
  await faults.plug('a', 'lan');
  expect(await carrier(a, 'lan')).toBe('up');
});

test('a pulled sync cable takes the carrier from both ends', async () => {
  using rack = await Rack.build();
  await new Faults(rack).pull('b', 'sync');
  expect(await carrier(rack.nodes.a, 'sync')).toBe('lost');
  expect(await carrier(rack.nodes.b, 'sync')).toBe('lost');
});

test('after a power loss no process is left, and a boot finds an empty kernel', async () => {
  using rack = await Rack.build();
  const faults = new Faults(rack);
  const { a, b } = rack.nodes;
  const { pid } = a.namespace.start('sleep', 'sleep', ['600']);
  await a.namespace.ip('link add left link lan type macvlan mode bridge');

  await faults.powerLoss('a');
  await eventually('the process is gone', async () => ((await alive(pid)) ? undefined : true));
  expect(await carrier(b, 'sync')).toBe('lost');

  await faults.boot('a');
  expect(await a.links()).not.toContain('left');
  expect(await carrier(b, 'sync')).toBe('up');
  await a.namespace.run('ping', ['-c1', '-w30', CLIENT.address]);
});

test('a frozen node is silent while its carriers stay', async () => {
  using rack = await Rack.build();
  const faults = new Faults(rack);
  const probe = await EchoProbe.icmp(rack.client, rack.nodes.a.address('lan'), 1000);
  await faults.freeze('a');
  await eventually('half a second of silence', async () =>
    (await probe.report()).openGapUs > 500_000 ? true : undefined,
  );
  expect(await carrier(rack.nodes.a, 'lan')).toBe('up');
  expect(await carrier(rack.nodes.b, 'sync')).toBe('up');
});

test('an interface that vanished comes back on its port', async () => {
  using rack = await Rack.build();
  const faults = new Faults(rack);
  await faults.vanish('b', 'lan');
  expect(await rack.nodes.b.links()).not.toContain('lan');
  await faults.comeBack('b', 'lan');
  await rack.nodes.b.namespace.run('ping', ['-c1', '-w30', CLIENT.address]);
});

test('the share of frames that is lost is the share that was asked for', async () => {
  using rack = await Rack.build();
  const faults = new Faults(rack);
  const probe = await EchoProbe.icmp(rack.client, rack.nodes.a.address('lan'), 1000);
  const lossOver = async (count: number) => {
    probe.mark();
    return eventually('enough questions', async () => {
      const report = await probe.report();
      return report.asked >= count ? report.lost / report.asked : undefined;
    });
  };
  expect(await lossOver(500)).toBe(0);
  // A question and its answer each pass the port once: 30 % lost twice leave 49 %.
  await faults.lose('a', 'lan', 30);
  const loss = await lossOver(2000);
  expect(loss).toBeGreaterThan(0.4);
  expect(loss).toBeLessThan(0.62);
  await faults.lose('a', 'lan', 0);
  expect(await lossOver(500)).toBe(0);
});

/** Whether the first address reaches the second within a second. */
async function reaches(station: Station, address: string): Promise<boolean> {
  const { length } = await station.namespace.run('ping', ['-c1', '-W1', address]).catch(() => '');
  return length > 0;
}

test('a split keeps the nodes apart on one segment, and nobody else', async () => {
  using rack = await Rack.build();
  const faults = new Faults(rack);
  const { a, b } = rack.nodes;
  await faults.split('lan');
  expect(await reaches(a, b.address('lan'))).toBe(false);
  for (const address of [a.address('lan'), b.address('lan')]) {
    await rack.client.namespace.run('ping', ['-c1', '-w30', address]);
  }
  await a.namespace.run('ping', ['-c1', '-w30', b.address('wan')]);
  expect(await carrier(a, 'lan')).toBe('up');
  await faults.rejoin('lan');
  await a.namespace.run('ping', ['-c1', '-w30', b.address('lan')]);
});

test('a switch that blocks CARP passes everything else', async () => {
  using rack = await Rack.build();
  const faults = new Faults(rack);
  const { a, b } = rack.nodes;
  await faults.split('lan', 'CARP');
  await a.namespace.run('ping', ['-c1', '-w30', b.address('lan')]);
});

test('a dual-wan rack has two providers, a host behind them, a mail server in a DMZ', async () => {
  using rack = await Rack.build({ site: 'dual-wan' });
  const { dualWan, nodes } = rack;
  const { a, b } = nodes;
  for (const address of Object.values(PROVIDERS)) expect(await reaches(a, address)).toBe(true);
  await a.namespace.ip(`route add ${HOST.address} via ${PROVIDERS.isp1}`);
  await b.namespace.ip(`route add ${HOST.address} via ${PROVIDERS.isp2}`);
  for (const address of [a.address('wan'), b.address('wan2')]) {
    await dualWan.host.namespace.run('ping', ['-c1', '-w30', '-I', HOST.address, address]);
  }
  await b.namespace.run('ping', ['-c1', '-w30', MAIL.address]);

  expect(await reaches(a, HOST.address)).toBe(true);
  await dualWan.cutBehind('isp1');
  expect(await reaches(a, PROVIDERS.isp1)).toBe(true);
  expect(await reaches(a, HOST.address)).toBe(false);
  await dualWan.mendBehind('isp1');
  await dualWan.silence('isp1');
  expect(await reaches(a, PROVIDERS.isp1)).toBe(false);
  await dualWan.unsilence('isp1');
  await a.namespace.run('ping', ['-c1', '-w30', HOST.address]);
});
