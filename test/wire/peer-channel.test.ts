/** The secret channel: two ends of it, and everything a network or an attacker can do between. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChannelOutcome,
  type ChannelStart,
  PeerChannel,
} from '../../firmware/wire/peer-channel.ts';
import { Prng } from '../simulator/prng.ts';
import { utf8 } from './frames/recorded-frames.ts';

const KEY = new Uint8Array(32).fill(7);
const always = () => true;
const refused = (reason: string) => ({ kind: 'refused', reason });
let seed = 1;

function channel(start: Partial<ChannelStart> = {}): PeerChannel {
  seed += 1;
  const prng = new Prng(seed);
  return new PeerChannel({ key: KEY, random: (length) => prng.bytes(length), ...start });
}

function replyOf(outcome: ChannelOutcome): Uint8Array {
  if (outcome.kind !== 'reply') throw new Error(`no reply: ${JSON.stringify(outcome)}`);
  return outcome.bytes;
}

function sealed(from: PeerChannel, text: string): Uint8Array {
  const bytes = from.seal(utf8(text));
  if (bytes === undefined) throw new Error('nothing to seal in');
  return bytes;
}

/** What one end understands of what the other one says now. */
function says(from: PeerChannel, to: PeerChannel, text = 'beat'): string {
  const outcome = to.open(sealed(from, text), always);
  if (outcome.kind === 'refused') return outcome.reason;
  return outcome.kind === 'message' ? Buffer.from(outcome.plaintext).toString() : outcome.kind;
}

function meet(greeter: PeerChannel, other: PeerChannel): void {
  const reply = replyOf(other.open(greeter.greet(), always));
  expect(greeter.open(reply, always)).toEqual({ kind: 'established' });
  expect(says(greeter, other, 'first')).toBe('first');
}

function pair(): [PeerChannel, PeerChannel] {
  const ends: [PeerChannel, PeerChannel] = [channel(), channel()];
  meet(...ends);
  return ends;
}

describe('a session', () => {
  it('begins with a greeting, its reply and the first message', () => {
    const [one, other] = [channel(), channel()];
    expect(one.seal(utf8('too early'))).toBeUndefined();
    const reply = replyOf(other.open(one.greet(), always));
    expect([one.established, other.established]).toEqual([false, false]);
    expect(one.open(reply, always)).toEqual({ kind: 'established' });
    const first = sealed(one, 'first');
    expect(other.open(first, always)).toMatchObject({ kind: 'message', begins: true });
    expect([one.established, other.established]).toEqual([true, true]);
    expect(other.open(sealed(one, 'x'), always)).toMatchObject({ kind: 'message', begins: false });
    expect(says(other, one, '')).toBe('');
  });

  it('takes messages in any order, each once', () => {
    const [one, other] = pair();
    const [first, second, third] = [sealed(one, '1'), sealed(one, '2'), sealed(one, '3')];
    for (const bytes of [third, first, second]) {
      expect(other.open(bytes, always).kind).toBe('message');
      expect(other.open(bytes, always)).toEqual(refused('replayed'));
    }
  });

  it('takes nothing that was changed anywhere, and loses nothing by it', () => {
    const [one, other] = pair();
    const bytes = sealed(one, 'beat');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = bytes.with(at, (bytes[at] ?? 0) ^ 0x40);
      expect(other.open(changed, always).kind).toBe('refused');
    }
    expect(other.open(bytes, always)).toMatchObject({ kind: 'message' });
  });

  it('is over for good when four newer ones have begun', () => {
    const [one, other] = [channel(), channel()];
    meet(one, other);
    const old = [sealed(one, 'old'), sealed(other, 'old')] as const;
    for (let count = 0; count < 3; count += 1) meet(one, other);
    expect(other.open(sealed(one, 'new'), always).kind).toBe('message');
    expect(other.open(old[0], always).kind).toBe('message');
    meet(other, one);
    expect(one.open(old[1], always)).toEqual(refused('session'));
    expect(other.open(old[0], always)).toEqual(refused('session'));
  });

  it('stays in use when datagrams of older ones are read late', () => {
    const [one, other] = [channel(), channel()];
    const late: Uint8Array[] = [];
    for (let count = 0; count < 6; count += 1) {
      const reply = replyOf(other.open(one.greet(), always));
      expect(one.open(reply, always)).toEqual({ kind: 'established' });
      late.push(sealed(one, `session ${count}`));
    }
    // A node that slept reads one of its sockets, with the newest, before the others.
    for (const bytes of [...late].reverse()) expect(other.open(bytes, always).kind).toBe('message');
    expect(says(one, other)).toBe('beat');
    expect(says(other, one)).toBe('beat');
  });

  it('is not understood by its own end, nor by somebody with another key', () => {
    const [one, other] = pair();
    expect(one.open(sealed(one, 'mine'), always)).toEqual(refused('session'));
    const stranger = channel({ key: KEY.with(0, 0) });
    expect(stranger.open(sealed(one, 'secret'), always)).toEqual(refused('session'));
    expect(stranger.open(one.greet(), always)).toEqual(refused('key'));
    expect(other.open(stranger.greet(), always)).toEqual(refused('key'));
  });

  it('refuses a number no node ever reaches', () => {
    const [one, other] = pair();
    const bytes = sealed(one, 'beat');
    expect(other.open(bytes.with(6, 0xff), always)).toEqual(refused('key'));
  });
});

