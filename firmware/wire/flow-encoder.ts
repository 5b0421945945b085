/**
 * A flow record as the request by which the kernel takes the flow into its table, changes it or
 * removes it.
 *
 * The kernel builds NAT itself: given the real reply it would show a flow that translates nothing.
 * So a new flow has for its reply the original turned round, and CTA_NAT_SRC and CTA_NAT_DST say
 * what it is to be translated to (ctnetlink_setup_nat in nf_conntrack_netlink.c). An existing flow
 * refuses both, with EOPNOTSUPP, however right they are.
 *
 * TCP is taken in with IP_CT_TCP_FLAG_BE_LIBERAL: the windows the other kernel has seen cannot be
 * given to this one, and a stream must not stall because it does not know them.
 */
import {
  conntrackTypes,
  FAMILY_OFFSET,
  families,
  flowAttributes,
  flowStatus,
  ipAttributes,
  ipProtocols,
  natAttributes,
  natPortAttributes,
  protocolAttributes,
  TCP_STATE_ATTRIBUTE,
  tcpAttributes,
  tcpFlags,
  tcpStates,
  tupleAttributes,
} from './ctnetlink.ts';
import {
  bodies,
  flowFlags,
  flowHeader,
  flowOperations,
  LONGEST_FLOW_RECORD,
  shapes,
} from './flow-record.ts';
import { netlinkFlags } from './netlink-message.ts';
import { NetlinkWriter } from './netlink-writer.ts';
import { turnedPorts } from './turned-ports.ts';

/** What is asked of the kernel for one record. */
export type FlowRequest =
  /** A flow it does not have: EEXIST when it does. */
  | 'create'
  /** As `create`, without helper, master and whatever else is in the tail. */
  | 'create-plain'
  /** A flow it has: ENOENT when it does not. */
  | 'update'
  /** As `update`, without the status, which may only grow (EBUSY). */
  | 'update-times'
  | 'remove'
  /** Whichever flow has this one's reply: another one with the same outside port. */
  | 'remove-rival';

/** What may stand in a tail; anything else could name another flow than the record does. */
const TAIL_TYPES: ReadonlySet<number> = new Set([
  flowAttributes.protocolState,
  flowAttributes.helper,
  flowAttributes.master,
  flowAttributes.sequenceOriginal,
  flowAttributes.sequenceReply,
  flowAttributes.labels,
  flowAttributes.synproxy,
]);

/**
 * Seconds a flow that is not closing lives at least, whatever is left of it at the other node:
 * there packets prolong it without a word, here only its records do.
 */
export interface LeastTimeouts {
  /** Established TCP, which may rest for hours: what this kernel gives it. */
  readonly stream: number;
  /** Everything else; its owner is asked about it more often than that. */
  readonly quiet: number;
}

/** Longer than the request for any record. */
export const LONGEST_FLOW_REQUEST = 2048;

/** Others of the kernel's bits follow from what it does with the request, or are its own. */
const STATUS_GIVEN = flowStatus.seenReply | flowStatus.assured | flowStatus.fixedTimeout;
const TCP_FLAGS_GIVEN = tcpFlags.windowScale | tcpFlags.selectiveAck | tcpFlags.liberal;
const TCP_FLAGS_MASK = 0x0f;

export class FlowEncoder {
  readonly #least: LeastTimeouts;
  /** For requests about expectations, too. */
  readonly writer: NetlinkWriter;

  /** @param target room for LONGEST_FLOW_REQUEST bytes behind wherever a request is to begin. */
  constructor(target: DataView, least: LeastTimeouts) {
    this.writer = new NetlinkWriter(target);
    this.#least = least;
  }

