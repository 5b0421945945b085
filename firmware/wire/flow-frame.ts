/**
 * What one node's replication of flows says to the other's: the payload of a sealed datagram.
 *
 * All numbers little-endian, as in the records they carry (flow-record.ts). Every frame begins with
 *
 *      0         1      2         3   4       8            12
 *     +---------+------+---------+---+-------+------------+----------+------
 *     | version | kind | serving | 0 | epoch | peer epoch | sequence | body
 *     +---------+------+---------+---+-------+------------+----------+------
 *
 *   data       numbered; records one after another
 *   mark       numbered; what u8 | scope u8 (0 every bucket, 1 those of the bitmap) |
 *              content u8 (0 keys, 1 bodies) | 0 | id u32 | flows u32 | bitmap
 *   ack        sequence: the first number that is not applied; window u16 | bytes u16 | bitmap of
 *              what has arrived from there on, bit 0 of byte 0 for that number itself
 *   heartbeat  sequence: the oldest that is not acknowledged; next u32 | own flows u32 |
 *              peer's flows u32 | sent u32 | received u32 | heard age u16 | divergence u16
 *   digest     sequence: the first number that the digests do not take in; first bucket u16 |
 *              count u16 | count times: digest u32 | established u16 | flows u16
 *   pull       content u8 (as in a mark) | 0 | count u16 | count times: bucket u16
 *   ask        id u32 | from u32 | count u16 | 0 u16 | count times: key low u32, key high u32
 *   answer     id u32 | total u32 (all ones: it is being read) | from u32 | until u32 | bytes
 *
 * Data and marks share one sequence: they are acknowledged, sent again and acted upon in its order.
 * The epoch is a random number for each life of the process, 0 where the peer's is not known yet; a
 * sequence belongs to a pair of epochs. Later versions append to heartbeats only.
 */
import { byteView } from './byte-view.ts';
import { FLOW_HEADER_BYTES, flowHeader } from './flow-record.ts';

/** Whether the sender is MASTER: for nothing, some of its VIPs, or all. The order is the wire's. */
const SERVINGS = ['none', 'part', 'all'] as const;
export type FlowServing = (typeof SERVINGS)[number];

/** What every frame says. */
export interface FlowFrameHead {
  readonly serving: FlowServing;
  /** Of this life of the sender, 1..2^32 - 1. */
  readonly epoch: number;
  /** Of the receiver as the sender knows it, 0 for unknown. */
  readonly peerEpoch: number;
  /** Modulo 2^32; its meaning depends on the kind. */
  readonly sequence: number;
}

/** Records begin at `from`, and end with the frame. */
export interface FlowData extends FlowFrameHead {
  readonly kind: 'data';
  readonly from: number;
}

const MARKS = ['begin', 'end', 'barrier'] as const;

/**
 * A pass is a part of the sender's table, between `begin` and `end`: what the receiver has in these
 * buckets and the pass did not name is gone. A `barrier` only wants to be acknowledged.
 */
export interface FlowMark extends FlowFrameHead {
  readonly kind: 'mark';
  readonly what: (typeof MARKS)[number];
  /** Number of the pass or of the barrier. */
  readonly id: number;
  /** Whether flows are told with their bodies, or by key only. */
  readonly content: FlowContent;
  /** How many flows the sender has there: for progress only. */
  readonly flows: number;
  /** One bit per bucket, bit 0 of byte 0 for bucket 0; undefined for all. */
  readonly buckets: Uint8Array | undefined;
}

const CONTENTS = ['keys', 'bodies'] as const;
export type FlowContent = (typeof CONTENTS)[number];

export interface FlowAck extends FlowFrameHead {
  readonly kind: 'ack';
  /** How many numbers from `sequence` on the receiver has room for. */
  readonly window: number;
  readonly arrived: Uint8Array;
}

export interface FlowHeartbeat extends FlowFrameHead {
  readonly kind: 'heartbeat';
  /** The number the next data or mark will have. */
  readonly next: number;
  /** Flows the sender owns, and flows it holds for the receiver. */
  readonly ownFlows: number;
  readonly peerFlows: number;
  /** Frames it has sent to this life of the receiver, and taken from it, modulo 2^32. */
  readonly sent: number;
  readonly received: number;
  /** Since it last took one, whole milliseconds; 65535 for longer or never. */
  readonly heardAge: number;
  /** Of its copy of the receiver's flows, in tenths of a percent. */
  readonly divergence: number;
}

export interface FlowDigests extends FlowFrameHead {
  readonly kind: 'digest';
  readonly first: number;
  readonly count: number;
  /** The entries, 8 bytes each. */
  readonly entries: DataView;
}

