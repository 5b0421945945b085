/**
 * Random and mutated datagrams against the channel of the two nodes, and mutated beats against
 * their decoder.
 *
 * Nothing may throw. What the channel takes must be, byte for byte, something the peer has made;
 * what the decoder takes must say the same after another round. Mutants of greetings and replies
 * often get their stamp made right again, or they would all die there; that every verdict occurs is
 * asserted.
 *
 * FUZZ_SEED=n and FUZZ_FRAMES=n search elsewhere; a failure prints seed, number and datagram.
 */
import { expect, test } from 'vitest';
import { hmacSha256 } from '../../firmware/wire/noise-crypto.ts';
import { decodePeerBeat, encodePeerBeat, type PeerBeat } from '../../firmware/wire/peer-beat.ts';
import { PeerChannel } from '../../firmware/wire/peer-channel.ts';
import { Prng } from '../simulator/prng.ts';
import { hex, utf8 } from '../wire/frames/recorded-frames.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_102);
const frames = Number(process.env['FUZZ_FRAMES'] ?? 1_000_000);
/** A datagram costs some ten times what a frame of CARP does. */
const datagrams = Math.ceil(frames / 10);
const beats = Math.ceil(frames / 4);

const prng = new Prng(seed);
const key = prng.bytes(32);
const stampKey = hmacSha256(key, utf8('yoke handshake stamp'));
const octets = [0x00, 0x01, 0x02, 0x03, 0x04, 0x10, 0x3f, 0x40, 0x7f, 0x80, 0xff];

function mutate(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let count = prng.between(1, 3); count > 0 && copy.length > 0; count -= 1) {
    // Half of the changes hit the header, where the decisions are made.
    const at = prng.between(0, (prng.chance(0.5) ? Math.min(14, copy.length) : copy.length) - 1);
    const how = prng.between(0, 3);
    if (how === 0) copy[at] = (copy[at] ?? 0) ^ (1 << prng.between(0, 7));
    else if (how === 1) copy[at] = prng.between(0, 255);
    else if (how === 2) copy[at] = prng.pick(octets);
    else copy.copyWithin(at, prng.between(0, copy.length), prng.between(0, copy.length));
  }
  if (prng.chance(0.1)) return copy.subarray(0, prng.between(0, copy.length));
  return prng.chance(0.1) ? Buffer.concat([copy, prng.bytes(prng.between(0, 9))]) : copy;
}

/** Makes the stamp of a greeting or a reply right. */
function stamp(bytes: Uint8Array): Uint8Array {
  const kind = bytes[1] ?? 0;
  if (kind > 2 || bytes.length < 16) return bytes;
  const stamped = bytes.subarray(0, -16);
  return Buffer.concat([stamped, hmacSha256(stampKey, stamped).subarray(0, 16)]);
}

/** What of a datagram only the peer can make even here, where stamps are forged. */
function essence(bytes: Uint8Array): string {
  return hex(bytes[1] === 1 ? bytes.subarray(18, -16) : bytes);
}

/** Two channels in a session, and always something genuine under way to the second one. */
class Pair {
  readonly one = new PeerChannel({ key, random: (length) => prng.bytes(length) });
  readonly other = new PeerChannel({ key, random: (length) => prng.bytes(length) });
  /** Made by the first one, or by the second itself. */
  readonly genuine = new Set<string>();
  readonly #stock: Uint8Array[] = [];

  constructor() {
    const reply = this.other.open(this.one.greet(), () => true);
    if (reply.kind === 'reply') this.one.open(reply.bytes, () => true);
    this.other.open(this.one.seal(utf8('first')) ?? utf8(''), () => true);
    this.supply();
  }

  supply(): void {
    this.#add(this.one.greet());
    this.#add(this.one.seal(utf8('beat')) ?? utf8(''));
    this.#add(this.other.seal(utf8('mine')) ?? utf8(''));
    const greeting = this.other.greet();
    this.#add(greeting);
    const reply = this.one.open(greeting, () => true);
    if (reply.kind === 'reply') this.#add(reply.bytes);
  }

  next(): Uint8Array {
    const bytes = prng.pick(this.#stock);
    if (prng.chance(0.1)) return bytes;
    if (prng.chance(0.05)) return prng.bytes(prng.between(0, 150));
    const mutant = mutate(bytes);
    return prng.chance(0.5) ? stamp(mutant) : mutant;
  }

  #add(bytes: Uint8Array): void {
    this.genuine.add(essence(bytes));
    this.#stock.push(bytes);
    if (this.#stock.length > 50) this.#stock.shift();
  }
}

test(`${datagrams} datagrams, seed ${seed}`, { timeout: 300_000 }, () => {
  const pair = new Pair();
  const verdicts = new Set<string>();
  for (let number = 0; number < datagrams; number += 1) {
    if (number % 200 === 0) pair.supply();
    const bytes = pair.next();
    let complaint: unknown;
    try {
      const outcome = pair.other.open(bytes, () => prng.chance(0.5));
      verdicts.add(outcome.kind === 'refused' ? outcome.reason : outcome.kind);
      if (outcome.kind !== 'refused' && !pair.genuine.has(essence(bytes))) complaint = outcome.kind;
    } catch (thrown) {
      complaint = thrown;
    }
    if (complaint !== undefined) {
      throw new Error(`seed ${seed}, datagram ${number}: ${hex(bytes)}: ${complaint}`);
    }
  }
  const taken = ['message', 'reply', 'established'];
  const refused = ['short', 'version', 'kind', 'session', 'key', 'replayed', 'own', 'limited'];
  expect([...verdicts].sort()).toEqual([...taken, ...refused].sort());
});

const beat: PeerBeat = {
  ...{ node: 'office-a', role: 'primary', bootId: 77n, sequence: 2 ** 40, asks: false },
  ...{ farewell: false, state: 'BACKUP', serving: false, stateAge: 5, health: 2, demotion: 0 },
  ...{ preference: 256, claim: 7, grant: 0, interval: 10_000, lease: 16_000, heardAge: 3 },
  ...{ counterTag: 1, configHash: '00112233445566ff' },
  paths: [
    { interface: 'wan', address: '192.0.2.1', usable: true, hears: true },
    { interface: 'lan', address: '2001:db8::1', usable: true, hears: false },
    { interface: 'sync', address: undefined, usable: false, hears: false },
  ],
};

test(`${beats} beats, seed ${seed}`, { timeout: 300_000 }, () => {
  const bytes = encodePeerBeat(beat);
  const taken = { yes: 0, no: 0 };
  for (let number = 0; number < beats; number += 1) {
    const mutant = mutate(bytes);
    let complaint: unknown;
    try {
      const decoded = decodePeerBeat(mutant);
      taken[decoded === undefined ? 'no' : 'yes'] += 1;
      if (decoded !== undefined) {
        const again = Buffer.from(encodePeerBeat(decoded));
        const third = decodePeerBeat(again);
        if (third === undefined || !again.equals(encodePeerBeat(third))) complaint = 'changed';
      }
    } catch (thrown) {
      complaint = thrown;
    }
    if (complaint !== undefined) {
      throw new Error(`seed ${seed}, beat ${number}: ${hex(mutant)}: ${complaint}`);
    }
  }
  expect(taken.yes).toBeGreaterThan(0);
  expect(taken.no).toBeGreaterThan(0);
});
