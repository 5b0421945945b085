/**
 * Netlink messages: the header (struct nlmsghdr, linux/netlink.h) and the tree of attributes
 * (struct nlattr) behind it, as all netlink families use them.
 *
 *      0        4      6       8         12       16
 *     +--------+------+-------+---------+--------+---------------------+------------
 *     | length | type | flags | sequence| port   | header of the family| attributes
 *     +--------+------+-------+---------+--------+---------------------+------------
 *     attribute: | length u16 | type u16 | payload, padded to 4 |
 *
 * Lengths cover the header and exclude the padding. Integers are in the byte order of the machine,
 * and every machine we run on (x86-64, arm64) is little-endian; where a family wants network order
 * (nf_tables), the attribute constructors say `Be`.
 */
import { byteView } from './byte-view.ts';

export const NETLINK_HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const ALIGNMENT = 4;
const NESTED = 0x8000;
/** NLA_TYPE_MASK: without the flags "nested" and "network byte order". */
const TYPE_MASK = 0x3fff;
const LONGEST_ATTRIBUTE = 0xffff;

/** Message types below those of the families (NLMSG_*). */
export const controlTypes = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** NLM_F_*. The meaning of the bits from 0x100 on depends on the kind of request. */
export const netlinkFlags = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  dumpInterrupted: 0x10,
  /** In an answer of type error: the request is not repeated in it. */
  capped: 0x100,
  /** In an answer of type error: attributes follow. */
  extendedAck: 0x200,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

export interface NetlinkAttribute {
  readonly type: number;
  readonly value: Uint8Array | readonly NetlinkAttribute[];
}

/** A request before it gets its sequence number. */
export interface NetlinkRequest {
  readonly type: number;
  /** Without `request`, which every request carries. */
  readonly flags: number;
  /** The fixed header of the family, a multiple of 4 bytes. */
  readonly header: Uint8Array;
  readonly attributes: readonly NetlinkAttribute[];
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Of the socket that caused the message; 0 for the kernel itself. */
  readonly port: number;
  /** Everything behind the header; a view, not a copy. */
  readonly payload: Uint8Array;
}

const padded = (length: number): number => (length + ALIGNMENT - 1) & ~(ALIGNMENT - 1);

// ---- attributes to be sent

export const bytesAttribute = (type: number, value: Uint8Array): NetlinkAttribute => ({
  type,
  value,
});

export const nested = (type: number, value: readonly NetlinkAttribute[]): NetlinkAttribute => ({
  type,
  value,
});

export function u8(type: number, value: number): NetlinkAttribute {
  return { type, value: Uint8Array.of(value) };
}

export function u16(type: number, value: number): NetlinkAttribute {
  return number(type, 2, (view) => view.setUint16(0, value, true));
}

export function u32(type: number, value: number): NetlinkAttribute {
  return number(type, 4, (view) => view.setUint32(0, value, true));
}

/** Network byte order. Takes signed values too: they go as two's complement. */
export function u32Be(type: number, value: number): NetlinkAttribute {
  return number(type, 4, (view) => view.setUint32(0, value >>> 0));
}

export function u64Be(type: number, value: number): NetlinkAttribute {
  return number(type, 8, (view) => view.setBigUint64(0, BigInt(value)));
}

/** Text with the zero byte the kernel expects. ASCII only: these are names. */
export function text(type: number, value: string): NetlinkAttribute {
  const bytes = new Uint8Array(value.length + 1);
  for (let i = 0; i < value.length; i++) bytes[i] = value.charCodeAt(i);
  return { type, value: bytes };
}

/** Text without a zero byte, where the kernel counts letters. ASCII only. */
export function letters(type: number, value: string): NetlinkAttribute {
  return { type, value: Uint8Array.from(value, (letter) => letter.charCodeAt(0)) };
}

function number(type: number, length: number, write: (view: DataView) => void): NetlinkAttribute {
  const value = new Uint8Array(length);
  write(byteView(value));
  return { type, value };
}

// ---- encoding

/** The bytes of requests in one buffer, numbered from `sequence` on. */
export function encodeNetlink(
  requests: readonly NetlinkRequest[],
  sequence: number,
): Uint8Array<ArrayBuffer> {
  const lengths = requests.map(messageLength);
  const out = new Uint8Array(lengths.reduce((sum, length) => sum + padded(length), 0));
  const view = byteView(out);
  let at = 0;
  requests.forEach((request, index) => {
    const length = lengths[index] ?? 0;
    view.setUint32(at, length, true);
    view.setUint16(at + 4, request.type, true);
    view.setUint16(at + 6, request.flags | netlinkFlags.request, true);
    view.setUint32(at + 8, (sequence + index) >>> 0, true);
    out.set(request.header, at + NETLINK_HEADER_BYTES);
    writeAttributes(
      request.attributes,
      out,
      at + NETLINK_HEADER_BYTES + padded(request.header.length),
    );
    at += padded(length);
  });
  return out;
}

/** The attributes alone, as some of them are opaque payload of others. */
export function encodeAttributes(attributes: readonly NetlinkAttribute[]): Uint8Array {
  const out = new Uint8Array(attributesLength(attributes));
  writeAttributes(attributes, out, 0);
  return out;
}

