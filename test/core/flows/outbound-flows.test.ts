/** What becomes of records while the peer takes nothing: coalesced, bounded, never just lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf, FlowTable, marks } from '../../../firmware/core/flows/flow-table.ts';
import { OutboundFlows } from '../../../firmware/core/flows/outbound-flows.ts';
import { WINDOW_FRAMES } from '../../../firmware/core/flows/send-window.ts';
import { after, instant, milliseconds } from '../../../firmware/core/time.ts';
import { flowFrames } from '../../../firmware/wire/flow-frame.ts';
import { established, fresh, keyOf, singular, writeRecord } from './flow-stage.ts';

const NOW = instant(1_000_000);
const LATER = after(NOW, milliseconds(1));
const NOTHING = new Uint8Array(0);

class Stage {
  readonly table = new FlowTable(1_000, 20_000);
  readonly outbound: OutboundFlows;
  #versions = 0;

  constructor(backlogBytes = 1 << 20) {
    this.outbound = new OutboundFlows({
      frames: flowFrames,
      table: this.table,
      frameBytes: 1_100,
      backlogBytes,
      batchDelay: milliseconds(1),
      first: 1,
      head: () => ({ serving: 'all', epoch: 1, peerEpoch: 2 }),
    });
    this.outbound.open();
    this.outbound.dirty.clear();
  }

  /** The kernel tells of a flow; answers the version it gave the record. */
  event(operation: number, id: number, flags = established): number {
    this.#versions += 1;
    const bytes = new Uint8Array(64);
    const state = { version: this.#versions, flags };
    const end = writeRecord(bytes, 4, operation, id, state, 4);
    this.outbound.local(bytes, 4, end, NOW);
    return this.#versions;
  }

  /** Fills the window with flows nobody asks about. */
  block(): void {
    for (let id = 1_000_000; this.outbound.backlog.isEmpty; id += 1) this.event(1, id);
  }

  /** The peer takes all that is under way; answers the records of what is sent then. */
  release(): string[] {
    const records = this.sent();
    for (let rounds = 0; rounds < 100; rounds += 1) {
      const { window, backlog } = this.outbound;
      window.acknowledge(window.next, WINDOW_FRAMES, NOTHING, LATER);
      this.outbound.settle(LATER);
      this.outbound.flush();
      records.push(...this.sent());
      if (window.outstanding === 0 && backlog.isEmpty) return records;
    }
    throw new Error('never empty');
  }

  sent(): string[] {
    const records: string[] = [];
    for (let frame = this.outbound.take(LATER); frame; frame = this.outbound.take(LATER)) {
      expect(typeof flowFrames.decode(frame)).toBe('object');
      const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
      for (let at = 16; at < frame.length; at += view.getUint16(at, true)) {
        const id = view.getUint32(at + 12, true);
        const isNew = (view.getUint8(at + 3) & fresh) !== 0;
        const version = view.getUint32(at + 16, true);
        const what = view.getUint8(at + 2) === 2 ? 'end' : isNew ? 'new' : 'set';
        if (id < 1_000_000) records.push(`${what} ${id} ${version}`);
      }
    }
    return records;
  }
}

describe('records while the window has room', () => {
  it('go out as they come, at most a millisecond later', () => {
    const stage = new Stage();
    const versions = [stage.event(1, 1, fresh), stage.event(1, 1), stage.event(2, 1)];
    stage.outbound.settle(NOW);
    expect(stage.sent()).toEqual([]);
    expect(stage.outbound.nextTimeout()).toBe(LATER);
    stage.outbound.settle(LATER);
    const [first, second, third] = versions;
    expect(stage.sent()).toEqual([`new 1 ${first}`, `set 1 ${second}`, `end 1 ${third}`]);
    expect(stage.table.size).toBe(0);
  });

  it('are not sent for flows that end unknown, or that are the peer’s', () => {
    const stage = new Stage();
    stage.event(2, 5);
    const [low, high] = keyOf(6);
    stage.table.set(stage.table.insert(low | 0, high | 0), marks.used | marks.established);
    stage.event(2, 6);
    stage.outbound.settle(LATER);
    expect(stage.sent()).toEqual([]);
    expect(stage.outbound.isCaughtUp).toBe(true);
    expect(stage.table.size).toBe(0);
  });
});

