import { describe, expect, it } from 'vitest';
import { ReceiveWindow } from '../../../firmware/core/flows/receive-window.ts';
import { WINDOW_FRAMES } from '../../../firmware/core/flows/send-window.ts';
import { after, instant, milliseconds } from '../../../firmware/core/time.ts';

const NOW = instant(1_000_000);
const FRAME = Uint8Array.of(1, 2, 3, 4);

describe('the window of the receiver', () => {
  it('judges a number by where it stands, across the wrap', () => {
    const window = new ReceiveWindow(64, 0xffff_fffe);
    window.keep(0x0000_0001, FRAME, NOW);
    expect(window.judge(0xffff_fffe)).toBe('next');
    expect(window.judge(0xffff_ffff)).toBe('early');
    expect(window.judge(0x0000_0001)).toBe('repeated');
    expect(window.judge(0xffff_fffd)).toBe('repeated');
    expect(window.judge((0xffff_fffe + WINDOW_FRAMES - 1) >>> 0)).toBe('early');
    expect(window.judge((0xffff_fffe + WINDOW_FRAMES) >>> 0)).toBe('beyond');
  });

  it('gives back what came early when its turn has come', () => {
    const window = new ReceiveWindow(64, 7);
    window.keep(8, FRAME, NOW);
    expect(window.kept()).toBeUndefined();
    window.passed(NOW);
    expect([...(window.kept() ?? [])]).toEqual([...FRAME]);
    window.passed(NOW);
    expect([window.kept(), window.expected, window.hasGap]).toEqual([undefined, 9, false]);
  });

  it('may hold the next one back, which is then no news any more', () => {
    const window = new ReceiveWindow(64, 7);
    window.keep(7, FRAME, NOW);
    expect(window.judge(7)).toBe('repeated');
    expect([...window.acknowledge()]).toEqual([1]);
    expect([...(window.kept() ?? [])]).toEqual([...FRAME]);
  });

  it('leaves what is too long for it to be sent again', () => {
    const window = new ReceiveWindow(3, 7);
    window.keep(8, FRAME, NOW);
    expect([window.judge(8), window.hasGap]).toEqual(['early', false]);
  });

  it('answers after a while, or at once when there is much to say', () => {
    const window = new ReceiveWindow(64, 0);
    expect(window.ackAt).toBeUndefined();
    window.passed(NOW);
    expect(window.ackAt).toBe(after(NOW, milliseconds(1)));
    for (let count = 0; count < 31; count += 1) window.passed(NOW);
    expect(window.ackAt).toBe(NOW);
    window.acknowledge();
    expect(window.ackAt).toBeUndefined();
    window.repeated(NOW);
    window.repeated(NOW);
    expect(window.ackAt).toBe(NOW);
  });

  it('names what is there in as few bytes as it can', () => {
    const window = new ReceiveWindow(64, 0xffff_ffff);
    expect(window.acknowledge()).toHaveLength(0);
    window.keep(0, FRAME, NOW);
    window.keep(10, FRAME, NOW);
    expect([...window.acknowledge()]).toEqual([0b10, 0b1000]);
  });
});