  /**
   * Writes a request for the record at `at`, which `flowRecordLength` has found whole. Returns its
   * length, a multiple of 4.
   */
  encode(request: FlowRequest, view: DataView, at: number, to: number, sequence: number): number {
    const shape = view.getUint8(at + bodies.shape);
    const out = this.writer;
    const isRemoval = request === 'remove' || request === 'remove-rival';
    const isCreation = request === 'create' || request === 'create-plain';
    const creating = netlinkFlags.create | netlinkFlags.exclusive;
    out.begin(to, isRemoval ? conntrackTypes.deleteFlow : conntrackTypes.flow, sequence);
    if (isCreation) out.addFlags(creating);
    out.family(FAMILY_OFFSET, shape & shapes.ipv6 ? families.ipv6 : families.ipv4);
    const addressBytes = shape & shapes.ipv6 ? 16 : 4;
    const tupleBytes = 2 * addressBytes + 4;
    let next = at + bodies.tuple;
    const original = next;
    next += tupleBytes;
    const reply = shape & shapes.translated ? next : original;
    if (shape & shapes.translated) next += tupleBytes;
    const protocol = view.getUint8(at + bodies.protocol);
    if (request === 'remove-rival') {
      this.#tuple(flowAttributes.reply, protocol, view, reply, addressBytes, reply === original);
    } else {
      this.#tuple(flowAttributes.original, protocol, view, original, addressBytes, false);
    }
    if (!isRemoval) {
      if (isCreation) this.#translation(protocol, view, original, reply, addressBytes);
      this.#state(request, view, at, protocol, shape, next);
    }
    if (shape & shapes.tcp) next += 4;
    if (shape & shapes.mark) {
      if (!isRemoval) out.wordBe(flowAttributes.mark, view.getUint32(next, true));
      next += 4;
    }
    if (shape & shapes.zone) {
      out.shortBe(flowAttributes.zone, view.getUint32(next, true));
      next += 4;
    }
    const end = at + view.getUint16(at + flowHeader.length, true);
    if (shape & shapes.tail && !isRemoval && request !== 'create-plain') {
      this.#tail(isCreation, view, next, end);
    }
    return out.end();
  }

  /** `turned`: as the reply of what is written there. */
  #tuple(
    type: number,
    protocol: number,
    view: DataView,
    at: number,
    addressBytes: number,
    turned: boolean,
  ): void {
    const out = this.writer;
    const isIpv4 = addressBytes === 4;
    const [source, destination] = turned ? [at + addressBytes, at] : [at, at + addressBytes];
    const lying = view.getInt32(at + 2 * addressBytes, true);
    const ports = turned ? turnedPorts(protocol, lying) : lying;
    const tuple = out.nest(type);
    const ip = out.nest(tupleAttributes.ip);
    out.span(
      isIpv4 ? ipAttributes.ipv4Source : ipAttributes.ipv6Source,
      view,
      source,
      addressBytes,
    );
    const there = isIpv4 ? ipAttributes.ipv4Destination : ipAttributes.ipv6Destination;
    out.span(there, view, destination, addressBytes);
    out.close(ip);
    const transport = out.nest(tupleAttributes.protocol);
    out.byte(protocolAttributes.number, protocol);
    if (protocol === ipProtocols.icmp || protocol === ipProtocols.icmpv6) {
      const first =
        protocol === ipProtocols.icmp ? protocolAttributes.icmpId : protocolAttributes.icmpv6Id;
      out.short(first, ports & 0xffff);
      out.byte(first + 1, (ports >>> 16) & 0xff);
      out.byte(first + 2, ports >>> 24);
    } else {
      out.short(protocolAttributes.sourcePort, ports & 0xffff);
      out.short(protocolAttributes.destinationPort, ports >>> 16);
    }
    out.close(transport);
    out.close(tuple);
  }

  #translation(
    protocol: number,
    view: DataView,
    original: number,
    reply: number,
    addressBytes: number,
  ): void {
    this.#tuple(flowAttributes.reply, protocol, view, original, addressBytes, true);
    if (reply === original) return;
    const ports = view.getInt32(reply + 2 * addressBytes, true);
    const source = reply + addressBytes;
    const isIcmp = protocol === ipProtocols.icmp || protocol === ipProtocols.icmpv6;
    // The identifier of ICMP stands in one place for both directions, and belongs to the source.
    const outsidePort = isIcmp ? ports & 0xffff : ports >>> 16;
    this.#target(flowAttributes.natSource, view, source, addressBytes, outsidePort);
    const asked = isIcmp ? 0 : view.getUint16(original + 2 * addressBytes + 2, true);
    const answers = isIcmp ? 0 : ports & 0xffff;
    const isSame = isSpan(view, reply, original + addressBytes, addressBytes);
    if (isSame && asked === answers) return;
    this.#target(flowAttributes.natDestination, view, reply, addressBytes, answers);
  }

  /** One address and one port; port 0 is left as it is. */
  #target(type: number, view: DataView, at: number, addressBytes: number, port: number): void {
    const out = this.writer;
    const target = out.nest(type);
    const isIpv4 = addressBytes === 4;
    out.span(isIpv4 ? natAttributes.ipv4Least : natAttributes.ipv6Least, view, at, addressBytes);
    out.span(isIpv4 ? natAttributes.ipv4Most : natAttributes.ipv6Most, view, at, addressBytes);
    if (port !== 0) {
      const ports = out.nest(natAttributes.ports);
      out.short(natPortAttributes.least, port);
      out.short(natPortAttributes.most, port);
      out.close(ports);
    }
    out.close(target);
  }

  #state(
    request: FlowRequest,
    view: DataView,
    at: number,
    protocol: number,
    shape: number,
    tcpAt: number,
  ): void {
    const out = this.writer;
    const flags = view.getUint8(at + flowHeader.flags);
    const state = shape & shapes.tcp ? view.getUint8(tcpAt) : tcpStates.none;
    const status = view.getUint16(at + bodies.status, true);
    const left = view.getUint32(at + bodies.timeout, true);
    out.wordBe(flowAttributes.timeout, Math.max(left, this.#leastTimeout(protocol, flags, state)));
    if (request !== 'update-times') {
      // A flow that came of an expectation gets that bit from its master when it is made.
      const expected = request === 'update' ? status & flowStatus.expected : 0;
      const given = (status & STATUS_GIVEN) | flowStatus.confirmed | expected;
      out.wordBe(flowAttributes.status, given);
    }
    if (protocol !== ipProtocols.tcp) return;
    if (shape & shapes.tcp) this.#tcp(view.getInt32(tcpAt, true));
    else if (request.startsWith('create')) this.#tcp(stateByStatus(status));
  }

  #leastTimeout(protocol: number, flags: number, state: number): number {
    if (flags & flowFlags.closing) return 0;
    if (state > tcpStates.established) return this.#least.quiet;
    const isStream = protocol === ipProtocols.tcp && (flags & flowFlags.established) !== 0;
    return isStream ? this.#least.stream : this.#least.quiet;
  }

  #tcp(word: number): void {
    const out = this.writer;
    const info = out.nest(flowAttributes.protocolState);
    const tcp = out.nest(TCP_STATE_ATTRIBUTE);
    out.byte(tcpAttributes.state, word & 0xff);
    out.byte(tcpAttributes.scaleOriginal, (word >>> 12) & 0x0f);
    out.byte(tcpAttributes.scaleReply, (word >>> 8) & 0x0f);
    out.short(tcpAttributes.flagsOriginal, liberal(word >>> 16));
    out.short(tcpAttributes.flagsReply, liberal(word >>> 24));
    out.close(tcp);
    out.close(info);
  }

  /** An existing flow keeps its helper and its master, and refuses to be told them again. */
  #tail(isCreation: boolean, view: DataView, start: number, end: number): void {
    let at = start;
    while (at + 4 <= end) {
      const length = view.getUint16(at, true);
      const type = view.getUint16(at + 2, true) & 0x3fff;
      const isGiven = type === flowAttributes.helper || type === flowAttributes.master;
      if (isCreation || !isGiven) this.writer.copy(view, at, length);
      at += (length + 3) & ~3;
    }
  }
}