describe('records while the window is full', () => {
  it('are told once, in the newest state', () => {
    const stage = new Stage();
    stage.block();
    stage.event(1, 1);
    stage.event(1, 2);
    const newest = [1, 2, 1].map((id) => stage.event(1, id));
    expect(stage.release()).toEqual([`set 2 ${newest[1]}`, `set 1 ${newest[2]}`]);
    expect(stage.outbound.counters.coalesced).toBe(3);
  });

  it('keep that a flow is new', () => {
    const stage = new Stage();
    stage.block();
    stage.event(1, 1, fresh);
    const newest = stage.event(1, 1);
    expect(stage.release()).toEqual([`new 1 ${newest}`]);
    const later = stage.event(1, 1);
    stage.outbound.settle(LATER);
    expect(stage.sent()).toEqual([`set 1 ${later}`]);
  });

  it('vanish when a flow ends of which the peer has never heard', () => {
    const stage = new Stage();
    stage.block();
    stage.event(1, 1, fresh);
    stage.event(2, 1);
    expect(stage.release()).toEqual([]);
  });

  it('are only the end, when the peer has heard of it', () => {
    const stage = new Stage();
    stage.event(1, 1);
    stage.block();
    stage.event(1, 1);
    const end = stage.event(2, 1);
    const [, ...waited] = stage.release();
    expect(waited).toEqual([`end 1 ${end}`]);
  });

  it('are end and beginning, in this order, when another flow takes the name', () => {
    const stage = new Stage();
    stage.event(1, 1);
    stage.block();
    const end = stage.event(2, 1);
    const begin = stage.event(1, 1, fresh);
    const [, ...waited] = stage.release();
    expect(waited).toEqual([`end 1 ${end}`, `new 1 ${begin}`]);
  });

  it('are all told when they say what is said once', () => {
    const stage = new Stage();
    stage.block();
    const first = stage.event(1, 1, fresh | singular);
    stage.event(1, 1);
    const second = stage.event(1, 1, singular);
    const last = stage.event(1, 1);
    expect(stage.release()).toEqual([`new 1 ${first}`, `set 1 ${second}`, `set 1 ${last}`]);
  });

  it('make a bucket dirty when there is no room at all', () => {
    const stage = new Stage(64 * 1024);
    stage.block();
    let ids = 0;
    for (; stage.outbound.dirty.isEmpty; ids += 1) stage.event(1, ids);
    expect(stage.outbound.dirty.list()).toEqual([bucketOf(...keyOf(ids - 1))]);
    expect(stage.outbound.counters.overflowed).toBe(1);
    expect(stage.outbound.backlog.bytes).toBe(64 * 1024);
    expect(stage.release()).toHaveLength(ids - 1);
    expect(stage.outbound.isCaughtUp).toBe(false);
  });

  it('leave the peer with what the kernel has, whatever happened', () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 4 }),
      operation: fc.constantFrom(1, 1, 2),
      blocks: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const stage = new Stage();
        const kernel = new Map<number, number>();
        const copies = new Map<number, number>();
        const hear = (records: readonly string[]): void => {
          for (const record of records) {
            const [what, id, version] = record.split(' ');
            if (what === 'end') copies.delete(Number(id));
            else copies.set(Number(id), Number(version));
          }
        };
        for (const { id, operation, blocks } of steps) {
          if (blocks && stage.outbound.backlog.isEmpty) stage.block();
          else if (!blocks) hear(stage.release());
          const version = stage.event(operation, id, kernel.has(id) ? established : fresh);
          if (operation === 2) kernel.delete(id);
          else kernel.set(id, version);
        }
        hear(stage.release());
        expect(new Map([...copies].sort())).toEqual(new Map([...kernel].sort()));
        expect(stage.outbound.isCaughtUp).toBe(true);
      }),
      { seed: 1, numRuns: 60, examples: [[[{ id: 0, operation: 2, blocks: true }]]] },
    );
  });
});
