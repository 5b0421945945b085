/** What the kernel tells of its connections, and what it is asked not to tell. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NamespaceProcess } from './json-lines.ts';
import { Segment } from './segment.ts';

interface Heard {
  readonly found: readonly (string | number)[];
  readonly wasOverrun: boolean;
}

let segment: Segment;
let listener: NamespaceProcess;

beforeEach(() => {
  segment = new Segment();
  listener = segment.startProgram('conntrack-driver.ts');
});

afterEach(() => segment.remove());

const FLOW = '-p udp -s 10.0.0.1 -d 10.9.0.1 --sport 1000 --dport 53 -t 100';

const STATUS_AT = 18;
const ASSURED = 4;

/** Operation and flags of a record. */
const head = (record: string | number | undefined): string => String(record).slice(4, 8);

test('tells what begins, changes and ends', async () => {
  await listener.call('listen', true);
  segment.run(`conntrack -I ${FLOW}`);
  const other = segment.startProgram('conntrack-driver.ts');
  const [record] = (await other.call<Heard>('dump')).found;
  const assured = Buffer.from(String(record), 'hex');
  assured.writeUInt16LE(assured.readUInt16LE(STATUS_AT) | ASSURED, STATUS_AT);
  await other.call('inject', assured.toString('hex'));
  segment.run('conntrack -D -p udp');
  const { found } = await listener.call<Heard>('events');
  // An upsert that is fresh, one that is established, a destroy.
  expect(found.map(head)).toEqual(['0101', '0102', '0200']);
});

test('what this node itself has put in is no news, what others change is', async () => {
  segment.run(`conntrack -I ${FLOW}`);
  const { found } = await listener.call<Heard>('dump');
  await listener.call('listen', true);
  await listener.call('inject', found.join(''));
  await listener.call('remove', found[0]);
  expect(await listener.call('quiet')).toBe(0);
  segment.run(`conntrack -I ${FLOW}`);
  expect((await listener.call<Heard>('events')).found).toHaveLength(1);
});

test('is told nothing before it listens, and nothing afterwards', async () => {
  segment.run(`conntrack -I ${FLOW}`);
  expect(await listener.call('quiet')).toBe(0);
  await listener.call('listen', true);
  await listener.call('listen', false);
  segment.run('conntrack -F');
  expect(await listener.call('quiet')).toBe(0);
});

test('an overrun is told, and hearing goes on after it', async () => {
  segment.run(`conntrack -I ${FLOW}`);
  const [record] = (await listener.call<Heard>('dump')).found;
  segment.run('conntrack -F');
  await listener.call('listen', true);
  const other = segment.startProgram('conntrack-driver.ts');
  // More than the buffer of the listener holds, each with another source port.
  const flood = Array.from({ length: 60_000 }, (_, port) => {
    const bytes = Buffer.from(String(record), 'hex');
    bytes.writeUInt32LE(port, 4);
    bytes.writeUInt16BE(port + 1, 28);
    return bytes.toString('hex');
  });
  const counts = await other.call('inject', flood.join(''));
  expect(counts).toMatchObject({ refused: 0, malformed: 0 });
  const heard = await listener.call<Heard>('events');
  expect(heard.wasOverrun).toBe(true);
  segment.run('conntrack -D -p udp --orig-port-src 77');
  expect((await listener.call<Heard>('events')).found.map(head)).toEqual(['0200']);
});
