/**
 * What the kernel says of a flow (an event, or an entry of a dump) as a flow record.
 *
 * Attributes are read where they lie and written where the record is to be: no object is made per
 * message, so a hundred thousand a second leave nothing to collect. What is not whole, or does not
 * concern the peer, is refused with a number that is counted; nothing here throws.
 */
import { copyAttribute } from './attribute-copy.ts';
import {
  CONNTRACK_HEADER_BYTES,
  conntrackTypes,
  FAMILY_OFFSET,
  families,
  flowAttributes,
  flowStatus,
  ipProtocols,
  TCP_STATE_ATTRIBUTE,
  tcpAttributes,
  tcpStates,
} from './ctnetlink.ts';
import type { FlowFilter } from './flow-filter.ts';
import { FlowKey, type FlowKeySeed } from './flow-key.ts';
import {
  bodies,
  flowFlags,
  flowHeader,
  flowOperations,
  LONGEST_FLOW_RECORD,
  shapes,
} from './flow-record.ts';
import { flowRefusals } from './flow-refusals.ts';
import { FlowTuple } from './flow-tuple.ts';
import { netlinkFlags } from './netlink-message.ts';
import { turnedPorts } from './turned-ports.ts';

const ATTRIBUTE_HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;

/** Attributes that go into the tail of a record as they are, as a set of bits. */
const TAIL_TYPES = [
  flowAttributes.helper,
  flowAttributes.master,
  flowAttributes.sequenceOriginal,
  flowAttributes.sequenceReply,
  flowAttributes.labels,
  flowAttributes.synproxy,
].reduce((set, type) => set | (1 << type), 0);

const TCP_SEEN_BYTES = 4;
/** Of the flags the kernel keeps for each direction those that can be given to another one. */
const TCP_FLAGS_KEPT = 0x0f;

export class FlowDecoder {
  /** Decides what concerns the peer; may be exchanged at any time. */
  filter: FlowFilter;
  readonly #key: FlowKey;
  readonly #original = new FlowTuple();
  readonly #reply = new FlowTuple();
  #status = 0;
  #timeout = 0;
  #mark = 0;
  #hasMark = false;
  #zone = 0;
  /** State, scales, flags of both directions, a byte each; -1 without. */
  #tcp = -1;
  #tailBytes = 0;
  /** Something in the tail is said this once. */
  #isSingular = false;
  /** Protocol state of another protocol than TCP. */
  #otherState = false;

  constructor(seed: FlowKeySeed, filter: FlowFilter) {
    this.#key = new FlowKey(seed);
    this.filter = filter;
  }

  /**
   * Writes the record of the message at `at` (a whole netlink message of `length` bytes within
   * `source`, 4-aligned) to `target`, which has room for LONGEST_FLOW_RECORD bytes. Returns the
   * length of the record, or one of `flowRefusals`.
   */
  decode(source: DataView, at: number, length: number, target: DataView, to: number): number {
    if (length < CONNTRACK_HEADER_BYTES) return flowRefusals.malformed;
    const type = source.getUint16(at + 4, true);
    const isDestroy = type === conntrackTypes.deleteFlow;
    if (type !== conntrackTypes.flow && !isDestroy) return flowRefusals.foreign;
    const family = source.getUint8(at + FAMILY_OFFSET);
    if (family !== families.ipv4 && family !== families.ipv6) return flowRefusals.unsupported;
    const end = at + length;
    if (!this.#read(source, at + CONNTRACK_HEADER_BYTES, end)) return flowRefusals.malformed;
    const verdict = this.#judge(source, family, isDestroy);
    if (verdict !== 0) return verdict;
    const isNew = (source.getUint16(at + 6, true) & netlinkFlags.create) !== 0;
    if (isDestroy) return this.#write(source, target, to, flowOperations.destroy, 0);
    const flags = this.#flags(isNew);
    const bytes = this.#write(source, target, to, flowOperations.upsert, flags);
    return bytes < 0 ? bytes : this.#writeTail(source, at, end, target, to, bytes);
  }

  #read(view: DataView, start: number, end: number): boolean {
    this.#status = 0;
    this.#timeout = 0;
    this.#hasMark = false;
    this.#zone = 0;
    this.#tcp = -1;
    this.#tailBytes = 0;
    this.#isSingular = false;
    this.#otherState = false;
    let tuples = 0;
    let at = start;
    while (at + ATTRIBUTE_HEADER_BYTES <= end) {
      const length = view.getUint16(at, true);
      if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) return false;
      const type = view.getUint16(at + 2, true) & TYPE_MASK;
      const payload = at + ATTRIBUTE_HEADER_BYTES;
      if (type === flowAttributes.original) {
        if (!this.#original.read(view, payload, at + length)) return false;
        tuples |= 1;
      } else if (type === flowAttributes.reply) {
        if (!this.#reply.read(view, payload, at + length)) return false;
        tuples |= 2;
      } else if (type === flowAttributes.protocolState) {
        this.#readState(view, payload, at + length);
      } else if (!this.#readNumber(view, type, payload, length)) {
        return false;
      }
      at += (length + 3) & ~3;
    }
    return tuples === 3;
  }

  /** Attributes of one number, and those that are taken over whole. */
  #readNumber(view: DataView, type: number, payload: number, length: number): boolean {
    const isWord = length === ATTRIBUTE_HEADER_BYTES + 4;
    switch (type) {
      case flowAttributes.status:
        this.#status = isWord ? view.getUint32(payload) & 0xffff : 0;
        return isWord;
      case flowAttributes.timeout:
        this.#timeout = isWord ? view.getUint32(payload) : 0;
        return isWord;
      case flowAttributes.mark:
        this.#mark = isWord ? view.getInt32(payload) : 0;
        this.#hasMark = isWord;
        return isWord;
      case flowAttributes.zone:
        if (length !== ATTRIBUTE_HEADER_BYTES + 2) return false;
        this.#zone = view.getUint16(payload);
        return true;
      default:
        if (isTail(view, type, payload, length)) {
          this.#tailBytes += (length + 3) & ~3;
          // The helper stands in every message about its flow.
          if (type !== flowAttributes.helper) this.#isSingular = true;
        }
        return true;
    }
  }

