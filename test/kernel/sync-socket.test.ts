// Real TLS over the loopback: who has the key of the pair is heard, everybody else is named.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { connect } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import {
  dial,
  type SyncConnection,
  type SyncFailure,
  SyncListener,
} from '../../firmware/kernel/sync-socket.ts';
import type { ConfigRevision } from '../../firmware/wire/config-revision.ts';
import type { SyncMessage } from '../../firmware/wire/sync-message.ts';

const HOST = '127.0.0.1';
const KEY = new Uint8Array(32).fill(7);
const open: { close(): void }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

interface End {
  readonly opened: Promise<SyncConnection>;
  readonly failed: Promise<SyncFailure>;
}

function hooksOf() {
  const opened = Promise.withResolvers<SyncConnection>();
  const failed = Promise.withResolvers<SyncFailure>();
  const onOpen = (connection: SyncConnection) => {
    open.push(connection);
    opened.resolve(connection);
  };
  return { onOpen, onFailure: failed.resolve, opened: opened.promise, failed: failed.promise };
}

async function listen(key = KEY): Promise<End & { port: number }> {
  const hooks = hooksOf();
  const listener = new SyncListener({ local: HOST, peer: HOST, key, port: 0 }, hooks);
  open.push({ close: () => listener.stop() });
  return { ...hooks, port: await listener.start() };
}

function call(port: number, key = KEY): End {
  const hooks = hooksOf();
  dial({ local: HOST, peer: HOST, key, port }, hooks);
  return hooks;
}

const nextMessage = (connection: SyncConnection): Promise<SyncMessage> =>
  new Promise((resolve) => {
    connection.onMessage = resolve;
  });

test('messages go both ways, the largest ones too', async () => {
  const server = await listen();
  const client = call(server.port);
  const [a, b] = [await client.opened, await server.opened];
  const id = 'ab'.repeat(8);
  const there = nextMessage(b);
  a.send({ kind: 'apply', id });
  expect(await there).toEqual({ kind: 'apply', id });
  const text = randomBytes(524_288).toString('hex');
  const revision: ConfigRevision = {
    ...{ number: 1, id, parent: null, time: '2026-03-01T12:00:00Z', author: 'x', message: '' },
    ...{ resolves: null, hash: 'ab'.repeat(32), text },
    origin: 'edit',
  };
  const back = nextMessage(a);
  b.send({ kind: 'prepare', revision, trial: 0 });
  expect(await back).toEqual({ kind: 'prepare', revision, trial: 0 });
  const closed = new Promise<void>((resolve) => {
    b.onClose = resolve;
  });
  a.close();
  await closed;
});

test('another key is named by both ends', async () => {
  const server = await listen();
  const client = call(server.port, new Uint8Array(32).fill(8));
  expect(await client.failed).toEqual({ kind: 'key' });
  expect(await server.failed).toEqual({ kind: 'key' });
});

test('without a key there is no connection', async () => {
  const server = await listen();
  const socket = connect({ host: HOST, port: server.port, rejectUnauthorized: false });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toContain('HANDSHAKE_FAILURE');
  expect(await server.failed).toMatchObject({ kind: 'machine' });
});

test('a stranger that speaks no TLS, and nobody at all', async () => {
  const server = await listen();
  const socket = connectPlain(server.port, HOST, () => socket.end('GET / HTTP/1.0\r\n\r\n'));
  socket.on('error', () => undefined);
  expect(await server.failed).toMatchObject({ kind: 'machine' });
  const gone = await listen();
  open.at(-1)?.close();
  expect(await call(gone.port).failed).toEqual({ kind: 'machine', text: 'ECONNREFUSED' });
});
