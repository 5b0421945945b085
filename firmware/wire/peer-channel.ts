/**
 * The secret channel of the two nodes: what datagrams become messages, and how a session begins and
 * is replaced. Without I/O, clock or randomness of its own: the caller carries the datagrams, and
 * greets when a new session is wanted.
 *
 * As in WireGuard, replaying a greeting changes nothing: whoever answers one goes on in the old
 * session until something sealed arrives in the new one, which only the real peer can make. When
 * both greet at once two sessions begin, and each node may seal in another one; so a few past
 * sessions stay open for reception, and both nodes understand each other all the time.
 */
import { byteView } from './byte-view.ts';
import { decodeGreeting, decodeReply, encodeGreeting, encodeReply } from './channel-greeting.ts';
import { equalDigests } from './keyed-digest.ts';
import { NOISE_BYTES, type NoisePrimitives, noisePrimitives } from './noise-crypto.ts';
import {
  answer,
  conclude,
  type Greeted,
  greet,
  type HandshakeState,
  handshakeStart,
  hear,
} from './noise-handshake.ts';
import {
  agreedVersion,
  type DatagramRefusal,
  type Greeting,
  greetingDatagram,
  parseDatagram,
  type Reply,
  replyDatagram,
  type Sealed,
  SPOKEN_VERSIONS,
  STAMP_BYTES,
  type Versions,
} from './sealed-datagram.ts';
import { SealedSession } from './sealed-session.ts';

/** Sessions still understood: the present one and those before. */
const ESTABLISHED_AT_MOST = 4;
/** Answered, but not used by the peer yet: more than can be provoked before its first beat. */
const PENDING_AT_MOST = 32;
/** Own greetings that wait for their answer: one per path and a few tries. */
const GREETINGS_AT_MOST = 8;
/** Lives of the peer whose greetings are told apart. */
const LIVES_AT_MOST = 16;

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const PROLOGUE = text('yoke peer channel');
const STAMP_PURPOSE = text('yoke handshake stamp');

export interface ChannelStart {
  /** 32 bytes both nodes know. */
  readonly key: Uint8Array;
  /** Cryptographically strong random bytes. */
  readonly random: (length: number) => Uint8Array;
  /** Default: what this version of the firmware speaks. */
  readonly versions?: Versions;
  /** Default: the real one. */
  readonly primitives?: NoisePrimitives;
}

/** What came of a datagram. */
export type ChannelOutcome =
  /** `begins`: the first one of a new session, which the peer had asked for. */
  | { readonly kind: 'message'; readonly plaintext: Uint8Array; readonly begins: boolean }
  /** A greeting: `bytes` are to be sent back to where it came from. */
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }
  /** The peer has answered: from now on everything is sealed in a new session. */
  | { readonly kind: 'established' }
  | { readonly kind: 'refused'; readonly reason: DatagramRefusal };

export class PeerChannel {
  /** Tells its greetings from those of another life of this node, or of the channel. */
  readonly #life: bigint;
  readonly #random: (length: number) => Uint8Array;
  readonly #versions: Versions;
  readonly #primitives: NoisePrimitives;
  readonly #start: HandshakeState;
  readonly #stampKey: Uint8Array;
  /** Newest first; the newest one is used to seal. */
  readonly #established: SealedSession[] = [];
  /** Oldest first, by own id, as the greetings. */
  readonly #pending = new Map<number, SealedSession>();
  readonly #greetings = new Map<number, Greeted>();
  /** Number of the last greeting answered, by life of the peer. */
  readonly #heard = new Map<bigint, number>();
  #greetingNumber = 0;
  /** Sessions agreed upon so far. */
  #sessions = 0;

  constructor({
    key,
    random,
    versions = SPOKEN_VERSIONS,
    primitives = noisePrimitives,
  }: ChannelStart) {
    this.#random = random;
    this.#primitives = primitives;
    this.#life = byteView(random(8)).getBigUint64(0);
    this.#versions = versions;
    this.#start = handshakeStart(key, PROLOGUE, primitives);
    this.#stampKey = primitives.hmacSha256(key, STAMP_PURPOSE);
  }

  /** True when something can be sealed. */
  get established(): boolean {
    return this.#established.length > 0;
  }