function messageLength({ header, attributes }: NetlinkRequest): number {
  return NETLINK_HEADER_BYTES + padded(header.length) + attributesLength(attributes);
}

function attributesLength(attributes: readonly NetlinkAttribute[]): number {
  return attributes.reduce((sum, each) => sum + padded(attributeLength(each)), 0);
}

function attributeLength({ value }: NetlinkAttribute): number {
  const payload = value instanceof Uint8Array ? value.length : attributesLength(value);
  return ATTRIBUTE_HEADER_BYTES + payload;
}

function writeAttributes(
  attributes: readonly NetlinkAttribute[],
  out: Uint8Array,
  start: number,
): void {
  const view = byteView(out);
  let at = start;
  for (const attribute of attributes) {
    const length = attributeLength(attribute);
    if (length > LONGEST_ATTRIBUTE) {
      throw new RangeError(`a netlink attribute has at most 65535 bytes, not ${length}`);
    }
    view.setUint16(at, length, true);
    if (attribute.value instanceof Uint8Array) {
      view.setUint16(at + 2, attribute.type, true);
      out.set(attribute.value, at + ATTRIBUTE_HEADER_BYTES);
    } else {
      view.setUint16(at + 2, attribute.type | NESTED, true);
      writeAttributes(attribute.value, out, at + ATTRIBUTE_HEADER_BYTES);
    }
    at += padded(length);
  }
}

// ---- decoding

/**
 * The messages of one datagram. Stops at the first that is shorter than a header or longer than
 * what is left, so a cut datagram yields the whole messages at its beginning.
 */
export function decodeNetlink(bytes: Uint8Array): NetlinkMessage[] {
  const view = byteView(bytes);
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at + NETLINK_HEADER_BYTES <= bytes.length) {
    const length = view.getUint32(at, true);
    if (length < NETLINK_HEADER_BYTES || at + length > bytes.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      port: view.getUint32(at + 12, true),
      payload: bytes.subarray(at + NETLINK_HEADER_BYTES, at + length),
    });
    at += padded(length);
  }
  return messages;
}

/** Attributes by type; of two with one type the last. */
export type AttributeMap = ReadonlyMap<number, Uint8Array>;

export function decodeAttributes(bytes: Uint8Array, offset = 0): AttributeMap {
  return new Map(decodeAttributeList(bytes, offset).map(({ type, value }) => [type, value]));
}

/** Attributes in their order, for lists in which one type occurs again and again. */
export function decodeAttributeList(
  bytes: Uint8Array,
  offset = 0,
): { readonly type: number; readonly value: Uint8Array }[] {
  const view = byteView(bytes);
  const list: { type: number; value: Uint8Array }[] = [];
  let at = offset;
  while (at + ATTRIBUTE_HEADER_BYTES <= bytes.length) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > bytes.length) break;
    const value = bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length);
    list.push({ type: view.getUint16(at + 2, true) & TYPE_MASK, value });
    at += padded(length);
  }
  return list;
}

/** Undefined when the attribute is missing or has another length. */
export function readU32(attributes: AttributeMap, type: number): number | undefined {
  const value = attributes.get(type);
  return value?.length === 4 ? byteView(value).getUint32(0, true) : undefined;
}

export function readU8(attributes: AttributeMap, type: number): number | undefined {
  const value = attributes.get(type);
  return value?.length === 1 ? value[0] : undefined;
}

/** Without the zero byte at its end. */
export function readText(attributes: AttributeMap, type: number): string | undefined {
  const value = attributes.get(type);
  if (value === undefined) return undefined;
  const end = value.indexOf(0);
  return Array.from(end < 0 ? value : value.subarray(0, end), (byte) =>
    String.fromCharCode(byte),
  ).join('');
}

/** What a message of type error says. */
export interface NetlinkVerdict {
  /** Positive errno; 0 is an acknowledgement. */
  readonly errno: number;
  /** Sequence number of the request. */
  readonly sequence: number;
  /** The kernel's words (NLMSGERR_ATTR_MSG), when it gave any. */
  readonly reason: string | undefined;
}

const REASON_ATTRIBUTE = 1;
const ERROR_BYTES = 4 + NETLINK_HEADER_BYTES;

/** Undefined when the message is not of type error or is too short to be one. */
export function decodeVerdict(message: NetlinkMessage): NetlinkVerdict | undefined {
  if (message.type !== controlTypes.error || message.payload.length < ERROR_BYTES) return undefined;
  const view = byteView(message.payload);
  const request =
    message.flags & netlinkFlags.capped ? NETLINK_HEADER_BYTES : view.getUint32(4, true);
  const extended = message.flags & netlinkFlags.extendedAck;
  const attributes = extended ? decodeAttributes(message.payload, 4 + padded(request)) : undefined;
  return {
    errno: Math.abs(view.getInt32(0, true)),
    sequence: view.getUint32(12, true),
    reason: attributes && readText(attributes, REASON_ATTRIBUTE),
  };
}