describe('a greeting', () => {
  it('is answered once', () => {
    const [one, other] = pair();
    const greeting = one.greet();
    const newer = one.greet();
    replyOf(other.open(newer, always));
    expect(other.open(newer, always)).toEqual(refused('replayed'));
    expect(other.open(greeting, always)).toEqual(refused('replayed'));
  });

  it('that was too much may come again', () => {
    const [one, other] = [channel(), channel()];
    const greeting = one.greet();
    expect(other.open(greeting, () => false)).toEqual(refused('limited'));
    expect(other.open(greeting, always).kind).toBe('reply');
  });

  it('asks for leave only when it is authentic and fresh', () => {
    const [one, other] = pair();
    const greeting = one.greet();
    const asked: string[] = [];
    const open = (bytes: Uint8Array, as: string) =>
      other.open(bytes, () => {
        asked.push(as);
        return true;
      });
    open(greeting.with(40, (greeting[40] ?? 0) ^ 1), 'changed');
    open(other.greet(), 'own');
    open(sealed(one, 'x'), 'sealed');
    open(greeting, 'fresh');
    open(greeting, 'replayed');
    expect(asked).toEqual(['fresh']);
  });

  it('that comes back is no greeting of the peer', () => {
    const [one] = pair();
    expect(one.open(one.greet(), always)).toEqual(refused('own'));
  });

  it('replayed, even from an earlier life, changes nothing', () => {
    const [former, other] = pair();
    const old = [former.greet(), former.greet(), former.greet()];
    const one = channel();
    meet(one, other);
    for (const greeting of old) expect(other.open(greeting, always).kind).toBe('reply');
    for (const greeting of old) expect(other.open(greeting, always)).toEqual(refused('replayed'));
    expect(says(one, other)).toBe('beat');
    expect(says(other, one)).toBe('beat');
  });

  it('is not outdone by all the replays there can be before the first message', () => {
    const [former, other] = [channel(), channel()];
    const old = Array.from({ length: 31 }, () => former.greet());
    const one = channel();
    one.open(replyOf(other.open(one.greet(), always)), always);
    for (const greeting of old) other.open(greeting, always);
    expect(says(one, other)).toBe('beat');
    expect(says(other, one)).toBe('beat');
  });

  it('of a peer that was restarted is taken, though it counts from the beginning', () => {
    const [, other] = pair();
    const restarted = channel();
    expect(says(other, restarted)).toBe('session');
    meet(restarted, other);
    expect(says(other, restarted)).toBe('beat');
  });

  it('sent on several paths may be answered on any of them, out of order', () => {
    const [one, other] = [channel(), channel()];
    const greetings = [one.greet(), one.greet(), one.greet()];
    const replies = greetings.map((greeting) => replyOf(other.open(greeting, always)));
    expect(one.open(replies[1]!, always)).toEqual({ kind: 'established' });
    expect(one.open(replies[0]!, always)).toEqual(refused('session'));
    expect(one.open(replies[2]!, always)).toEqual(refused('session'));
    expect(says(one, other)).toBe('beat');
    expect(says(other, one)).toBe('beat');
  });

  it('is forgotten only when eight newer ones are waiting', () => {
    const [one, other] = [channel(), channel()];
    const replies = [replyOf(other.open(one.greet(), always))];
    replies.push(replyOf(other.open(one.greet(), always)));
    for (let count = 0; count < 7; count += 1) one.greet();
    expect(one.open(replies[0]!, always)).toEqual(refused('session'));
    expect(one.open(replies[1]!, always)).toEqual({ kind: 'established' });
  });
});