export interface FlowPull extends FlowFrameHead {
  readonly kind: 'pull';
  readonly content: FlowContent;
  readonly buckets: readonly number[];
}

/**
 * What has the receiver's kernel in its table? Asked for part by part, because nothing of it is
 * sent again unasked. Without keys: all flows (`flow-reading.ts`); with keys: lines of text about
 * these.
 */
export interface FlowAsk extends FlowFrameHead {
  readonly kind: 'ask';
  /** Another one for each reading. */
  readonly id: number;
  /** The first byte that is wanted. */
  readonly from: number;
  /** Keys, low and high in turn; at most KEYS_ASKED_AT_MOST of them. */
  readonly keys: Uint32Array;
}

/** Part of a reading. */
export interface FlowAnswer extends FlowFrameHead {
  readonly kind: 'answer';
  readonly id: number;
  /** Bytes of the whole reading, at most LONGEST_READING; undefined while it is under way. */
  readonly total: number | undefined;
  readonly from: number;
  /** Where the burst ends that this frame belongs to: what follows is to be asked for. */
  readonly until: number;
  readonly bytes: Uint8Array;
}

export type FlowFrame =
  | FlowData
  | FlowMark
  | FlowAck
  | FlowHeartbeat
  | FlowDigests
  | FlowPull
  | FlowAsk
  | FlowAnswer;

/** Why a frame is not taken; one counter each. */
export type FlowFrameRefusal =
  /** Shorter than its kind, or than it says. */
  | 'short'
  /** Longer than it says. */
  | 'long'
  /** A version this node does not speak. */
  | 'version'
  /** No kind that is known. */
  | 'kind'
  /** A field holds what it never may. */
  | 'field'
  /** A record that does not fit, or of no kind that is known. */
  | 'record';

export const FLOW_FRAME_VERSION = 1;
export const FLOW_FRAME_HEAD_BYTES = 16;
export const DIGEST_ENTRY_BYTES = 8;
const MARK_BYTES = 28;
const ACK_BYTES = 20;
const HEARTBEAT_BYTES = 40;
const LISTED_BYTES = 20;
const ASK_BYTES = 28;
const ANSWER_BYTES = 32;
const KEY_BYTES = 8;
/** They fit into the shortest frame there is. */
export const KEYS_ASKED_AT_MOST = 128;
/** Two million flows. */
export const LONGEST_READING = 2 ** 24;
const UNDER_WAY = 0xffff_ffff;
/** The last operation: a key alone, which only frames carry. */
const PRESENT = 5;
const KINDS = ['data', 'mark', 'ack', 'heartbeat', 'digest', 'pull', 'ask', 'answer'] as const;
const U16 = 0xffff;

/** Writes the head every frame begins with. */
function writeHead(view: DataView, kind: FlowFrame['kind'], head: FlowFrameHead): void {
  view.setUint8(0, FLOW_FRAME_VERSION);
  view.setUint8(1, KINDS.indexOf(kind));
  view.setUint8(2, SERVINGS.indexOf(head.serving));
  view.setUint8(3, 0);
  view.setUint32(4, head.epoch, true);
  view.setUint32(8, head.peerEpoch, true);
  view.setUint32(12, head.sequence, true);
}

/**
 * Writes a frame and answers its length. `into` must have room for it, or this throws. Of data only
 * the head is written: the records are there already. Of digests the entries must be, too.
 */
export function encodeFlowFrame(frame: FlowFrame, into: Uint8Array): number {
  const view = byteView(into);
  writeHead(view, frame.kind, frame);
  switch (frame.kind) {
    case 'data':
      return FLOW_FRAME_HEAD_BYTES;
    case 'mark':
      return writeMark(view, into, frame);
    case 'ack':
      view.setUint16(16, Math.min(frame.window, U16), true);
      view.setUint16(18, frame.arrived.length, true);
      into.set(frame.arrived, ACK_BYTES);
      return ACK_BYTES + frame.arrived.length;
    case 'heartbeat':
      return writeHeartbeat(view, frame);
    case 'digest':
      view.setUint16(16, frame.first, true);
      view.setUint16(18, frame.count, true);
      return LISTED_BYTES + frame.count * DIGEST_ENTRY_BYTES;
    case 'pull':
      return writePull(view, frame);
    case 'ask':
      return writeAsk(view, frame);
    default:
      view.setUint32(16, frame.id, true);
      view.setUint32(20, frame.total ?? UNDER_WAY, true);
      view.setUint32(24, frame.from, true);
      view.setUint32(28, frame.until, true);
      into.set(frame.bytes, ANSWER_BYTES);
      return ANSWER_BYTES + frame.bytes.length;
  }
}

