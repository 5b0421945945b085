/** The two windows against each other, over a link that loses, repeats and overtakes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceiveWindow } from '../../../firmware/core/flows/receive-window.ts';
import { distance, SendWindow, WINDOW_FRAMES } from '../../../firmware/core/flows/send-window.ts';
import { after, instant, microseconds, milliseconds } from '../../../firmware/core/time.ts';
import { Prng } from '../../simulator/prng.ts';

const FRAME_BYTES = 64;
const NOTHING = new Uint8Array(0);
const START = instant(1_000_000);

/** Fills the next frame with four bytes that say which one it is. */
function write(window: SendWindow, value: number): void {
  const at = window.offsetOf(window.next);
  new DataView(window.bytes.buffer).setUint32(at, value);
  window.close(4);
}

function frameOf(window: SendWindow, number: number): Uint8Array {
  const at = window.offsetOf(number);
  return window.bytes.slice(at, at + window.lengthOf(number));
}

function takeAll(window: SendWindow, now = START): number[] {
  const numbers: number[] = [];
  for (let number = window.take(now); number !== undefined; number = window.take(now)) {
    numbers.push(number);
  }
  return numbers;
}

/** The bitmap that names these places. */
function bitmap(...places: number[]): Uint8Array {
  const bytes = new Uint8Array(WINDOW_FRAMES / 8);
  for (const place of places) bytes[place >>> 3] = (bytes[place >>> 3] ?? 0) | (1 << (place & 7));
  return bytes;
}

describe('the window of the sender', () => {
  it('sends each frame once while all goes well', () => {
    const window = new SendWindow(FRAME_BYTES, 5);
    for (let value = 0; value < 3; value += 1) write(window, value);
    expect(takeAll(window)).toEqual([5, 6, 7]);
    expect(window.acknowledge(8, WINDOW_FRAMES, NOTHING, after(START, milliseconds(2)))).toBe(true);
    expect([window.outstanding, window.nextTimeout()]).toEqual([0, undefined]);
    expect(window.roundTrip.smoothed).toBe(2_000);
  });

  it('has room for what the peer allows', () => {
    const window = new SendWindow(FRAME_BYTES, 0xffff_ff00);
    while (window.hasRoom) write(window, 0);
    expect(window.outstanding).toBe(WINDOW_FRAMES);
    takeAll(window);
    window.acknowledge(0xffff_ff10, 100, NOTHING, START);
    expect(window.hasRoom).toBe(false);
    window.acknowledge(0xa0, 100, NOTHING, START);
    while (window.hasRoom) write(window, 0);
    expect(window.outstanding).toBe(100);
  });

  it('sends again what was overtaken by three, and only that', () => {
    const window = new SendWindow(FRAME_BYTES, 1);
    for (let value = 0; value < 6; value += 1) write(window, value);
    takeAll(window);
    window.acknowledge(1, WINDOW_FRAMES, bitmap(1, 2), START);
    expect(takeAll(window)).toEqual([]);
    window.acknowledge(1, WINDOW_FRAMES, bitmap(1, 2, 4), START);
    expect(takeAll(window)).toEqual([1]);
    expect(window.resent).toBe(1);
  });

  it('tries the oldest when nothing is heard, ever more slowly', () => {
    const window = new SendWindow(FRAME_BYTES, 1);
    for (let value = 0; value < 6; value += 1) write(window, value);
    takeAll(window);
    const pauses: number[] = [];
    let now = START;
    for (let count = 0; count < 4; count += 1) {
      const at = window.nextTimeout() ?? now;
      pauses.push(at - now);
      now = at;
      window.lapse(now);
      expect(takeAll(window, now)).toEqual([1, 2, 3, 4]);
      expect(takeAll(window, now)).toEqual([]);
    }
    expect(pauses).toEqual([50_000, 100_000, 200_000, 250_000]);
  });

  it('asks for the acknowledgement when everything has arrived and is not applied', () => {
    const window = new SendWindow(FRAME_BYTES, 1);
    write(window, 0);
    takeAll(window);
    window.acknowledge(1, WINDOW_FRAMES, bitmap(0), START);
    const at = window.nextTimeout() ?? START;
    window.lapse(at);
    expect(takeAll(window, at)).toEqual([1]);
    expect(window.acknowledge(2, WINDOW_FRAMES, NOTHING, at)).toBe(true);
    expect(window.outstanding).toBe(0);
  });

  it('refuses an acknowledgement of what was never sent, and overlooks an old one', () => {
    const window = new SendWindow(FRAME_BYTES, 1);
    write(window, 0);
    expect(window.acknowledge(2, WINDOW_FRAMES, NOTHING, START)).toBe(false);
    takeAll(window);
    expect(window.acknowledge(3, WINDOW_FRAMES, NOTHING, START)).toBe(false);
    expect(window.acknowledge(2, WINDOW_FRAMES, NOTHING, START)).toBe(true);
    expect(window.acknowledge(1, WINDOW_FRAMES, bitmap(5), START)).toBe(true);
    expect(window.outstanding).toBe(0);
  });

  it('brings everything over, once and in order, whatever the link does', () => {
    const chance = fc.constantFrom(0, 0.02, 0.3);
    const first = fc.constantFrom(0, 1, 0xffff_fff0);
    fc.assert(
      fc.property(fc.nat(), chance, chance, first, (seed, loss, repeat, start) => {
        expect(transfer(new Prng(seed), { loss, repeat, start, frames: 900 })).toEqual(
          Array.from({ length: 900 }, (_, index) => index),
        );
      }),
      { seed: 1, numRuns: 40 },
    );
  });
});