  /** A greeting to the peer. The last few that were sent can be answered, until one was. */
  greet(): Uint8Array {
    const sessionId = this.#freshId();
    const terms = encodeGreeting({ sessionId, versions: this.#versions });
    const { message, greeted } = greet(this.#start, this.#random(NOISE_BYTES), terms);
    this.#greetings.set(sessionId, greeted);
    dropOldest(this.#greetings, GREETINGS_AT_MOST);
    this.#greetingNumber += 1;
    const number = { life: this.#life, number: this.#greetingNumber };
    return this.#stamped(greetingDatagram(this.#versions.oldest, number, message));
  }

  /** Undefined while there is no session. */
  seal(plaintext: Uint8Array): Uint8Array | undefined {
    return this.#established[0]?.seal(plaintext);
  }

  /**
   * Takes a datagram; never throws for anything in it. `mayGreet` is asked before a greeting, an
   * authentic and fresh one, is read and answered: that is the expensive part.
   */
  open(bytes: Uint8Array, mayGreet: () => boolean): ChannelOutcome {
    const datagram = parseDatagram(bytes, this.#versions);
    if (typeof datagram === 'string') return refused(datagram);
    if (datagram.kind === 'sealed') return this.#openSealed(datagram);
    return datagram.kind === 'greeting'
      ? this.#answer(datagram, mayGreet)
      : this.#conclude(datagram);
  }

  #openSealed(datagram: Sealed): ChannelOutcome {
    const { receiver } = datagram;
    const known = this.#establishedAs(receiver);
    const session = known ?? this.#pending.get(receiver);
    if (session === undefined) return refused('session');
    const plaintext = session.open(datagram);
    if (typeof plaintext === 'string') return refused(plaintext);
    if (known === undefined) {
      this.#pending.delete(receiver);
      this.#establish(session);
    }
    return { kind: 'message', plaintext, begins: known === undefined };
  }

  #establishedAs(id: number): SealedSession | undefined {
    for (const session of this.#established) if (session.ownId === id) return session;
    return undefined;
  }

  #answer(greeting: Greeting, mayGreet: () => boolean): ChannelOutcome {
    const { version, life, number, message } = greeting;
    if (!this.#hasStamp(greeting)) return refused('key');
    if (life === this.#life) return refused('own');
    if (number <= (this.#heard.get(life) ?? 0)) return refused('replayed');
    if (!mayGreet()) return refused('limited');
    const heard = hear(this.#start, message);
    if (heard === undefined) return refused('key');
    const terms = decodeGreeting(heard.payload);
    if (terms === undefined) return refused('content');
    const agreed = agreedVersion(this.#versions, terms.versions);
    if (agreed === undefined) return refused('version');
    const ownId = this.#freshId();
    const reply = encodeReply({ sessionId: ownId, version: agreed });
    const answered = answer(heard, this.#random(NOISE_BYTES), reply);
    if (answered === undefined) return refused('key');
    this.#remember(life, number);
    const { keys } = answered;
    const peerId = terms.sessionId;
    const primitives = this.#primitives;
    const ordinal = this.#nextOrdinal;
    this.#pending.set(
      ownId,
      new SealedSession({ ordinal, ownId, peerId, version: agreed, keys, primitives }),
    );
    dropOldest(this.#pending, PENDING_AT_MOST);
    const datagram = replyDatagram(version, peerId, answered.message);
    return { kind: 'reply', bytes: this.#stamped(datagram) };
  }

  #conclude(datagram: Reply): ChannelOutcome {
    const { receiver, message } = datagram;
    const greeted = this.#greetings.get(receiver);
    if (greeted === undefined) return refused('session');
    if (!this.#hasStamp(datagram)) return refused('key');
    const concluded = conclude(greeted, message);
    if (concluded === undefined) return refused('key');
    const terms = decodeReply(concluded.payload);
    if (terms === undefined) return refused('content');
    const { version, sessionId: peerId } = terms;
    if (version < this.#versions.oldest || version > this.#versions.newest) {
      return refused('version');
    }
    this.#greetings.clear();
    const { keys } = concluded;
    const primitives = this.#primitives;
    const ordinal = this.#nextOrdinal;
    const ownId = receiver;
    this.#establish(new SealedSession({ ordinal, ownId, peerId, version, keys, primitives }));
    return { kind: 'established' };
  }

  /**
   * In the order in which they were agreed upon. Datagrams of several sessions may come in late and
   * mixed, when this node slept: an older session that is used first now must not oust a newer one.
   */
  #establish(session: SealedSession): void {
    const place = this.#established.findIndex(({ ordinal }) => ordinal < session.ordinal);
    this.#established.splice(place === -1 ? this.#established.length : place, 0, session);
    this.#established.splice(ESTABLISHED_AT_MOST);
  }

  get #nextOrdinal(): number {
    this.#sessions += 1;
    return this.#sessions;
  }

  #remember(life: bigint, number: number): void {
    this.#heard.delete(life);
    this.#heard.set(life, number);
    dropOldest(this.#heard, LIVES_AT_MOST);
  }

  #stamped(datagram: Uint8Array): Uint8Array {
    return Buffer.concat([datagram, this.#stamp(datagram)]);
  }

  #hasStamp({ stamped, stamp }: Greeting | Reply): boolean {
    return equalDigests(this.#stamp(stamped), stamp);
  }

  #stamp(datagram: Uint8Array): Uint8Array {
    return this.#primitives.hmacSha256(this.#stampKey, datagram).subarray(0, STAMP_BYTES);
  }

  /** A random name for a session: nobody who does not see the datagrams can guess it. */
  #freshId(): number {
    for (;;) {
      const id = byteView(this.#random(4)).getUint32(0);
      const isTaken = this.#established.some(({ ownId }) => ownId === id);
      if (!isTaken && !this.#pending.has(id) && !this.#greetings.has(id)) return id;
    }
  }
}

function refused(reason: DatagramRefusal): ChannelOutcome {
  return { kind: 'refused', reason };
}

function dropOldest<Key>(map: Map<Key, unknown>, atMost: number): void {
  for (const key of map.keys()) {
    if (map.size <= atMost) return;
    map.delete(key);
  }
}
