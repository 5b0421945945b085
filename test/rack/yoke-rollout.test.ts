// One configuration on a real pair: a change reaches both nodes, a bad one neither, and whatever is
// killed or away, both come to run the same.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Snapshot } from '../../firmware/core/telemetry/snapshot.ts';
import { processesOf } from '../bench/process-use.ts';
import { ClientTraffic, watchVips } from './client-traffic.ts';
import { CommandError, command } from './command.ts';
import { eventually } from './eventually.ts';
import { Pair } from './pair.ts';
import { Rack } from './rack.ts';
import type { NodeLetter } from './rack-plan.ts';
import { clusterFile } from './yoke-configuration.ts';
import { YOKE, YokePair, YokeSpeaker } from './yoke-pair.ts';

const STREAMS = 10;
const ALIAS = '192.168.1.77/24';
const OLD = clusterFile({});
const NEW = OLD.replace('"2001:db8:1::1/64"', `"${ALIAS}", "2001:db8:1::1/64"`);
const REFUSED = 'rack: the command was refused';

interface Stage {
  readonly rack: Rack;
  readonly watch: Awaited<ReturnType<typeof watchVips>>;
  readonly pair: Pair<YokeSpeaker>;
}

async function stage(rack: Rack): Promise<Stage> {
  const watch = await watchVips(rack);
  const pair = await Pair.start(rack, watch, new YokePair());
  await untilSynced(pair);
  return { rack, watch, pair };
}

async function untilSynced({ speakers }: Pair<YokeSpeaker>): Promise<void> {
  for (const speaker of Object.values(speakers)) {
    await speaker.untilStatus('runs what its peer runs', ({ config }) => {
      return (
        config.sync === 'synced' && config.hash === config.peerHash && config.revision !== null
      );
    });
  }
}

const lanAliases = ({ vips }: Snapshot): readonly string[] =>
  vips.find(({ name }) => name === 'lan')?.aliases ?? [];

/** `yoke config ...` on a node; what it said, and whether it was refused. */
async function config({ rack }: Stage, letter: NodeLetter, ...words: string[]): Promise<string> {
  const { config: directory, runtime, state } = rack.nodes[letter].directories;
  const places = ['--config', directory, '--runtime', runtime, '--state', state];
  try {
    return await command(YOKE, ['config', ...words, ...places]);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return `${REFUSED}: ${error.message}`;
  }
}

function draft({ rack }: Stage, text: string): string {
  const path = join(rack.nodes.a.directories.runtime, 'draft.yaml');
  writeFileSync(path, text);
  return path;
}

const clusterOf = ({ rack }: Stage, letter: NodeLetter): string =>
  readFileSync(join(rack.nodes[letter].directories.config, 'cluster.yaml'), 'utf8');

/** Kills the keeper of the configuration; its node starts it again. */
function killAgent({ rack }: Stage, letter: NodeLetter): void {
  for (const pid of processesOf(rack.nodes[letter], (line) => line.includes('\0agent\0run\0'))) {
    process.kill(pid, 'SIGKILL');
  }
}

async function proveWhole({ pair, watch }: Stage): Promise<void> {
  await untilSynced(pair);
  const { a, b } = { a: await pair.speakers.a.status(), b: await pair.speakers.b.status() };
  expect(a.config.hash).toBe(b.config.hash);
  expect(a.config.revision).toBe(b.config.revision);
  expect(await watch.missedFrames()).toBe(0);
  expect(watch.doubleAnswers).toEqual([]);
}

/**
 * It has served all the time. A machine that stood still for longer than a lease has interrupted
 * it; a change of the configuration has not.
 */
async function proveUndisturbed(speaker: YokeSpeaker, before: Snapshot): Promise<void> {
  const { state, since, reason } = await speaker.status();
  const lapses = (await speaker.lapses()) - (before.counters['lease.lapsed'] ?? 0);
  if (lapses > 0) return;
  const was = { state: 'MASTER', since: before.since, reason: before.reason };
  expect({ state, since, reason }).toEqual(was);
}