describe('a reply', () => {
  it('that was changed anywhere is refused, and the right one is still taken', () => {
    const [one, other] = [channel(), channel()];
    const reply = replyOf(other.open(one.greet(), always));
    for (let at = 0; at < reply.length; at += 1) {
      const changed = reply.with(at, (reply[at] ?? 0) ^ 1);
      expect(one.open(changed, always).kind).toBe('refused');
    }
    expect(one.open(reply, always)).toEqual({ kind: 'established' });
    expect(one.open(reply, always)).toEqual(refused('session'));
  });

  it('to one node is of no use to another', () => {
    const [one, other] = [channel(), channel()];
    const reply = replyOf(other.open(one.greet(), always));
    expect(other.open(reply, always)).toEqual(refused('session'));
  });
});

describe('versions', () => {
  it.each([
    [{ oldest: 1, newest: 1 }, { oldest: 1, newest: 2 }, 1],
    [{ oldest: 1, newest: 2 }, { oldest: 1, newest: 3 }, 2],
    [{ oldest: 2, newest: 3 }, { oldest: 2, newest: 3 }, 3],
  ])('of %o and %o agree on %i, whoever greets', (first, second, agreed) => {
    for (const [mine, theirs] of [
      [first, second],
      [second, first],
    ] as const) {
      const [one, other] = [channel({ versions: mine }), channel({ versions: theirs })];
      meet(one, other);
      expect(sealed(one, '')[0]).toBe(agreed);
      expect(sealed(other, '')[0]).toBe(agreed);
      expect(says(other, one)).toBe('beat');
      const another = sealed(one, 'beat').with(0, agreed === 1 ? 2 : agreed - 1);
      expect(other.open(another, always)).toEqual(refused('version'));
    }
  });

  it('without a common one refuse each other, by name', () => {
    const [old, young] = [channel(), channel({ versions: { oldest: 2, newest: 3 } })];
    expect(old.open(young.greet(), always)).toEqual(refused('version'));
    expect(young.open(old.greet(), always)).toEqual(refused('version'));
    const odd = channel({ versions: { oldest: 1, newest: 0 } });
    expect(old.open(odd.greet(), always)).toEqual(refused('version'));
  });
});

/** What happens between the two, one number per step. */
interface Steps {
  readonly seed: number;
  readonly moves: readonly number[];
}

/** A network that loses, doubles, reorders and keeps for later; `moves` choose what happens. */
class WildNetwork {
  readonly ends = [channel(), channel()] as const;
  /** Under way to each end. */
  readonly #queues: [Uint8Array[], Uint8Array[]] = [[], []];
  /** Everything ever sent to each end. */
  readonly #recorded: [Uint8Array[], Uint8Array[]] = [[], []];