interface Link {
  readonly loss: number;
  readonly repeat: number;
  readonly start: number;
  readonly frames: number;
}

interface Flight {
  readonly at: number;
  readonly land: () => void;
}

/** Sends so many frames; answers what the other end handed on. */
function transfer(prng: Prng, { loss, repeat, start, frames }: Link): number[] {
  const sender = new SendWindow(FRAME_BYTES, start);
  const receiver = new ReceiveWindow(FRAME_BYTES, start);
  const taken: number[] = [];
  let flights: Flight[] = [];
  let now = START;
  let written = 0;
  const fly = (land: () => void): void => {
    for (let copy = prng.chance(repeat) ? 2 : 1; copy > 0; copy -= 1) {
      if (!prng.chance(loss)) flights.push({ at: now + prng.between(100, 4_000), land });
    }
  };
  const act = (bytes: Uint8Array): void => {
    taken.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
    receiver.passed(now);
  };
  const hear = (number: number, bytes: Uint8Array): void => {
    const arrival = receiver.judge(number);
    if (arrival === 'repeated') receiver.repeated(now);
    else if (arrival === 'early') receiver.keep(number, bytes, now);
    else if (arrival === 'next') {
      act(bytes);
      for (let kept = receiver.kept(); kept !== undefined; kept = receiver.kept()) act(kept);
    }
  };
  for (let turn = 0; turn < 20_000 && sender.base !== (start + frames) >>> 0; turn += 1) {
    now = after(now, microseconds(500));
    for (; sender.hasRoom && written < frames; written += 1) write(sender, written);
    sender.lapse(now);
    for (const number of takeAll(sender, now)) {
      const bytes = frameOf(sender, number);
      fly(() => hear(number, bytes));
    }
    const due = flights.filter(({ at }) => at <= now).sort((one, other) => one.at - other.at);
    flights = flights.filter(({ at }) => at > now);
    for (const { land } of due) land();
    if (receiver.ackAt === undefined || receiver.ackAt > now) continue;
    const { expected } = receiver;
    const arrived = Uint8Array.from(receiver.acknowledge());
    fly(() => sender.acknowledge(expected, WINDOW_FRAMES, arrived, now));
  }
  expect(distance(sender.base, sender.next)).toBe(0);
  return taken;
}