test('a change on the primary is live on both, and back, without a packet lost', async () => {
  using rack = await Rack.build();
  const here = await stage(rack);
  const { a, b } = here.pair.speakers;
  const traffic = await ClientTraffic.start(rack, STREAMS);
  const before = await a.status();

  expect(await config(here, 'a', 'plan', draft(here, NEW))).toContain(`+`);
  const said = await config(here, 'a', 'apply', draft(here, NEW), '--message', 'one more alias');
  expect(said).toBe('office-a and office-b: revision 2\n');
  for (const speaker of [a, b]) expect(lanAliases(await speaker.status())).toContain(ALIAS);
  await proveWhole(here);
  expect(clusterOf(here, 'b')).toBe(NEW);

  for (const letter of ['a', 'b'] as const) {
    expect(await config(here, letter, 'history')).toMatch(/\* 2 .*@office-a +one more alias/);
    const diff = await config(here, letter, 'diff');
    expect(diff).toContain(ALIAS);
    expect(diff).not.toContain('labsecret');
  }

  // The secondary is no place for changes, except in an emergency.
  const refusal = await config(here, 'b', 'apply', draft(here, OLD));
  expect(refusal).toContain('the configuration is kept on the primary, office-a');

  expect(await config(here, 'a', 'rollback', '1')).toContain('revision 3');
  await proveWhole(here);
  expect(clusterOf(here, 'b')).toBe(OLD);
  await proveUndisturbed(a, before);
  expect((await traffic.report(5000)).streams).toMatchObject({ flowing: STREAMS });
});

test('a bad change is refused with the reason, on whichever node it is bad', async () => {
  using rack = await Rack.build();
  const here = await stage(rack);
  const { a } = here.pair.speakers;
  const traffic = await ClientTraffic.start(rack, STREAMS);
  const before = await a.status();
  // An interface that only the primary has.
  await rack.nodes.a.namespace.ip(
    'link add dmz type veth peer name dmz-far',
    'link set dmz-far up',
    'link set dmz up',
    'address add 192.168.3.2/24 dev dmz',
  );
  const nodeYaml = join(rack.nodes.a.directories.config, 'node.yaml');
  const dmz = '  dmz: { device: dmz, address: 192.168.3.2/24 }\n';
  writeFileSync(
    nodeYaml,
    readFileSync(nodeYaml, 'utf8').replace('interfaces:\n', `interfaces:\n${dmz}`),
  );
  a.signal('SIGHUP');
  await a.untilStatus('has the DMZ', ({ links }) => links.some(({ name }) => name === 'dmz'));
  await untilSynced(here.pair);

  const vip = '  - { name: dmz, interface: dmz, vhid: 7, address: 192.168.3.1/24 }\n';
  const cases = [
    [OLD.replace('198.51.100.200/24', '198.51.100.200/25'), 'cluster.yaml:6'],
    [`${OLD}  - {`, 'cluster.yaml:8'],
    [OLD + vip, 'office-b: cluster.yaml:8: vips[2].interface'],
  ] as const;
  for (const [text, reason] of cases) {
    const said = await config(here, 'a', 'apply', draft(here, text));
    expect(said).toContain(REFUSED);
    expect(said).toContain(reason);
    for (const letter of ['a', 'b'] as const) expect(clusterOf(here, letter)).toBe(OLD);
  }
  const { config: told, alerts } = await a.untilStatus('says why', ({ config: { errors } }) =>
    errors.some((error) => error.includes('office-b')),
  );
  expect(told.revision).toBe(1);
  expect(alerts.map(({ code }) => code)).toContain('config-failed');
  await proveUndisturbed(a, before);
  expect((await traffic.report(5000)).streams).toMatchObject({ flowing: STREAMS });
  await proveWhole(here);
});

