/** Two links and nothing between them but a list of what was sent. */
import { describe, expect, it } from 'vitest';
import type { NodeInput } from '../../firmware/core/node/node-io.ts';
import { PeerLink } from '../../firmware/service/peer-link.ts';
import type { PeerBeat } from '../../firmware/wire/peer-beat.ts';
import { PeerChannel } from '../../firmware/wire/peer-channel.ts';
import { Prng } from '../simulator/prng.ts';

const KEY = new Uint8Array(32).fill(3);
const BEAT: PeerBeat = {
  ...{ node: 'office-a', role: 'primary', bootId: 1n, sequence: 1, asks: false, farewell: false },
  ...{ state: 'BACKUP', serving: false, stateAge: 0, health: 2, demotion: 0, preference: 256 },
  ...{ claim: 0, grant: 0, interval: 10_000, lease: 16_000, heardAge: 0, counterTag: 1 },
  ...{ configHash: '0011223344556677', paths: [] },
};

interface Sent {
  readonly device: string;
  readonly destination: string;
  readonly bytes: Uint8Array;
}

/** A link whose datagrams go to `sent`, and whose clock stands until it is set. */
class Desk {
  readonly sent: Sent[] = [];
  readonly link: PeerLink;
  time = 1_000_000;
  readonly #prng: Prng;

  constructor(seed: number, beatKey: Uint8Array | undefined = KEY) {
    this.#prng = new Prng(seed);
    this.link = new PeerLink({
      now: () => this.time,
      random: (length) => this.#prng.bytes(length),
      sendDatagram: (device, destination, bytes) => {
        this.sent.push({ device, destination, bytes });
        return true;
      },
    });
    this.link.configure({ beatKey });
  }

  greet(): void {
    const output = { kind: 'greet', interface: 'sync', device: 'eth2', destination: '172.16.1.2' };
    this.link.greet(output as Parameters<PeerLink['greet']>[0]);
  }

  beat(): void {
    const to = { interface: 'lan', device: 'eth1', destination: '192.168.1.3' };
    this.link.beat({ kind: 'beat', ...to, beat: BEAT });
  }

  hear(bytes: Uint8Array, device = 'eth2'): readonly NodeInput[] {
    const source = '172.16.1.1';
    return this.link.receive({ kind: 'datagram', device, source, bytes }, 'sync');
  }

  /** The last datagram sent. */
  get last(): Uint8Array {
    const bytes = this.sent.at(-1)?.bytes;
    if (bytes === undefined) throw new Error('nothing was sent');
    return bytes;
  }
}

const refused = (reason: string) => [
  { kind: 'beat-refused', interface: 'sync', reason, source: '172.16.1.1' },
];
const heard = { kind: 'beat', interface: 'sync', beat: BEAT };

function pair(): [Desk, Desk] {
  const [one, other] = [new Desk(1), new Desk(2)];
  one.greet();
  other.hear(one.last);
  one.hear(other.last);
  one.beat();
  other.hear(one.last);
  return [one, other];
}