function writePull(view: DataView, { content, buckets }: FlowPull): number {
  view.setUint16(16, CONTENTS.indexOf(content), true);
  view.setUint16(18, buckets.length, true);
  buckets.forEach((bucket, index) => {
    view.setUint16(LISTED_BYTES + 2 * index, bucket, true);
  });
  return LISTED_BYTES + 2 * buckets.length;
}

function writeAsk(view: DataView, { id, from, keys }: FlowAsk): number {
  view.setUint32(16, id, true);
  view.setUint32(20, from, true);
  view.setUint16(24, keys.length / 2, true);
  view.setUint16(26, 0, true);
  keys.forEach((word, index) => {
    view.setUint32(ASK_BYTES + 4 * index, word, true);
  });
  return ASK_BYTES + 4 * keys.length;
}

function writeMark(view: DataView, into: Uint8Array, mark: FlowMark): number {
  view.setUint8(16, MARKS.indexOf(mark.what));
  view.setUint8(17, mark.buckets === undefined ? 0 : 1);
  view.setUint8(18, CONTENTS.indexOf(mark.content));
  view.setUint8(19, 0);
  view.setUint32(20, mark.id, true);
  view.setUint32(24, mark.flows, true);
  if (mark.buckets !== undefined) into.set(mark.buckets, MARK_BYTES);
  return MARK_BYTES + (mark.buckets?.length ?? 0);
}

function writeHeartbeat(view: DataView, heartbeat: FlowHeartbeat): number {
  view.setUint32(16, heartbeat.next, true);
  view.setUint32(20, heartbeat.ownFlows, true);
  view.setUint32(24, heartbeat.peerFlows, true);
  view.setUint32(28, heartbeat.sent, true);
  view.setUint32(32, heartbeat.received, true);
  view.setUint16(36, Math.min(heartbeat.heardAge, U16), true);
  view.setUint16(38, Math.min(heartbeat.divergence, U16), true);
  return HEARTBEAT_BYTES;
}

/** The frame, as a view of `bytes`, or why it is none. */
export function decodeFlowFrame(bytes: Uint8Array): FlowFrame | FlowFrameRefusal {
  if (bytes.length < FLOW_FRAME_HEAD_BYTES) return 'short';
  const view = byteView(bytes);
  if (bytes[0] !== FLOW_FRAME_VERSION) return 'version';
  const kind = KINDS[bytes[1] ?? KINDS.length];
  const serving = SERVINGS[bytes[2] ?? SERVINGS.length];
  if (kind === undefined) return 'kind';
  const epoch = view.getUint32(4, true);
  if (serving === undefined || epoch === 0) return 'field';
  const peerEpoch = view.getUint32(8, true);
  const head = { serving, epoch, peerEpoch, sequence: view.getUint32(12, true) };
  switch (kind) {
    case 'data':
      return (
        recordRefusal(view, FLOW_FRAME_HEAD_BYTES) ?? {
          kind,
          ...head,
          from: FLOW_FRAME_HEAD_BYTES,
        }
      );
    case 'mark':
      return decodeMark(view, bytes, head);
    case 'ack':
      return decodeAck(view, bytes, head);
    case 'heartbeat':
      return decodeHeartbeat(view, head);
    case 'digest':
      return decodeDigests(view, head);
    case 'pull':
      return decodePull(view, head);
    case 'ask':
      return decodeAsk(view, head);
    default:
      return decodeAnswer(view, bytes, head);
  }
}

/** What is wrong with the records from `from` to the end, if anything. */
function recordRefusal(view: DataView, from: number): FlowFrameRefusal | undefined {
  const end = view.byteLength;
  if (from === end) return 'short';
  for (let at = from; at < end; ) {
    if (at + FLOW_HEADER_BYTES > end) return 'record';
    const length = view.getUint16(at + flowHeader.length, true);
    const operation = view.getUint8(at + flowHeader.operation);
    const fits = length >= FLOW_HEADER_BYTES && length % 4 === 0 && at + length <= end;
    if (!fits || operation === 0 || operation > PRESENT) return 'record';
    if (operation === PRESENT && length !== FLOW_HEADER_BYTES) return 'record';
    at += length;
  }
  return undefined;
}

function decodeMark(
  view: DataView,
  bytes: Uint8Array,
  head: FlowFrameHead,
): FlowMark | FlowFrameRefusal {
  if (bytes.length < MARK_BYTES) return 'short';
  const what = MARKS[view.getUint8(16)];
  const content = CONTENTS[view.getUint8(18)];
  const scope = view.getUint8(17);
  if (what === undefined || content === undefined || scope > 1) return 'field';
  if (scope === 0 && bytes.length > MARK_BYTES) return 'long';
  const buckets = scope === 0 ? undefined : bytes.subarray(MARK_BYTES);
  const [id, flows] = [view.getUint32(20, true), view.getUint32(24, true)];
  return { kind: 'mark', ...head, what, id, content, flows, buckets };
}

