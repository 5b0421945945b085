/**
 * A flow of the kernel's table as a line for people, in the manner of conntrack(8): what is one
 * half of the other is said once.
 */
import {
  CONNTRACK_HEADER_BYTES,
  conntrackTypes,
  flowAttributes,
  flowStatus,
  ipProtocols,
} from './ctnetlink.ts';
import { FlowTuple } from './flow-tuple.ts';
import { formatIpAddress } from './ip-address.ts';
import { decodeAttributes } from './netlink-message.ts';
import { turnedPorts } from './turned-ports.ts';

export interface FlowLine {
  readonly text: string;
  /** Both ways; 0 where the kernel does not count. */
  readonly bytes: number;
  /** The same as long as the flow lives, and of no other one. */
  readonly identity: string;
}

const TCP_STATES = [
  ...['NONE', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT'],
  ...['LAST_ACK', 'TIME_WAIT', 'CLOSE', 'SYN_SENT2'],
];
const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [47, 'gre'],
  [58, 'icmpv6'],
  [132, 'sctp'],
  [136, 'udplite'],
]);
/** CTA_COUNTERS_PACKETS, CTA_COUNTERS_BYTES, CTA_PROTOINFO_TCP. */
const COUNTED_PACKETS = 1;
const COUNTED_BYTES = 2;
const TCP_INFO = 1;

/** Undefined for a message that is not about a flow, or not whole. */
export function flowLine(message: Uint8Array): FlowLine | undefined {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  if (message.length < CONNTRACK_HEADER_BYTES) return undefined;
  if (view.getUint16(4, true) !== conntrackTypes.flow) return undefined;
  const attributes = decodeAttributes(message, CONNTRACK_HEADER_BYTES);
  const original = tupleOf(attributes.get(flowAttributes.original));
  const reply = tupleOf(attributes.get(flowAttributes.reply));
  if (original === undefined || reply === undefined) return undefined;
  const number = (type: number): number => {
    const value = attributes.get(type);
    return value?.length === 4 ? new DataView(value.buffer, value.byteOffset).getUint32(0) : 0;
  };
  const { protocol } = original;
  const status = number(flowAttributes.status);
  const both = [flowAttributes.countersOriginal, flowAttributes.countersReply];
  const total = (what: number): number =>
    both.reduce((sum, way) => sum + counted(attributes.get(way), what), 0);
  const [packets, bytes] = [total(COUNTED_PACKETS), total(COUNTED_BYTES)];
  const way = ends(original);
  const words = [
    PROTOCOLS.get(protocol) ?? `protocol ${protocol}`,
    protocol === ipProtocols.tcp ? tcpState(attributes.get(flowAttributes.protocolState)) : '',
    `${way}${isTurned(original, reply) ? '' : ` (answered ${ends(reply)})`}`,
    status & flowStatus.assured ? 'assured' : status & flowStatus.seenReply ? '' : 'unanswered',
    `${number(flowAttributes.timeout)} s`,
    packets > 0 ? `${packets} packets  ${bytes} bytes` : '',
    number(flowAttributes.mark) > 0 ? `mark ${number(flowAttributes.mark)}` : '',
  ];
  const identity = `${protocol} ${way} ${number(flowAttributes.id)}`;
  return { text: words.filter((word) => word !== '').join('  '), bytes, identity };
}

interface ReadTuple {
  readonly protocol: number;
  readonly ports: number;
  readonly source: string;
  readonly destination: string;
}

function tupleOf(payload: Uint8Array | undefined): ReadTuple | undefined {
  if (payload === undefined) return undefined;
  const tuple = new FlowTuple();
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (!tuple.read(view, 0, payload.length)) return undefined;
  const { addressBytes, sourceAt, destinationAt, protocol, ports } = tuple;
  return {
    protocol,
    ports,
    source: formatIpAddress(payload.subarray(sourceAt, sourceAt + addressBytes)),
    destination: formatIpAddress(payload.subarray(destinationAt, destinationAt + addressBytes)),
  };
}

function ends({ protocol, ports, source, destination }: ReadTuple): string {
  if (protocol === ipProtocols.icmp || protocol === ipProtocols.icmpv6) {
    return `${source} -> ${destination} type ${(ports >>> 16) & 0xff} id ${swapped(ports)}`;
  }
  return `${source}:${swapped(ports)} -> ${destination}:${swapped(ports >>> 16)}`;
}

function isTurned(original: ReadTuple, reply: ReadTuple): boolean {
  return (
    reply.source === original.destination &&
    reply.destination === original.source &&
    reply.ports === turnedPorts(original.protocol, original.ports)
  );
}

/** From network byte order. */
function swapped(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

function tcpState(info: Uint8Array | undefined): string {
  const tcp = info && decodeAttributes(info).get(TCP_INFO);
  const state = tcp && decodeAttributes(tcp).get(1)?.[0];
  return state === undefined ? '' : (TCP_STATES[state] ?? `state ${state}`);
}

function counted(counters: Uint8Array | undefined, what: number): number {
  const value = counters && decodeAttributes(counters).get(what);
  if (value?.length !== 8) return 0;
  return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0));
}