  send(from: 0 | 1, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) return;
    const to = from === 0 ? 1 : 0;
    this.#queues[to].push(bytes);
    this.#recorded[to].push(bytes);
  }

  deliver(to: 0 | 1, at: number): void {
    const [bytes] = this.#queues[to].splice(at % Math.max(1, this.#queues[to].length), 1);
    if (bytes !== undefined) this.#arrive(to, bytes);
  }

  replay(to: 0 | 1, at: number): void {
    const bytes = this.#recorded[to][at % Math.max(1, this.#recorded[to].length)];
    if (bytes !== undefined) this.#arrive(to, bytes);
  }

  lose(to: 0 | 1, at: number): void {
    this.#queues[to].splice(at % Math.max(1, this.#queues[to].length), 1);
  }

  /** Everything arrives in order, until nobody answers any more. */
  settle(): void {
    while (this.#queues.some((queue) => queue.length > 0)) {
      this.deliver(0, 0);
      this.deliver(1, 0);
    }
  }

  #arrive(to: 0 | 1, bytes: Uint8Array): void {
    const outcome = this.ends[to].open(bytes, always);
    if (outcome.kind === 'reply') this.send(to, outcome.bytes);
  }
}

const steps: fc.Arbitrary<Steps> = fc.record({
  seed: fc.nat(1_000_000),
  moves: fc.array(fc.nat(999), { maxLength: 80 }),
});

function wildly({ seed: start, moves }: Steps): WildNetwork {
  seed = start * 2;
  const network = new WildNetwork();
  for (const move of moves) {
    const end = move % 2 === 0 ? 0 : 1;
    const at = Math.floor(move / 12);
    const kind = Math.floor(move / 2) % 6;
    if (kind === 0) network.send(end, network.ends[end].greet());
    else if (kind === 1) network.send(end, network.ends[end].seal(utf8('beat')));
    else if (kind === 2) network.lose(end, at);
    else if (kind === 3) network.replay(end, at);
    else network.deliver(end, at);
  }
  return network;
}

describe('after anything that happened', () => {
  it.each([
    ['one greets', [0]],
    ['the other greets', [1]],
    ['both greet', [0, 1]],
  ] as const)('both understand each other again when %s and a beat follows', (_, greeters) => {
    fc.assert(
      fc.property(steps, (happened) => {
        const network = wildly(happened);
        const [one, other] = network.ends;
        for (const end of greeters) network.send(end, network.ends[end].greet());
        network.settle();
        network.send(0, one.seal(utf8('beat')));
        network.send(1, other.seal(utf8('beat')));
        network.settle();
        for (let round = 0; round < 3; round += 1) {
          expect(says(one, other)).toBe('beat');
          expect(says(other, one)).toBe('beat');
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [true, false],
    [false, true],
    [true, true],
  ])('a new session leaves no gap: one greets %s, the other greets %s', (first, second) => {
    const [one, other] = pair();
    const greetings = [first ? one.greet() : undefined, second ? other.greet() : undefined];
    const replies = [
      greetings[0] && replyOf(other.open(greetings[0], always)),
      greetings[1] && replyOf(one.open(greetings[1], always)),
    ];
    const late = [sealed(one, 'late'), sealed(other, 'late')] as const;
    expect([says(one, other), says(other, one)]).toEqual(['beat', 'beat']);
    if (replies[0]) one.open(replies[0], always);
    // What the other one says before it hears of the new session.
    expect(says(other, one)).toBe('beat');
    if (replies[1]) other.open(replies[1], always);
    expect([says(one, other), says(other, one)]).toEqual(['beat', 'beat']);
    expect([says(one, other), says(other, one)]).toEqual(['beat', 'beat']);
    expect(other.open(late[0], always).kind).toBe('message');
    expect(one.open(late[1], always).kind).toBe('message');
  });
});