test('a change on trial goes back by itself, and when its keeper is killed', async () => {
  using rack = await Rack.build();
  const here = await stage(rack);
  const isOld = (speaker: YokeSpeaker) =>
    speaker.untilStatus('is back', (status) => !lanAliases(status).includes(ALIAS));
  const { a, b } = here.pair.speakers;

  const trial = await config(here, 'a', 'apply', draft(here, NEW), '--confirm', '3s');
  expect(trial).toContain('yoke config confirm');
  for (const speaker of [a, b]) await isOld(speaker);
  expect(await config(here, 'a', 'confirm')).toContain('not confirmed in time');
  await proveWhole(here);

  for (const victim of ['a', 'b'] as const) {
    await config(here, 'a', 'apply', draft(here, NEW), '--confirm', '20s');
    killAgent(here, victim);
    for (const speaker of [a, b]) await isOld(speaker);
    await proveWhole(here);
  }

  await config(here, 'a', 'apply', draft(here, NEW), '--confirm', '60s');
  expect(await config(here, 'a', 'confirm')).toContain('office-a and office-b: revision');
  await proveWhole(here);
  expect(clusterOf(here, 'b')).toBe(NEW);
});

test('a keeper killed in the middle leaves one configuration, whichever', async () => {
  using rack = await Rack.build();
  const here = await stage(rack);
  for (let round = 0; round < 6; round++) {
    const text = round % 2 === 0 ? NEW : OLD;
    const change = config(here, 'a', 'apply', draft(here, text));
    await eventually(
      'the change is under way',
      async () => {
        const journals = (['a', 'b'] as const).map((letter) => {
          const { state } = rack.nodes[letter].directories;
          return readFileSync(join(state, 'config', 'journal.json'), 'utf8');
        });
        const phase = round < 3 ? 'applying' : 'preparing';
        return journals.some((journal) => journal.includes(`"${phase}"`)) ? true : undefined;
      },
      { everyMs: 1, patienceMs: 3000 },
    ).catch(() => undefined);
    killAgent(here, round % 3 === 0 ? 'b' : 'a');
    await change;
    await proveWhole(here);
    expect([OLD, NEW]).toContain(clusterOf(here, 'a'));
    expect(clusterOf(here, 'b')).toBe(clusterOf(here, 'a'));
  }
});

test('a standby that was away catches up, and edits by hand find their way', async () => {
  using rack = await Rack.build();
  const here = await stage(rack);
  const { a } = here.pair.speakers;
  await here.pair.speakers.b.stop();
  await a.untilStatus('is alone', ({ config: { sync } }) => sync === 'offline');
  expect(await config(here, 'a', 'apply', draft(here, NEW))).toBe('office-a: revision 2\n');

  here.pair.speakers.b = new YokeSpeaker(rack.nodes.b, {});
  await here.pair.speakers.b.ready();
  const { b } = here.pair.speakers;
  await b.untilStatus('has caught up', (status) => lanAliases(status).includes(ALIAS));
  await proveWhole(here);

  // On the primary an edit by hand is a change like any other.
  const file = (letter: NodeLetter) => join(rack.nodes[letter].directories.config, 'cluster.yaml');
  writeFileSync(file('a'), OLD);
  a.signal('SIGHUP');
  await b.untilStatus('has the edit', (status) => !lanAliases(status).includes(ALIAS));
  await proveWhole(here);
  await eventually('the history tells of the edit', async () => {
    const history = await config(here, 'a', 'history');
    return history.includes('cluster.yaml was edited by hand') ? true : undefined;
  });

  // On the secondary it is put right.
  writeFileSync(file('b'), NEW);
  b.signal('SIGHUP');
  await b.untilEvent('the drift', ({ text }) => text.includes('put back to revision 3'));
  await proveWhole(here);
  expect(clusterOf(here, 'b')).toBe(OLD);
});
