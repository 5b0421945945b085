// What nodes tell each other survives any cutting of the stream, and nothing else is believed.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConfigRevision } from '../../firmware/wire/config-revision.ts';
import {
  encodeSyncMessage,
  type SyncMessage,
  SyncReader,
} from '../../firmware/wire/sync-message.ts';

const id = '0123456789abcdef';
const hash = id.repeat(4);
const revision: ConfigRevision = {
  ...{ number: 3, id, parent: null, time: '2026-03-01T12:00:00.000Z', author: 'root@a' },
  ...{ message: 'ä', resolves: null, hash, text: 'cluster: x\n' },
  origin: 'edit',
};
const state = {
  ...{ node: 'office-a', head: { number: 3, id, hash }, applied: hash, changing: null },
  ...{ owned: true, master: false, diverged: false },
};
const MESSAGES: readonly SyncMessage[] = [
  { kind: 'state', state, revision },
  { kind: 'prepare', revision, trial: 60_000 },
  { kind: 'prepared', id },
  { kind: 'refused', id, reason: 'no such interface' },
  { kind: 'aborted', id, reason: '' },
  { kind: 'ping' },
];

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function frame(value: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(value));
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length);
  bytes.set(body, 4);
  return bytes;
}

test('however the stream is cut, the same messages come out', () => {
  const bytes = joined(MESSAGES.map(encodeSyncMessage));
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const reader = new SyncReader();
      const read = places.slice(1).flatMap((end, index) => {
        const messages = reader.read(bytes.slice(places[index], end));
        if (typeof messages === 'string') throw new Error(messages);
        return messages;
      });
      expect(read).toEqual(MESSAGES);
    }),
  );
});

test.each([
  [Uint8Array.of(0xff, 0, 0, 0), 'too-long'],
  [Uint8Array.of(0, 0, 0, 1, 0xff), 'not-json'],
  [frame({ kind: 'ping' }), 'version'],
  [frame({ version: 2, kind: 'ping' }), 'version'],
  [frame({ version: 1, kind: 'shell' }), 'malformed'],
  [frame({ version: 1, kind: 'apply', id: '../../etc' }), 'malformed'],
  [
    frame({ version: 1, kind: 'prepare', revision: { ...revision, number: 0 }, trial: 0 }),
    'malformed',
  ],
  [frame({ version: 1, kind: 'prepare', revision, trial: -1 }), 'malformed'],
  [frame({ version: 1, kind: 'state', state: { ...state, owned: 1 }, revision }), 'malformed'],
  [frame([]), 'version'],
])('%# is refused by name', (bytes, refusal) => {
  expect(new SyncReader().read(bytes)).toBe(refusal);
});

test('no bytes at all make it throw', () => {
  fc.assert(
    fc.property(fc.json(), fc.uint8Array({ maxLength: 64 }), (json, noise) => {
      const body = new TextEncoder().encode(json);
      const reader = new SyncReader();
      reader.read(Uint8Array.of(0, 0, body.length >> 8, body.length & 0xff));
      reader.read(body);
      reader.read(noise);
    }),
  );
});
