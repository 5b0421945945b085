/**
 * The beat: what a node tells its peer of itself, a hundred times a second over the sync cable and
 * now and then over every segment both are on. It travels sealed (sealed-datagram.ts).
 *
 * A beat is a state, not an order: each one says everything, so a lost one costs nothing and a
 * repeated one changes nothing.
 *
 * All numbers big-endian, strings UTF-8:
 *
 *   flags u8 (1 secondary, 2 asks, 4 farewell, 8 serving) | state u8 (as in STATES) | boot u64 |
 *   sequence u64 | state age u32 | health u16 | demotion u16 | preference u16 | claim u32 |
 *   grant u32 | interval u32 | lease u32 | heard age u16 | counter tag u32 |
 *   configuration 8 bytes | length u8, name | count u8, paths: each length u8, then
 *       flags u8 (1 usable, 2 hears) | length u8, address (0, 4 or 16 bytes) | length u8, interface
 *
 * Later versions append to the beat and to each path: what follows the known fields is read over.
 */
import { byteView } from './byte-view.ts';
import {
  formatIpAddress,
  IPV4_ADDRESS_BYTES,
  IPV6_ADDRESS_BYTES,
  ipAddressBytes,
} from './ip-address.ts';

/** Where a node is on one of the paths it shares with its peer. */
export interface BeatPath {
  /** Logical interface, the same name on both nodes; at most 63 bytes. */
  readonly interface: string;
  /** Own address there, to send beats to; undefined while there is none. */
  readonly address: string | undefined;
  /** Carrier and real address are there. */
  readonly usable: boolean;
  /** Beats of the peer have arrived here lately. */
  readonly hears: boolean;
}

/** The order is the one on the wire: later versions append. */
const STATES = ['INIT', 'BACKUP', 'CLAIMANT', 'MASTER', 'LAPSED'] as const;

export type BeatState = (typeof STATES)[number];

export interface PeerBeat {
  /** Name of the node, at most 63 bytes. */
  readonly node: string;
  readonly role: 'primary' | 'secondary';
  /** Random for each life of the process, 64 bits. */
  readonly bootId: bigint;
  /** Grows by one with each beat of this life, on whatever path. Unsigned, 53 bits at most. */
  readonly sequence: number;
  /** The receiver shall send a beat back on the same path at once. */
  readonly asks: boolean;
  /** The sender stops cleanly; this is its last beat. */
  readonly farewell: boolean;
  readonly state: BeatState;
  /** Holds the lease, or has asked the kernel for it. */
  readonly serving: boolean;
  /** How long the sender has been in its state, whole milliseconds, at most 2^32 - 1. */
  readonly stateAge: number;
  /** Number of VIPs it could serve now, 0..65535. */
  readonly health: number;
  /** Sum of the weights of its demotions, not capped, 0..65535. */
  readonly demotion: number;
  /** Configured preference, advbase * 256 + advskew: the lower is preferred. 0..65535. */
  readonly preference: number;
  /** Number of its present wish to become MASTER, 1..2^32 - 1, 0 for none. */
  readonly claim: number;
  /** The claim of the receiver that it grants, 0 for none. */
  readonly grant: number;
  /** Time between its beats, microseconds, 0..2^32 - 1. */
  readonly interval: number;
  /** Length of its leases, microseconds, 0..2^32 - 1: its dead time is longer than that. */
  readonly lease: number;
  /** How long ago it heard of the receiver, whole milliseconds; 65535 for long ago or never. */
  readonly heardAge: number;
  /** Low half of the counters of all its advertisements of this life. */
  readonly counterTag: number;
  /** First 8 bytes of the hash of its configuration of the pair, 16 hexadecimal digits. */
  readonly configHash: string;
  /** Paths it shares with the receiver, at most 16. */
  readonly paths: readonly BeatPath[];
}

