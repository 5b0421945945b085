/**
 * How the datagrams between the two nodes are framed (UDP port 7112). All numbers big-endian.
 *
 *   all        version u8 | kind u8 | session of the receiver u32
 *   greeting   0, for there is no session yet | life of the greeter u64 | number u32 |
 *              handshake message 1 | stamp 16
 *   reply      session of the greeter | handshake message 2 | stamp 16
 *   sealed     session of the receiver | number u64 | ciphertext with tag
 *
 * Everything before it is authentic by the stamp, a MAC with a key made from the key of the pair; a
 * sealed datagram has its header as associated data. The stamp also makes it cheap to refuse what
 * is garbage or a replay: that costs a tenth of reading a handshake message.
 *
 * A node speaks a range of versions. A greeting has the format of the oldest one, so that the peer
 * can read it; the newest one both speak is agreed on in the encrypted payloads, and every sealed
 * datagram of the session carries it.
 */
import { byteView } from './byte-view.ts';
import { TAG_BYTES } from './noise-crypto.ts';
import { HANDSHAKE_BYTES } from './noise-handshake.ts';

/** Why a datagram is not taken; one counter each. */
export type DatagramRefusal =
  /** Too short for its kind. */
  | 'short'
  /** A version this node does not speak, or none that both speak. */
  | 'version'
  /** No kind that is known. */
  | 'kind'
  /** For no session of this node: it was restarted, or the session has been replaced. */
  | 'session'
  /** Made with another key, or changed on the way. */
  | 'key'
  /** Has been here before, or is too old to tell. */
  | 'replayed'
  /** A greeting of this node that came back: a loop. */
  | 'own'
  /** One greeting too many. */
  | 'limited'
  /** Authentic, but nothing this version understands. */
  | 'content';

/** The protocol versions a node speaks, 1..255. */
export interface Versions {
  readonly oldest: number;
  readonly newest: number;
}

/** The next version will speak this one too, so a pair can be upgraded node by node. */
export const SPOKEN_VERSIONS: Versions = { oldest: 1, newest: 1 };

/** The newest version both speak, if there is one. */
export function agreedVersion(one: Versions, other: Versions): number | undefined {
  const newest = Math.min(one.newest, other.newest);
  return newest >= Math.max(one.oldest, other.oldest) ? newest : undefined;
}

const HEADER_BYTES = 6;
export const SEALED_HEADER_BYTES = HEADER_BYTES + 8;
export const STAMP_BYTES = 16;

const GREETING_HEADER_BYTES = HEADER_BYTES + 12;

const KINDS = { greeting: 1, reply: 2, sealed: 3 } as const;

/** What makes each greeting another one. */
export interface GreetingNumber {
  /** Random for each life of the greeter's channel, 64 bits. */
  readonly life: bigint;
  /** Grows by one with each greeting of this life, from 1; below 2^32. */
  readonly number: number;
}

interface Stamped {
  readonly version: number;
  readonly message: Uint8Array;
  /** What the stamp is over. */
  readonly stamped: Uint8Array;
  readonly stamp: Uint8Array;
}

export type Greeting = Stamped & GreetingNumber & { readonly kind: 'greeting' };
export type Reply = Stamped & { readonly kind: 'reply'; readonly receiver: number };

export interface Sealed {
  readonly kind: 'sealed';
  readonly version: number;
  readonly receiver: number;
  readonly number: number;
  /** All of it: SEALED_HEADER_BYTES, then the ciphertext with its tag. */
  readonly bytes: Uint8Array;
}

type Datagram = Greeting | Reply | Sealed;

/** The parts of a datagram, as views of it, or why it is none. */
export function parseDatagram(bytes: Uint8Array, versions: Versions): Datagram | DatagramRefusal {
  const version = bytes[0] ?? 0;
  const kind = bytes[1];
  if (bytes.length < HEADER_BYTES) return 'short';
  if (version < versions.oldest || version > versions.newest) return 'version';
  if (kind === KINDS.sealed) return parseSealed(bytes, version);
  if (kind === KINDS.greeting) return parseGreeting(bytes, version);
  if (kind === KINDS.reply) return parseReply(bytes, version);
  return 'kind';
}

function parseGreeting(bytes: Uint8Array, version: number): Greeting | DatagramRefusal {
  if (bytes.length < GREETING_HEADER_BYTES + HANDSHAKE_BYTES + STAMP_BYTES) return 'short';
  const view = byteView(bytes);
  if (view.getUint32(2) !== 0) return 'session';
  const life = view.getBigUint64(6);
  const number = view.getUint32(14);
  return { kind: 'greeting', life, number, ...stampedParts(bytes, version, GREETING_HEADER_BYTES) };
}

function parseReply(bytes: Uint8Array, version: number): Reply | DatagramRefusal {
  if (bytes.length < HEADER_BYTES + HANDSHAKE_BYTES + STAMP_BYTES) return 'short';
  const receiver = byteView(bytes).getUint32(2);
  return { kind: 'reply', receiver, ...stampedParts(bytes, version, HEADER_BYTES) };
}

function stampedParts(bytes: Uint8Array, version: number, start: number): Stamped {
  const end = bytes.length - STAMP_BYTES;
  return {
    version,
    message: bytes.subarray(start, end),
    stamped: bytes.subarray(0, end),
    stamp: bytes.subarray(end),
  };
}

function parseSealed(bytes: Uint8Array, version: number): Sealed | DatagramRefusal {
  if (bytes.length < SEALED_HEADER_BYTES + TAG_BYTES) return 'short';
  return {
    kind: 'sealed',
    version,
    receiver: readUint32(bytes, 2),
    number: readUint32(bytes, 6) * 0x1_0000_0000 + readUint32(bytes, 10),
    bytes,
  };
}

/** A greeting still without its stamp: what is to be stamped. */
export function greetingDatagram(
  version: number,
  { life, number }: GreetingNumber,
  message: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(GREETING_HEADER_BYTES + message.length);
  writeHeader(bytes, KINDS.greeting, version, 0);
  const view = byteView(bytes);
  view.setBigUint64(6, life);
  view.setUint32(14, number);
  bytes.set(message, GREETING_HEADER_BYTES);
  return bytes;
}

/** A reply still without its stamp. `receiver`: what the greeter will call the session by. */
export function replyDatagram(version: number, receiver: number, message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + message.length);
  writeHeader(bytes, KINDS.reply, version, receiver);
  bytes.set(message, HEADER_BYTES);
  return bytes;
}

/** The header of a sealed datagram; the ciphertext follows it. `number`: whole, below 2^53. */
export function sealedHeader(version: number, receiver: number, number: number): Uint8Array {
  const bytes = new Uint8Array(SEALED_HEADER_BYTES);
  writeHeader(bytes, KINDS.sealed, version, receiver);
  renumberSealed(bytes, number);
  return bytes;
}

/** Makes it the header of another datagram of the same session. */
export function renumberSealed(header: Uint8Array, number: number): void {
  writeUint32(header, 6, Math.floor(number / 0x1_0000_0000));
  writeUint32(header, 10, number);
}

function writeHeader(bytes: Uint8Array, kind: number, version: number, receiver: number): void {
  bytes[0] = version;
  bytes[1] = kind;
  writeUint32(bytes, 2, receiver);
}

/** Of every beat, so without a view of the bytes. `number`: whole, its last 32 bits are written. */
function writeUint32(bytes: Uint8Array, at: number, number: number): void {
  bytes[at] = number >>> 24;
  bytes[at + 1] = number >>> 16;
  bytes[at + 2] = number >>> 8;
  bytes[at + 3] = number;
}

function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return ((high << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}