describe('the link to the peer', () => {
  it('begins a session and carries beats', () => {
    const [one, other] = [new Desk(1), new Desk(2)];
    one.beat();
    expect(one.sent).toEqual([]);
    one.greet();
    expect(one.sent).toMatchObject([{ device: 'eth2', destination: '172.16.1.2' }]);
    expect(other.hear(one.last)).toEqual([]);
    expect(other.sent).toMatchObject([{ device: 'eth2', destination: '172.16.1.1' }]);
    expect(one.hear(other.last)).toEqual([{ kind: 'session' }]);
    one.beat();
    expect(one.sent.at(-1)).toMatchObject({ device: 'eth1', destination: '192.168.1.3' });
    expect(other.hear(one.last)).toEqual([{ kind: 'session' }, heard]);
    one.beat();
    expect(other.hear(one.last)).toEqual([heard]);
    other.beat();
    expect(one.hear(other.last)).toEqual([heard]);
  });

  it('tells why a datagram is none', () => {
    const [one, other] = pair();
    one.beat();
    other.hear(one.last);
    expect(other.hear(one.last)).toEqual(refused('replayed'));
    expect(other.hear(one.last.subarray(0, 5))).toEqual(refused('short'));
    expect(new Desk(9).hear(one.last)).toEqual(refused('session'));
    const stranger = new Desk(8, KEY.with(0, 0));
    stranger.greet();
    expect(other.hear(stranger.last)).toEqual(refused('key'));
  });

  it('does not take what is authentic but no beat', () => {
    const prng = new Prng(5);
    const peer = new PeerChannel({ key: KEY, random: (length) => prng.bytes(length) });
    const desk = new Desk(1);
    desk.hear(peer.greet());
    peer.open(desk.last, () => true);
    const nonsense = peer.seal(new Uint8Array(70).fill(255)) ?? new Uint8Array();
    expect(desk.hear(nonsense)).toEqual([{ kind: 'session' }, ...refused('content')]);
  });

  it('answers four greetings at once on a device, and ten a second', () => {
    const [one, other] = pair();
    const answers = (device = 'eth2'): boolean => {
      one.greet();
      return other.hear(one.last, device).length === 0;
    };
    expect([answers('eth1'), answers('eth1'), answers('eth1'), answers('eth1')]).toEqual(
      Array(4).fill(true),
    );
    expect(answers('eth1')).toBe(false);
    expect(answers('eth0')).toBe(true);
    other.time += 100_000;
    expect([answers('eth1'), answers('eth1')]).toEqual([true, false]);
    one.greet();
    expect(other.hear(one.last, 'eth1')).toEqual(refused('limited'));
  });

  it('counts only greetings that would be answered', () => {
    const [one, other] = pair();
    one.greet();
    const { last } = one;
    for (let bit = 1; bit < 256; bit *= 2) other.hear(last.with(60, (last[60] ?? 0) ^ bit));
    expect(other.hear(last)).toEqual([]);
  });

  it('keeps its session over a reconfiguration', () => {
    const [one, other] = pair();
    one.link.configure({ beatKey: Uint8Array.from(KEY) });
    one.beat();
    expect(other.hear(one.last)).toEqual([heard]);
  });

  it('speaks under the former key until there is a session under the new one', () => {
    const [one, other] = pair();
    const next = KEY.with(5, 0);
    one.link.configure({ beatKey: next });
    one.beat();
    expect(other.hear(one.last)).toEqual([heard]);
    other.beat();
    expect(one.hear(other.last)).toEqual([heard]);

    other.link.configure({ beatKey: next });
    other.beat();
    const underWay = other.last;
    one.greet();
    other.hear(one.last);
    expect(one.hear(other.last)).toEqual([{ kind: 'session' }]);
    expect(one.hear(underWay)).toEqual([heard]);
    one.beat();
    expect(other.hear(one.last)).toEqual([{ kind: 'session' }, heard]);

    // A while later the former key is nothing any more.
    other.beat();
    one.time += 60_000_000;
    one.hear(other.last);
    one.hear(other.last);
    expect(one.hear(underWay)).toEqual(refused('session'));
  });

  it('can come back to a former key', () => {
    const [one, other] = pair();
    one.link.configure({ beatKey: KEY.with(5, 0) });
    one.link.configure({ beatKey: KEY });
    one.greet();
    other.hear(one.last);
    expect(one.hear(other.last)).toEqual([{ kind: 'session' }]);
  });

  it('is deaf and dumb without a key', () => {
    const [one] = pair();
    const silent = new Desk(3, KEY);
    silent.link.configure({ beatKey: undefined });
    silent.greet();
    silent.beat();
    expect(silent.hear(one.last)).toEqual([]);
    expect(silent.sent).toEqual([]);
  });
});