const FIXED_BYTES = 58;
/** What seldom changes is the boot, and all from here on. */
export const CONSTANTS_START = 46;
export const BOOT_START = 2;
export const BOOT_END = 10;
const HASH_START = 50;
const STRING_BYTES = 63;
const PATHS_AT_MOST = 16;
const PATH_BYTES_AT_MOST = 3 + IPV6_ADDRESS_BYTES + 1 + STRING_BYTES;
export const BEAT_BYTES_AT_MOST =
  FIXED_BYTES + 1 + STRING_BYTES + 1 + PATHS_AT_MOST * PATH_BYTES_AT_MOST;
const HASH = /^[0-9a-f]{16}$/;
const NOTHING = new Uint8Array(0);
const U16 = 0xffff;
const U32 = 0xffff_ffff;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The bytes of a beat. Numbers beyond their range are written as its end. Strings that are too
 * long, too many paths, or text that is no address or hash are a mistake of ours and throw.
 */
export function encodePeerBeat(beat: PeerBeat): Uint8Array {
  const bytes = new Uint8Array(BEAT_BYTES_AT_MOST);
  writeBeatNumbers(byteView(bytes), beat);
  return bytes.subarray(0, writeBeatConstants(bytes, beat));
}

/** Writes what is no constant. */
export function writeBeatNumbers(view: DataView, beat: PeerBeat): void {
  const secondary = beat.role === 'secondary' ? 1 : 0;
  const said = (beat.asks ? 2 : 0) | (beat.farewell ? 4 : 0) | (beat.serving ? 8 : 0);
  view.setUint8(0, secondary | said);
  view.setUint8(1, STATES.indexOf(beat.state));
  view.setUint32(10, Math.floor(beat.sequence / (U32 + 1)));
  view.setUint32(14, beat.sequence % (U32 + 1));
  view.setUint32(18, Math.min(beat.stateAge, U32));
  view.setUint16(22, Math.min(beat.health, U16));
  view.setUint16(24, Math.min(beat.demotion, U16));
  view.setUint16(26, Math.min(beat.preference, U16));
  view.setUint32(28, Math.min(beat.claim, U32));
  view.setUint32(32, Math.min(beat.grant, U32));
  view.setUint32(36, Math.min(beat.interval, U32));
  view.setUint32(40, Math.min(beat.lease, U32));
  view.setUint16(44, Math.min(beat.heardAge, U16));
}

/** Writes the constants; returns the length of the beat. */
export function writeBeatConstants(bytes: Uint8Array, beat: BeatConstants): number {
  const { paths } = beat;
  if (paths.length > PATHS_AT_MOST) throw new RangeError(`${paths.length} paths are too many`);
  const view = byteView(bytes);
  view.setBigUint64(BOOT_START, beat.bootId);
  view.setUint32(CONSTANTS_START, beat.counterTag);
  writeHash(bytes, beat.configHash);
  let end = writeText(bytes, FIXED_BYTES, beat.node);
  bytes[end] = paths.length;
  end += 1;
  for (const path of paths) end = writePath(bytes, end, path);
  return end;
}

function writeHash(bytes: Uint8Array, hash: string): void {
  if (!HASH.test(hash)) throw new RangeError(`no hash: ${hash}`);
  byteView(bytes).setBigUint64(HASH_START, BigInt(`0x${hash}`));
}

/** Each of these answers where the next field begins. */
function writePath(bytes: Uint8Array, at: number, path: BeatPath): number {
  const address = path.address === undefined ? NOTHING : ipAddressBytes(path.address);
  bytes[at + 1] = (path.usable ? 1 : 0) | (path.hears ? 2 : 0);
  bytes[at + 2] = address.length;
  bytes.set(address, at + 3);
  const end = writeText(bytes, at + 3 + address.length, path.interface);
  bytes[at] = end - at - 1;
  return end;
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  const { read, written } = ENCODER.encodeInto(text, bytes.subarray(at + 1, at + 1 + STRING_BYTES));
  if (read < text.length) throw new RangeError(`longer than ${STRING_BYTES} bytes: ${text}`);
  bytes[at] = written;
  return at + 1 + written;
}

