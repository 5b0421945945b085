/** The session of the flows: begun by greeting, begun anew when the peer has forgotten it. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Instant, instant } from '../../firmware/core/time.ts';
import { FlowChannel, SEAL_BYTES } from '../../firmware/service/flow-channel.ts';

const KEY = new Uint8Array(32).fill(7);
const START = instant(5_000_000);
const sinceStart = (ms: number): Instant => instant(START + ms * 1000);
const FRAME = Uint8Array.of(1, 2, 3);

class End {
  readonly sent: Uint8Array[] = [];
  readonly heard: Uint8Array[] = [];
  readonly channel: FlowChannel;

  constructor(key = KEY) {
    this.channel = new FlowChannel({
      key,
      random: (length) => new Uint8Array(randomBytes(length)),
      send: (datagram) => void this.sent.push(datagram),
    });
  }

  take(datagrams: readonly Uint8Array[], now: Instant): void {
    for (const datagram of datagrams) {
      const frame = this.channel.open(datagram, now);
      if (frame !== undefined) this.heard.push(frame);
    }
  }
}

/** Carries everything to and fro until nobody says anything more. */
function settle(one: End, other: End, now: Instant): void {
  while (one.sent.length + other.sent.length > 0) {
    other.take(one.sent.splice(0), now);
    one.take(other.sent.splice(0), now);
  }
}

function session(): [End, End] {
  const [one, other] = [new End(), new End()];
  one.channel.tend(START);
  settle(one, other, START);
  return [one, other];
}

describe('a session', () => {
  it('begins with a greeting, and frames pass both ways', () => {
    const [one, other] = session();
    expect(one.channel.established).toBe(true);
    expect(one.channel.sendFrame(FRAME)).toBe(true);
    expect(one.sent[0]).toHaveLength(FRAME.length + SEAL_BYTES);
    settle(one, other, START);
    expect(other.channel.sendFrame(FRAME)).toBe(true);
    settle(one, other, START);
    expect([...one.heard, ...other.heard].map((frame) => [...frame])).toEqual([
      [...FRAME],
      [...FRAME],
    ]);
  });

  it('is greeted for now and then until there is one, and not while it is heard', () => {
    const lonely = new End();
    expect(lonely.channel.sendFrame(FRAME)).toBe(false);
    for (let ms = 0; ms < 1000; ms += 10) lonely.channel.tend(sinceStart(ms));
    expect(lonely.sent).toHaveLength(4);
    const [one] = session();
    one.channel.tend(sinceStart(500));
    expect(one.sent).toEqual([]);
  });

  it('begins anew when the peer has been started again', () => {
    const [one] = session();
    const reborn = new End();
    const later = sinceStart(1500);
    one.channel.sendFrame(FRAME);
    settle(one, reborn, later);
    expect(reborn.heard).toEqual([]);
    expect(reborn.channel.refused.get('session')).toBe(1);
    one.channel.tend(later);
    settle(one, reborn, later);
    one.channel.sendFrame(FRAME);
    settle(one, reborn, later);
    expect(reborn.heard).toHaveLength(1);
  });

  it('is not to be had with another key', () => {
    const [one, stranger] = [new End(), new End(new Uint8Array(32).fill(8))];
    one.channel.tend(START);
    settle(one, stranger, START);
    expect(one.channel.established).toBe(false);
    expect(stranger.channel.refused.get('key')).toBe(1);
  });
});