  /** CTA_PROTOINFO: TCP's as four bytes, another protocol's whole. */
  #readState(view: DataView, start: number, end: number): void {
    if (start + ATTRIBUTE_HEADER_BYTES > end) return;
    if ((view.getUint16(start + 2, true) & TYPE_MASK) !== TCP_STATE_ATTRIBUTE) {
      this.#otherState = true;
      this.#isSingular = true;
      this.#tailBytes += (end - start + ATTRIBUTE_HEADER_BYTES + 3) & ~3;
      return;
    }
    let word = 0;
    let at = start + ATTRIBUTE_HEADER_BYTES;
    while (at + ATTRIBUTE_HEADER_BYTES < end) {
      const length = view.getUint16(at, true);
      if (length < ATTRIBUTE_HEADER_BYTES + 1 || at + length > end) return;
      const value = view.getUint8(at + ATTRIBUTE_HEADER_BYTES);
      switch (view.getUint16(at + 2, true) & TYPE_MASK) {
        case tcpAttributes.state:
          word |= value;
          break;
        case tcpAttributes.scaleOriginal:
          word |= (value & 0x0f) << 12;
          break;
        case tcpAttributes.scaleReply:
          word |= (value & 0x0f) << 8;
          break;
        case tcpAttributes.flagsOriginal:
          word |= (value & TCP_FLAGS_KEPT) << 16;
          break;
        case tcpAttributes.flagsReply:
          word |= (value & TCP_FLAGS_KEPT) << 24;
      }
      at += (length + 3) & ~3;
    }
    this.#tcp = word;
  }

  /** 0, or why the peer is not told. */
  #judge(view: DataView, family: number, isDestroy: boolean): number {
    const [original, reply] = [this.#original, this.#reply];
    const bytes = family === families.ipv4 ? 4 : 16;
    if (original.hasZone || reply.hasZone) return flowRefusals.unsupported;
    // 464XLAT and the like translate between families; the kernel's NAT does not.
    if (original.addressBytes !== bytes || reply.addressBytes !== bytes) {
      return flowRefusals.malformed;
    }
    const { protocol } = original;
    if (reply.protocol !== protocol) return flowRefusals.malformed;
    const { filter } = this;
    if (filter.isLocal(view, original.sourceAt, bytes)) return flowRefusals.local;
    if (filter.isLocal(view, reply.sourceAt, bytes)) return flowRefusals.local;
    if (filter.excludesProtocol(protocol)) return flowRefusals.excluded;
    if (filter.isExcluded(view, original.sourceAt, bytes)) return flowRefusals.excluded;
    if (filter.isExcluded(view, reply.sourceAt, bytes)) return flowRefusals.excluded;
    if (isDestroy || protocol !== ipProtocols.tcp || this.#isSingular) return 0;
    const state = this.#tcp & 0xff;
    const isUnanswered = state === tcpStates.synSent || state === tcpStates.synSentTwice;
    return this.#tcp >= 0 && isUnanswered ? flowRefusals.premature : 0;
  }

  #flags(isNew: boolean): number {
    let flags = isNew ? flowFlags.fresh : 0;
    const isAssured = (this.#status & flowStatus.assured) !== 0;
    if (this.#original.protocol === ipProtocols.tcp && this.#tcp !== -1) {
      const state = this.#tcp & 0xff;
      // Closed one way it may go on for hours the other way.
      const isOpen = state >= tcpStates.established && state < tcpStates.lastAck;
      if (isOpen) flags |= flowFlags.established;
      if (state >= tcpStates.lastAck && state <= tcpStates.close) flags |= flowFlags.closing;
    } else if (isAssured) {
      flags |= flowFlags.established;
    }
    return this.#isSingular ? flags | flowFlags.singular : flags;
  }

  /** Everything but the tail; returns the length so far. */
  #write(source: DataView, target: DataView, to: number, operation: number, flags: number): number {
    const [original, reply] = [this.#original, this.#reply];
    const { protocol, addressBytes } = original;
    let shape = addressBytes === 4 ? 0 : shapes.ipv6;
    target.setUint8(to + flowHeader.operation, operation);
    target.setUint8(to + flowHeader.flags, flags);
    target.setUint32(to + bodies.timeout, this.#timeout, true);
    target.setUint8(to + bodies.protocol, protocol);
    target.setUint16(to + bodies.status, this.#status, true);
    let at = to + bodies.tuple;
    at = writeTuple(source, original, target, at);
    this.#name(target, to, addressBytes);
    if (operation === flowOperations.upsert) {
      if (this.#isTranslated(source)) {
        shape |= shapes.translated;
        at = writeTuple(source, reply, target, at);
      }
      if (this.#tcp !== -1) {
        shape |= shapes.tcp;
        target.setInt32(at, this.#tcp, true);
        at += TCP_SEEN_BYTES;
      }
      if (this.#hasMark) {
        shape |= shapes.mark;
        target.setInt32(at, this.#mark, true);
        at += 4;
      }
    }
    if (this.#zone !== 0) {
      shape |= shapes.zone;
      target.setUint32(at, this.#zone, true);
      at += 4;
    }
    target.setUint8(to + bodies.shape, shape);
    target.setUint16(to + flowHeader.length, at - to, true);
    return at - to;
  }

  /** From what has just been written, where it lies together. */
  #name(target: DataView, to: number, addressBytes: number): void {
    const key = this.#key;
    key.begin(this.#original.protocol | (addressBytes << 8) | (this.#zone << 16));
    key.addSpan(target, to + bodies.tuple, 2 * addressBytes + 4);
    key.end();
    target.setUint32(to + flowHeader.keyLow, key.low, true);
    target.setUint32(to + flowHeader.keyHigh, key.high, true);
  }

  #isTranslated(view: DataView): boolean {
    const [original, reply] = [this.#original, this.#reply];
    if (turnedPorts(original.protocol, original.ports) !== reply.ports) return true;
    for (let i = 0; i < original.addressBytes; i += 4) {
      const source = view.getInt32(original.sourceAt + i, true);
      const destination = view.getInt32(original.destinationAt + i, true);
      if (view.getInt32(reply.destinationAt + i, true) !== source) return true;
      if (view.getInt32(reply.sourceAt + i, true) !== destination) return true;
    }
    return false;
  }

  /** Attributes that are taken over as they are, behind everything else. */
  #writeTail(
    source: DataView,
    start: number,
    end: number,
    target: DataView,
    to: number,
    bytes: number,
  ): number {
    if (this.#tailBytes === 0) return bytes;
    if (bytes + this.#tailBytes > LONGEST_FLOW_RECORD) return flowRefusals.long;
    let out = to + bytes;
    let at = start + CONNTRACK_HEADER_BYTES;
    while (at + ATTRIBUTE_HEADER_BYTES <= end) {
      const length = source.getUint16(at, true);
      const type = source.getUint16(at + 2, true) & TYPE_MASK;
      const isState = type === flowAttributes.protocolState && this.#otherState;
      if (isState || isTail(source, type, at + ATTRIBUTE_HEADER_BYTES, length)) {
        out = copyAttribute(source, at, length, target, out);
      }
      at += (length + 3) & ~3;
    }
    const shape = target.getUint8(to + bodies.shape);
    target.setUint8(to + bodies.shape, shape | shapes.tail);
    target.setUint16(to + flowHeader.length, out - to, true);
    return out - to;
  }
}

function isTail(view: DataView, type: number, payload: number, length: number): boolean {
  if (type >= 32 || ((TAIL_TYPES >>> type) & 1) === 0) return false;
  // Every flow that was injected has one, of zeros: it was never a SYN proxy's.
  return type !== flowAttributes.synproxy || !isZero(view, payload + 4, payload + length - 4);
}

/** Whether every other word is zero: the values of attributes of four bytes each. */
function isZero(view: DataView, start: number, end: number): boolean {
  for (let at = start; at + 4 <= end; at += 8) if (view.getUint32(at, true) !== 0) return false;
  return true;
}

function writeTuple(source: DataView, tuple: FlowTuple, target: DataView, to: number): number {
  const { addressBytes, sourceAt, destinationAt } = tuple;
  for (let i = 0; i < addressBytes; i += 4) {
    target.setInt32(to + i, source.getInt32(sourceAt + i, true), true);
    target.setInt32(to + addressBytes + i, source.getInt32(destinationAt + i, true), true);
  }
  target.setInt32(to + 2 * addressBytes, tuple.ports, true);
  return to + 2 * addressBytes + 4;
}