/** What seldom changes. */
export type BeatConstants = Pick<
  PeerBeat,
  'bootId' | 'counterTag' | 'configHash' | 'node' | 'paths'
>;

/** The constants of a beat; undefined when they are not understood. */
export function decodeBeatConstants(bytes: Uint8Array): BeatConstants | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  const name = field(bytes, FIXED_BYTES);
  const node = name && decodeText(name);
  if (name === undefined || node === undefined) return undefined;
  const paths = decodePaths(bytes, FIXED_BYTES + 1 + name.length);
  if (paths === undefined) return undefined;
  const view = byteView(bytes);
  const configHash = view.getBigUint64(HASH_START).toString(16).padStart(16, '0');
  const bootId = view.getBigUint64(BOOT_START);
  return { bootId, counterTag: view.getUint32(CONSTANTS_START), configHash, node, paths };
}

/**
 * The beat, or undefined when the bytes are none that this version understands. `constants`: those
 * of these bytes, if they are known.
 */
export function decodePeerBeat(
  bytes: Uint8Array,
  constants: BeatConstants | undefined = decodeBeatConstants(bytes),
): PeerBeat | undefined {
  if (constants === undefined) return undefined;
  const flags = bytes[0]!;
  const state = STATES[bytes[1]!];
  const sequence = u32(bytes, 10) * (U32 + 1) + u32(bytes, 14);
  if (state === undefined || !Number.isSafeInteger(sequence)) return undefined;
  return {
    role: (flags & 1) === 0 ? 'primary' : 'secondary',
    bootId: constants.bootId,
    sequence,
    asks: (flags & 2) !== 0,
    farewell: (flags & 4) !== 0,
    state,
    serving: (flags & 8) !== 0,
    stateAge: u32(bytes, 18),
    health: u16(bytes, 22),
    demotion: u16(bytes, 24),
    preference: u16(bytes, 26),
    claim: u32(bytes, 28),
    grant: u32(bytes, 32),
    interval: u32(bytes, 36),
    lease: u32(bytes, 40),
    heardAge: u16(bytes, 44),
    counterTag: constants.counterTag,
    configHash: constants.configHash,
    node: constants.node,
    paths: constants.paths,
  };
}

/** Within the fixed bytes. */
function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function u32(bytes: Uint8Array, at: number): number {
  return ((u16(bytes, at) << 16) | u16(bytes, at + 2)) >>> 0;
}

function decodePaths(bytes: Uint8Array, start: number): BeatPath[] | undefined {
  const count = bytes[start];
  if (count === undefined || count > PATHS_AT_MOST) return undefined;
  const paths: BeatPath[] = [];
  for (let at = start + 1; paths.length < count; ) {
    const part = field(bytes, at);
    const path = part && decodePath(part);
    if (part === undefined || path === undefined) return undefined;
    paths.push(path);
    at += 1 + part.length;
  }
  return paths;
}

function decodePath(bytes: Uint8Array): BeatPath | undefined {
  const [flags] = bytes;
  const address = field(bytes, 1);
  const name = address && field(bytes, 2 + address.length);
  const text = name && decodeText(name);
  if (flags === undefined || address === undefined || text === undefined) return undefined;
  const isAddress = [0, IPV4_ADDRESS_BYTES, IPV6_ADDRESS_BYTES].includes(address.length);
  if (!isAddress) return undefined;
  return {
    interface: text,
    address: address.length === 0 ? undefined : formatIpAddress(address),
    usable: (flags & 1) !== 0,
    hears: (flags & 2) !== 0,
  };
}

/** The bytes after a length; undefined when there are fewer. */
function field(bytes: Uint8Array, at: number): Uint8Array | undefined {
  const length = bytes[at];
  if (length === undefined || at + 1 + length > bytes.length) return undefined;
  return bytes.subarray(at + 1, at + 1 + length);
}

function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.length > STRING_BYTES) return undefined;
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}