function decodeAck(
  view: DataView,
  bytes: Uint8Array,
  head: FlowFrameHead,
): FlowAck | FlowFrameRefusal {
  if (bytes.length < ACK_BYTES) return 'short';
  const end = ACK_BYTES + view.getUint16(18, true);
  if (bytes.length !== end) return bytes.length < end ? 'short' : 'long';
  const window = view.getUint16(16, true);
  return { kind: 'ack', ...head, window, arrived: bytes.subarray(ACK_BYTES) };
}

function decodeHeartbeat(view: DataView, head: FlowFrameHead): FlowHeartbeat | FlowFrameRefusal {
  if (view.byteLength < HEARTBEAT_BYTES) return 'short';
  return {
    kind: 'heartbeat',
    ...head,
    next: view.getUint32(16, true),
    ownFlows: view.getUint32(20, true),
    peerFlows: view.getUint32(24, true),
    sent: view.getUint32(28, true),
    received: view.getUint32(32, true),
    heardAge: view.getUint16(36, true),
    divergence: view.getUint16(38, true),
  };
}

function decodeDigests(view: DataView, head: FlowFrameHead): FlowDigests | FlowFrameRefusal {
  if (view.byteLength < LISTED_BYTES) return 'short';
  const [first, count] = [view.getUint16(16, true), view.getUint16(18, true)];
  const end = LISTED_BYTES + count * DIGEST_ENTRY_BYTES;
  if (view.byteLength !== end) return view.byteLength < end ? 'short' : 'long';
  if (count === 0 || first + count > U16) return 'field';
  const entries = new DataView(view.buffer, view.byteOffset + LISTED_BYTES, end - LISTED_BYTES);
  return { kind: 'digest', ...head, first, count, entries };
}

function decodePull(view: DataView, head: FlowFrameHead): FlowPull | FlowFrameRefusal {
  if (view.byteLength < LISTED_BYTES) return 'short';
  const content = CONTENTS[view.getUint16(16, true)];
  const count = view.getUint16(18, true);
  const end = LISTED_BYTES + 2 * count;
  if (view.byteLength !== end) return view.byteLength < end ? 'short' : 'long';
  if (content === undefined || count === 0) return 'field';
  const buckets = Array.from({ length: count }, (_, index) =>
    view.getUint16(LISTED_BYTES + 2 * index, true),
  );
  return { kind: 'pull', ...head, content, buckets };
}

function decodeAsk(view: DataView, head: FlowFrameHead): FlowAsk | FlowFrameRefusal {
  if (view.byteLength < ASK_BYTES) return 'short';
  const count = view.getUint16(24, true);
  const end = ASK_BYTES + KEY_BYTES * count;
  if (view.byteLength !== end) return view.byteLength < end ? 'short' : 'long';
  const [id, from] = [view.getUint32(16, true), view.getUint32(20, true)];
  if (count > KEYS_ASKED_AT_MOST || from > LONGEST_READING) return 'field';
  const keys = Uint32Array.from({ length: 2 * count }, (_, index) =>
    view.getUint32(ASK_BYTES + 4 * index, true),
  );
  return { kind: 'ask', ...head, id, from, keys };
}

function decodeAnswer(
  view: DataView,
  frame: Uint8Array,
  head: FlowFrameHead,
): FlowAnswer | FlowFrameRefusal {
  if (frame.length < ANSWER_BYTES) return 'short';
  const [id, total] = [view.getUint32(16, true), view.getUint32(20, true)];
  const [from, until] = [view.getUint32(24, true), view.getUint32(28, true)];
  const bytes = frame.subarray(ANSWER_BYTES);
  const answer = { kind: 'answer', ...head, id, from, until, bytes } as const;
  if (total === UNDER_WAY) {
    if (bytes.length > 0) return 'long';
    return from === 0 && until === 0 ? { ...answer, total: undefined } : 'field';
  }
  const isSound = from + bytes.length <= until && until <= total && total <= LONGEST_READING;
  return isSound ? { ...answer, total } : 'field';
}

/** The codec as a thing to hand to core, which calls no codec of its own accord. */
export const flowFrames = {
  headBytes: FLOW_FRAME_HEAD_BYTES,
  digestsFrom: LISTED_BYTES,
  answerBytes: ANSWER_BYTES,
  encode: encodeFlowFrame,
  decode: decodeFlowFrame,
} as const;

export type FlowFrames = typeof flowFrames;
