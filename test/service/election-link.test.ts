// Between the main thread and the election: who asked gets the answer, and no old picture is shown.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { NodeSnapshot } from '../../firmware/core/node/node-snapshot.ts';
import { ElectionLink } from '../../firmware/service/election-link.ts';
import type { ToThread } from '../../firmware/service/thread-messages.ts';
import { exampleSnapshot } from '../core/telemetry/example-snapshot.ts';

let sent: ToThread[];
let link: ElectionLink;

beforeEach(() => {
  sent = [];
  link = new ElectionLink((message) => sent.push(message));
});

const says = (snapshot: Partial<NodeSnapshot>) =>
  link.takeSnapshot({
    kind: 'snapshot',
    snapshot: exampleSnapshot(snapshot),
    realtime: { priority: 49, latenessMaxMs: 0 },
  });

describe('commands', () => {
  test('each gets its own answer, in whatever order they come', async () => {
    const first = link.ask((id) => ({ kind: 'handover', id }));
    const second = link.ask((id) => ({ kind: 'maintenance', id, entered: true }));
    expect(sent).toEqual([
      { kind: 'handover', id: 1 },
      { kind: 'maintenance', id: 2, entered: true },
    ]);
    link.takeAnswer({ kind: 'answer', id: 2, ok: true, text: '' });
    link.takeAnswer({ kind: 'answer', id: 1, ok: false, text: 'no peer' });
    link.takeAnswer({ kind: 'answer', id: 1, ok: true, text: 'late' });
    expect(await first).toEqual({ ok: false, text: 'no peer' });
    expect(await second).toEqual({ ok: true, text: '' });
  });
});

describe('what the election says', () => {
  test('nothing yet: the node is starting', () => {
    expect(() => link.latest()).toThrow('the node is starting');
    says({ state: 'BACKUP' });
    expect(link.latest().snapshot.state).toBe('BACKUP');
  });

  test('is waited for', async () => {
    const seen: string[] = [];
    says({ state: 'MASTER' });
    const waiting = link
      .until(({ state }) => state === 'BACKUP', 60_000)
      .then(() => seen.push('told'));
    says({ state: 'MASTER', reason: 'another event' });
    await Promise.resolve();
    expect(seen).toEqual([]);
    says({ state: 'BACKUP' });
    await waiting;
    expect(seen).toEqual(['told']);
  });

  test('is not waited for when it is true already', async () => {
    says({ state: 'BACKUP' });
    await link.until(({ state }) => state === 'BACKUP', 60_000);
  });

  describe('by the clock', () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test('the wait has an end', async () => {
      says({ state: 'MASTER' });
      const waiting = link.until(({ state }) => state === 'BACKUP', 1_000);
      vi.advanceTimersByTime(1_000);
      await waiting;
      expect(link.latest().snapshot.state).toBe('MASTER');
    });

    test('an old picture is not shown', () => {
      says({ state: 'MASTER' });
      vi.advanceTimersByTime(4_000);
      expect(() => link.latest()).toThrow('the election has not answered for 4 s');
      says({ state: 'MASTER' });
      expect(link.latest().snapshot.state).toBe('MASTER');
    });
  });
});
