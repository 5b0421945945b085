// What people and nodes do to a configuration, from the command to the files of both nodes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AgentStand } from './agent-stand.ts';

const OLD = `cluster: branch-042
vips:
  - { name: lan, interface: lan, vhid: 1, address: 192.168.1.1/24, password: labsecret }
`;
const NEW = OLD.replace('address:', 'aliases: [192.168.1.4/24], address:');
const MORE = `${OLD}  - { name: more, interface: lan, vhid: 2, address: 192.168.1.9/24 }\n`;
const WISH = { user: 'olga', trialMs: 0, here: false, message: '' };

let a: AgentStand;
let b: AgentStand;

beforeEach(async () => {
  ({ a, b } = await AgentStand.pair(OLD));
});

afterEach(async () => {
  await Promise.all([a.remove(), b.remove()]);
});

const until = (what: () => void) => vi.waitFor(what, { timeout: 20_000, interval: 10 });

async function untilSynced(): Promise<void> {
  await until(() => {
    const reports = [a.agent.report(), b.agent.report()];
    for (const { standing, hash, peerHash } of reports) {
      expect(standing).toBe('synced');
      expect(peerHash).toBe(hash);
    }
    expect(a.cluster).toBe(b.cluster);
  });
}

async function startBoth(): Promise<void> {
  await Promise.all([a.start(), b.start()]);
  await untilSynced();
}

const numbers = ({ agent }: AgentStand) => agent.history().map(({ number }) => number);

test('the same file on both is one revision, and nothing is applied', async () => {
  const generations = [a.election.generation, b.election.generation];
  await startBoth();
  expect(a.agent.revision(1)).toEqual(b.agent.revision(1));
  expect([a.election.generation, b.election.generation]).toEqual(generations);
});

test('a change is on both, with who made it, and rolled back by its number', async () => {
  await startBoth();
  const { agent } = a;
  expect(await agent.plan(NEW)).toMatchObject({
    ok: true,
    text: expect.stringContaining('+  - {'),
  });
  expect(await agent.apply({ ...WISH, text: NEW, message: 'an alias' })).toEqual({
    ok: true,
    text: 'office-a and office-b: revision 2',
  });
  await untilSynced();
  expect(b.cluster).toBe(NEW);
  const told = { number: 2, author: 'olga@office-a', message: 'an alias', text: NEW };
  expect(b.agent.revision(undefined)).toMatchObject(told);
  expect(await agent.rollback(1, WISH)).toMatchObject({ ok: true });
  await untilSynced();
  expect(b.cluster).toBe(OLD);
  expect(numbers(b)).toEqual([1, 2, 3]);
  expect(await agent.rollback(9, WISH)).toEqual({ ok: false, text: 'there is no revision 9' });
});

describe('what one node cannot take is refused, with its name and its words', () => {
  test.each([
    ['by the dry run of an engine', 'b', 'refuses', 'refused: office-b: example: no more'],
    ['when an engine applies it', 'b', 'fails', 'rolled back: office-b: example: broke on more'],
    ['when the MASTER applies it', 'a', 'fails', 'rolled back: office-a: example: broke on more'],
  ] as const)('%s', async (_, letter, way, reason) => {
    await startBoth();
    const stand = letter === 'a' ? a : b;
    stand.engine[way] = 'more';
    const result = await a.agent.apply({ ...WISH, text: MORE });
    expect(result).toEqual({ ok: false, text: `revision 2 ${reason}` });
    await untilSynced();
    expect([a.cluster, b.cluster]).toEqual([OLD, OLD]);
    expect([a.engine.text, b.engine.text]).toEqual(['serve lan\n', 'serve lan\n']);
    expect(a.agent.report().alerts.map(({ code }) => code)).toContain('config-failed');
  });

  test('when a node is not well with it', async () => {
    await startBoth();
    b.election.unwellWith = 'more';
    const { text } = await a.agent.apply({ ...WISH, text: MORE });
    expect(text).toBe('revision 2 rolled back: office-b: it is demoted: link:lan');
    await untilSynced();
    expect(b.cluster).toBe(OLD);
  });

  test('and what nobody can take never leaves the node', async () => {
    await startBoth();
    const wrong = OLD.replace('192.168.1.1/24', '192.168.1.1/25');
    const result = await a.agent.apply({ ...WISH, text: wrong });
    expect(result).toMatchObject({ ok: false, text: expect.stringContaining('cluster.yaml:3: ') });
    expect(numbers(a)).toEqual([1]);
  });
});

test('a change on trial goes back when nobody confirms it', async () => {
  await startBoth();
  const trial = await a.agent.apply({ ...WISH, text: NEW, trialMs: 300 });
  expect(trial).toMatchObject({ ok: true, text: expect.stringContaining('yoke config confirm') });
  expect(b.cluster).toBe(NEW);
  await until(() => expect(a.agent.report().errors[0]).toContain('not confirmed in time'));
  await untilSynced();
  expect(a.cluster).toBe(OLD);
  expect(await a.agent.confirm()).toMatchObject({ ok: false });
  await a.agent.apply({ ...WISH, text: NEW, trialMs: 600_000 });
  expect(await a.agent.apply({ ...WISH, text: OLD })).toEqual({
    ok: false,
    text: 'revision 2 waits to be confirmed: yoke config confirm',
  });
  expect(await a.agent.confirm()).toMatchObject({ ok: true });
  await untilSynced();
  expect(b.cluster).toBe(NEW);
});

