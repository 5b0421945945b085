// The API as its users see it: over a real Unix socket, with raw bytes, curl and the client.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventRecord } from '../../firmware/core/telemetry/event-record.ts';
import { ApiClient } from '../../firmware/service/api-client.ts';
import { ApiServer, socketPath } from '../../firmware/service/api-server.ts';
import { ApiFailure } from '../../firmware/service/local-client.ts';
import { exampleFlows } from '../core/telemetry/example-flows.ts';
import { exampleSnapshot } from '../core/telemetry/example-snapshot.ts';
import { ExampleNode } from './example-node.ts';

let directory: string;
let node: ExampleNode;
let server: ApiServer;
let client: ApiClient;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'yoke-api-'));
  node = new ExampleNode();
  server = new ApiServer(directory, node);
  client = new ApiClient(directory);
  await server.start();
});

afterEach(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

/** Sends bytes as they are and returns all that comes back until the server ends. */
async function raw(text: string): Promise<string> {
  const socket = connect(socketPath(directory));
  socket.write(text);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

async function ask(
  method: string,
  path: string,
  body = '',
): Promise<[status: number, body: unknown]> {
  const length = Buffer.byteLength(body);
  const answer = await raw(
    `${method} ${path} HTTP/1.1\r\nhost: yoke\r\nconnection: close\r\n` +
      `content-length: ${length}\r\n\r\n${body}`,
  );
  const start = answer.indexOf('\r\n\r\n') + 4;
  return [Number(answer.split(' ')[1]), JSON.parse(answer.slice(start))];
}

describe('requests', () => {
  test('status is the status document', async () => {
    expect(await ask('GET', '/status')).toEqual([200, exampleSnapshot()]);
    expect(await client.status()).toEqual(exampleSnapshot());
  });

  test('curl works', () => {
    const arguments_ = ['-sf', '--unix-socket', socketPath(directory), 'http://yoke/status'];
    const curl = spawn('curl', arguments_);
    return expect(text(curl)).resolves.toBe(`${JSON.stringify(exampleSnapshot())}\n`);
  });

  test('commands arrive and their outcome returns', async () => {
    expect(await ask('POST', '/maintenance', '{"action":"enter"}')).toEqual([
      200,
      { ok: true, text: 'done' },
    ]);
    expect(await ask('POST', '/reload')).toEqual([200, { ok: true, text: 'done' }]);
    node.outcome = { ok: false, text: 'cluster.yaml:3: no' };
    expect(await ask('POST', '/reload', '{}')).toEqual([409, node.outcome]);
    expect(await client.command('maintenance', { action: 'leave' })).toEqual(node.outcome);
    expect(await ask('POST', '/handover')).toEqual([409, node.outcome]);
    expect(node.commands).toEqual([
      ['maintenance', { action: 'enter' }],
      ['reload', {}],
      ['reload', {}],
      ['maintenance', { action: 'leave' }],
      ['handover', {}],
    ]);
  });

  test.each([
    ['GET', '/', '', 404, 'no such path: /'],
    ['GET', '/status/', '', 404, 'no such path: /status/'],
    ['GET', '/constructor', '', 404, 'no such path: /constructor'],
    ['GET', '//', '', 400, 'no such path'],
    ['POST', '/status', '', 405, '/status wants GET'],
    ['DELETE', '/events', '', 405, '/events wants GET'],
    ['GET', '/maintenance', '', 405, '/maintenance wants POST'],
    ['GET', '/handover', '', 405, '/handover wants POST'],
    [
      'POST',
      '/maintenance',
      '',
      400,
      'maintenance wants {"action": "enter"} or {"action": "leave"}',
    ],
    [
      'POST',
      '/maintenance',
      '{"action":"pause"}',
      400,
      'maintenance wants {"action": "enter"} or {"action": "leave"}',
    ],
    [
      'POST',
      '/maintenance',
      'null',
      400,
      'maintenance wants {"action": "enter"} or {"action": "leave"}',
    ],
    ['POST', '/maintenance', '{"action":', 400, 'body is not JSON'],
    ['POST', '/maintenance', `"${'x'.repeat(65_536)}"`, 413, 'body over 64 KiB'],
    ['GET', '/events?since=now', '', 400, 'since wants the id of an event'],
    ['GET', '/events?since=-1', '', 400, 'since wants the id of an event'],
  ])('%s %s is refused', async (method, path, body, status, error) => {
    expect(await ask(method, path, body)).toEqual([status, { error }]);
    expect(node.commands).toEqual([]);
  });

  test('bytes that are not HTTP end the connection, not the server', async () => {
    expect(await raw('\0\x01 nonsense\r\n\r\n')).toContain('400 Bad Request');
    expect((await ask('GET', '/status'))[0]).toBe(200);
  });

  test('a node that fails inside is a 500 with its reason', async () => {
    node.failure = new Error('broken inside');
    expect(await ask('POST', '/reload')).toEqual([500, { error: 'broken inside' }]);
    await expect(client.command('reload')).rejects.toThrow('the node answered 500: broken inside');
  });
});

test('what other processes know against the node reaches it, checked', async () => {
  const demotion = { reason: 'target:wan1', weight: 50, patienceMs: 2000 };
  const events = ['gateway wan1: up -> down'];
  const body = { owner: 'gateways', lastsMs: 5000, demotions: [demotion], events };
  await client.reportDemotions(body);
  expect(node.demotions).toEqual([
    {
      report: {
        owner: 'gateways',
        lasts: 5_000_000,
        demotions: [{ reason: 'target:wan1', weight: 50, patience: 2_000_000 }],
      },
      events,
    },
  ]);
  const refused: [object, string][] = [
    [{ ...body, owner: 'Gate ways' }, 'owner'],
    [{ ...body, lastsMs: -1 }, 'lastsMs'],
    [{ ...body, demotions: 'all' }, 'demotions'],
    [{ ...body, demotions: [{ ...demotion, reason: 'link:lan' }] }, 'reason'],
    [{ ...body, demotions: [{ ...demotion, reason: 'service:lease' }] }, 'reason'],
    [{ ...body, demotions: [{ ...demotion, weight: 0 }] }, 'weight'],
    [{ ...body, demotions: [{ ...demotion, weight: 241 }] }, 'weight'],
    [{ ...body, demotions: [{ ...demotion, patienceMs: 1e9 }] }, 'patienceMs'],
    [{ ...body, events: ['two\nlines'] }, 'events'],
  ];
  for (const [wrong, field] of refused) {
    const [status, answer] = await ask('POST', '/demotions', JSON.stringify(wrong));
    expect([status, JSON.stringify(answer)]).toEqual([400, expect.stringContaining(field)]);
  }
  expect(node.demotions).toHaveLength(1);
});

test('what the replication of flows has to tell reaches the node', async () => {
  const report = { flows: exampleFlows(), alerts: [], ready: true };
  await client.reportFlows(report);
  expect(node.reports).toEqual([report]);
});

describe('events', () => {
  test('remembered ones are replayed after the asked id, then new ones follow', async () => {
    for (let id = 1; id <= 3; id++) node.happen(`event ${id}`);
    const seen: number[] = [];
    for await (const { id } of await client.events(1)) {
      seen.push(id);
      if (id === 3) node.happen('event 4');
      if (id === 4) break;
    }
    expect(seen).toEqual([2, 3, 4]);
  });

  test('without an id only new ones come', async () => {
    node.happen('past');
    const events = await client.events();
    node.happen('new');
    expect((await events.next()).value).toMatchObject({ id: 2, text: 'new' });
    await events.return(undefined);
  });

  test('are server-sent events with id, kind and data; Last-Event-ID counts as since', async () => {
    const first = node.happen('one');
    const second = node.happen('two');
    const socket = connect(socketPath(directory));
    socket.write('GET /events HTTP/1.1\r\nhost: yoke\r\nlast-event-id: 1\r\n\r\n');
    let answer = '';
    while (!answer.includes('"two"')) answer += String((await once(socket, 'data'))[0]);
    socket.destroy();
    expect(answer).toContain('content-type: text/event-stream');
    expect(answer).toContain(`id: 2\nevent: transition\ndata: ${JSON.stringify(second)}\n\n`);
    expect(answer).not.toContain(JSON.stringify(first));
  });

  test('a reader that goes away is forgotten', async () => {
    const controller = new AbortController();
    const next = (await client.events(undefined, controller.signal)).next();
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    await node.unsubscribed();
    expect(node.listeners.size).toBe(0);
  });

  test('a reader that does not read is cut off before it costs much memory', async () => {
    const socket = connect(socketPath(directory));
    socket.write('GET /events HTTP/1.1\r\nhost: yoke\r\n\r\n');
    await node.subscribed();
    socket.pause();
    for (let count = 0; count < 4_000 && node.listeners.size > 0; count++) {
      node.happen('x'.repeat(1_000));
      if (count % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await node.unsubscribed();
    expect(node.listeners.size).toBe(0);
    socket.destroy();
  });

  test('end when the server stops', async () => {
    const events: EventRecord[] = [];
    const reading = (async () => {
      for await (const event of await client.events()) events.push(event);
    })();
    await node.subscribed();
    await server.stop();
    await reading;
    expect(events).toEqual([]);
  });
});

describe('the socket', () => {
  test('belongs to its owner and goes when the server stops', async () => {
    expect(statSync(socketPath(directory)).mode & 0o777).toBe(0o600);
    await server.stop();
    expect(existsSync(socketPath(directory))).toBe(false);
  });

  test('of a living server is refused', async () => {
    await expect(new ApiServer(directory, node).start()).rejects.toThrow(
      `a node is running already on ${socketPath(directory)}`,
    );
    expect((await ask('GET', '/status'))[0]).toBe(200);
  });

  test('that a killed process left is replaced', async () => {
    await server.stop();
    leaveStaleSocket(socketPath(directory));
    expect(existsSync(socketPath(directory))).toBe(true);
    await expect(client.status()).rejects.toThrow(
      `no node is running (nothing answers on ${socketPath(directory)})`,
    );
    await server.start();
    expect((await ask('GET', '/status'))[0]).toBe(200);
  });

  test('a file in its place is left alone', async () => {
    await server.stop();
    writeFileSync(socketPath(directory), 'precious');
    await expect(server.start()).rejects.toThrow('is in the way and is not a socket');
  });

  test('a path too long for the kernel is refused in words', async () => {
    const deep = join(directory, 'x'.repeat(100));
    await expect(new ApiServer(deep, node).start()).rejects.toThrow('at most 107 bytes');
  });

  test('a directory that cannot be made is refused in words', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(new ApiServer(join(directory, 'file', 'run'), node).start()).rejects.toThrow(
      /^cannot serve on .*: (ENOTDIR|EEXIST)$/,
    );
  });
});

describe('the client', () => {
  test('says that no node is running', async () => {
    await server.stop();
    await expect(client.status()).rejects.toThrow(ApiFailure);
    await expect(client.status()).rejects.toThrow(
      `no node is running (nothing answers on ${socketPath(directory)})`,
    );
  });

  test('says that an answer broke off', async () => {
    await server.stop();
    const broken = createServer((socket) => {
      socket.resume();
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"schema":');
    });
    broken.listen(socketPath(directory));
    await once(broken, 'listening');
    await expect(client.status()).rejects.toThrow('broke off its answer');
    broken.close();
    await once(broken, 'close');
  });
});

/** A process that binds the path and is killed leaves its socket behind. */
function leaveStaleSocket(path: string): void {
  const script = `
    const killed = () => process.kill(process.pid, 'SIGKILL');
    require('node:net').createServer().listen(${JSON.stringify(path)}, killed);`;
  try {
    execFileSync(process.execPath, ['-e', script]);
  } catch (error) {
    expect(error).toMatchObject({ signal: 'SIGKILL' });
  }
}

async function text(child: ReturnType<typeof spawn>): Promise<string> {
  let output = '';
  for await (const chunk of child.stdout ?? []) output += String(chunk);
  return output;
}