/**
 * Length of the record at `at` if it is whole and can be encoded, else 0. `available`: bytes from
 * `at` on. A record comes from the peer, which may have another version of the firmware.
 */
export function flowRecordLength(view: DataView, at: number, available: number): number {
  if (available < bodies.tuple) return 0;
  const length = view.getUint16(at + flowHeader.length, true);
  if (length > available || length > LONGEST_FLOW_RECORD || length % 4 !== 0) return 0;
  const operation = view.getUint8(at + flowHeader.operation);
  if (operation !== flowOperations.upsert && operation !== flowOperations.destroy) return 0;
  const shape = view.getUint8(at + bodies.shape);
  const tuple = shape & shapes.ipv6 ? 36 : 12;
  let least = bodies.tuple + tuple;
  if (shape & shapes.translated) least += tuple;
  for (const part of [shapes.tcp, shapes.mark, shapes.zone]) if (shape & part) least += 4;
  if ((shape & shapes.tail) === 0) return length === least ? length : 0;
  return length > least && isTail(view, at + least, at + length) ? length : 0;
}

function isTail(view: DataView, start: number, end: number): boolean {
  let at = start;
  while (at + 4 <= end) {
    const length = view.getUint16(at, true);
    if (length < 4 || !TAIL_TYPES.has(view.getUint16(at + 2, true) & 0x3fff)) return false;
    at += (length + 3) & ~3;
  }
  return at === end;
}

/** For a change that came without the state of TCP: the flow is at least as far as this. */
function stateByStatus(status: number): number {
  if (status & flowStatus.assured) return tcpStates.established;
  return status & flowStatus.seenReply ? tcpStates.synReceived : tcpStates.synSent;
}

/** struct nf_ct_tcp_flags: flags, then which of them are meant. */
function liberal(flags: number): number {
  return (flags & TCP_FLAGS_GIVEN) | tcpFlags.liberal | (TCP_FLAGS_MASK << 8);
}

function isSpan(view: DataView, one: number, other: number, bytes: number): boolean {
  for (let i = 0; i < bytes; i += 4) {
    if (view.getInt32(one + i, true) !== view.getInt32(other + i, true)) return false;
  }
  return true;
}