test('a standby that was away catches up', async () => {
  await startBoth();
  b.kill();
  await until(() => expect(a.agent.report().standing).toBe('offline'));
  const result = await a.agent.apply({ ...WISH, text: NEW });
  expect(result).toEqual({ ok: true, text: 'office-a: revision 2' });
  expect(b.cluster).toBe(OLD);
  await b.start();
  await untilSynced();
  expect(b.cluster).toBe(NEW);
  await until(() => expect(a.events).toContain('office-b has caught up with revision 2'));
});

describe('edits by hand', () => {
  test('on the primary are a change like any other', async () => {
    await startBoth();
    a.edit(NEW);
    await until(() => expect(b.cluster).toBe(NEW));
    await untilSynced();
    expect(a.agent.revision(2)).toMatchObject({ origin: 'by-hand', text: NEW });
  });

  test('on the primary go back when the secondary cannot take them', async () => {
    await startBoth();
    b.engine.refuses = 'more';
    a.edit(MORE);
    await until(() => expect(a.agent.report().errors[0]).toContain('office-b: example: no more'));
    await untilSynced();
    expect(a.cluster).toBe(OLD);
  });

  test('on the secondary are put right, and kept beside it', async () => {
    await startBoth();
    b.edit(NEW);
    await until(() => expect(b.cluster).toBe(OLD));
    await untilSynced();
    expect(readFileSync(join(b.directory, 'cluster.yaml.replaced'), 'utf8')).toBe(NEW);
    const { alerts } = b.agent.report();
    expect(alerts.map(({ code }) => code)).toContain('config-drift:cluster.yaml');
  });

  test('the same on both, one after the other, are one change', async () => {
    await startBoth();
    a.edit(NEW);
    b.edit(NEW);
    await until(() => expect(numbers(b)).toEqual([1, 2]));
    await untilSynced();
    expect(b.cluster).toBe(NEW);
  });
});

describe('the secondary is changed', () => {
  test('on the primary only', async () => {
    await startBoth();
    const { ok, text } = await b.agent.apply({ ...WISH, text: NEW });
    expect(ok).toBe(false);
    expect(text).toContain('the configuration is kept on the primary, office-a');
  });

  test.each(['here', 'peer'] as const)('or in an emergency, and %s is kept', async (keep) => {
    await startBoth();
    a.kill();
    await until(() => expect(b.agent.report().standing).toBe('offline'));
    const wish = { ...WISH, text: NEW, here: true };
    expect(await b.agent.apply(wish)).toMatchObject({ ok: true });
    await a.start();
    await until(() => {
      expect(a.agent.report().standing).toBe('diverged');
      expect(b.agent.report().standing).toBe('diverged');
    });
    expect([a.cluster, b.cluster]).toEqual([OLD, NEW]);
    expect(a.agent.report().alerts.map(({ code }) => code)).toContain('config-diverged');
    expect(a.agent.peerRevision()?.text).toBe(NEW);
    expect(await a.agent.apply({ ...WISH, text: MORE })).toMatchObject({ ok: false });
    expect((await b.agent.resolve('here', 'olga')).text).toContain('--keep peer');
    expect(await a.agent.resolve(keep, 'olga')).toMatchObject({ ok: true });
    await untilSynced();
    expect(a.cluster).toBe(keep === 'here' ? OLD : NEW);
  });
});

test('an engine that somebody else has changed is put right, and said so', async () => {
  await startBoth();
  b.engine.text = 'somebody was here';
  await b.agent.mend();
  expect(b.engine.text).toBe('serve lan\n');
  const drift = b.agent.report().alerts.find(({ code }) => code === 'config-drift:example');
  expect(drift?.text).toContain('another text');
});

test('a keeper that is killed in the middle finds one configuration on both', async () => {
  await startBoth();
  for (const victim of [a, b]) {
    const change = a.agent.apply({ ...WISH, text: a.cluster === OLD ? NEW : OLD });
    await until(() => expect(b.agent.report().hash && b.cluster !== a.cluster).toBe(true));
    victim.kill();
    await victim.start();
    await untilSynced();
    if (victim === b) await change;
  }
});

test('a node with another secret is named and counted, and changes nothing', async () => {
  await Promise.all([a.remove(), b.remove()]);
  const keys = { a: new Uint8Array(32).fill(1), b: new Uint8Array(32).fill(2) };
  ({ a, b } = await AgentStand.pair(OLD, keys));
  await Promise.all([a.start(), b.start()]);
  for (const { agent } of [a, b]) {
    await until(() => {
      const { alerts, counters, standing } = agent.report();
      expect(alerts).toContainEqual(
        expect.objectContaining({ code: 'config-key', text: 'the other node has another secret' }),
      );
      expect(counters['config.refused.key']).toBeGreaterThan(0);
      expect(standing).toBe('offline');
    });
  }
});

test('no secret is in a report, a plan, an event or an alert', async () => {
  await startBoth();
  const changed = OLD.replace('labsecret', 'othersecret');
  const plan = await a.agent.plan(changed);
  expect(plan.text).toContain('<secret>');
  await a.agent.apply({ ...WISH, text: changed });
  await untilSynced();
  const bad = changed.replace('othersecret', 'a secret that is far too long');
  const refusal = await a.agent.apply({ ...WISH, text: bad });
  expect(refusal.ok).toBe(false);
  const said = JSON.stringify([
    plan,
    refusal,
    a.agent.report(),
    b.agent.report(),
    a.events,
    b.events,
  ]);
  for (const secret of ['labsecret', 'othersecret', 'far too long'])
    expect(said).not.toContain(secret);
});
