/**
 * A host on the segment that asks for addresses and looks who answers. Tests run it inside the
 * namespace of the other end.
 *
 * A question to one MAC is answered before a later question, because the kernel takes such frames
 * one after another; only frames to everybody wait in a queue of the macvlan. So when the second
 * question has its answer and the first has not, there is none.
 */
import { checked, native } from '../../firmware/kernel/native-socket.ts';
import { PF_PACKET, packetAddress } from '../../firmware/kernel/packet-address.ts';
import {
  BROADCAST_MAC,
  decodeEthernetHeader,
  encodeEthernetHeader,
  ethertypes,
  formatMac,
  macBytes,
  multicastMac,
} from '../../firmware/wire/ethernet-frame.ts';
import { internetChecksum } from '../../firmware/wire/internet-checksum.ts';
import { formatIpAddress, ipAddressBytes, ipFamily } from '../../firmware/wire/ip-address.ts';
import { encodeIpHeader, pseudoHeaderSum } from '../../firmware/wire/ip-packet.ts';
import { serveCalls } from './json-lines.ts';

const DEVICE = 'host';
const MAC = '02:00:00:00:00:99';
const ADDRESSES = { 4: '10.5.0.99', 6: '2001:db8::99' } as const;
const SOCK_RAW = 3;
const ETH_P_ALL = 3;
const ICMP = 1;
const UDP = 17;
const ICMPV6 = 58;
const HEADER = { 4: 20, 6: 40 } as const;
/** Requests and replies (RFC 792, RFC 4443). */
const ECHO = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;

const index = checked(native.interfaceIndex(DEVICE), 'find the device');
const socket = checked(native.openSocket(PF_PACKET, SOCK_RAW, 0), 'open a socket');
checked(native.bind(socket, packetAddress(index, ETH_P_ALL)), 'bind the socket');
const buffer = new Uint8Array(65_536);

function arpRequest(target: string, to: string): Uint8Array {
  const frame = new Uint8Array(60);
  encodeEthernetHeader({ destination: to, source: MAC, ethertype: ethertypes.arp }, frame);
  frame.set([0, 1, 8, 0, 6, 4, 0, 1], 14);
  frame.set(macBytes(MAC), 22);
  frame.set(ipAddressBytes(ADDRESSES[4]), 28);
  frame.set(ipAddressBytes(target), 38);
  return frame;
}

/** The solicited-node group of an address (RFC 4291 2.7.1). */
function solicitedNode(target: string): string {
  const group = ipAddressBytes('ff02::1:ff00:0');
  group.set(ipAddressBytes(target).subarray(13), 13);
  return formatIpAddress(group);
}

function solicitation(target: string, to: string | undefined): Uint8Array {
  const destination = solicitedNode(target);
  const message = new Uint8Array(32);
  message[0] = SOLICITATION;
  message.set(ipAddressBytes(target), 8);
  message.set([1, 1, ...macBytes(MAC)], 24);
  const ip = {
    family: 6,
    source: ADDRESSES[6],
    destination,
    protocol: ICMPV6,
    hopLimit: 255,
    trafficClass: 0,
    flowLabel: 0,
  } as const;
  const checksum = internetChecksum(message, pseudoHeaderSum(ip, message.length));
  message.set([checksum >> 8, checksum & 0xff], 2);
  const frame = new Uint8Array(14 + 40 + message.length);
  const ethernet = { source: MAC, ethertype: ethertypes.ipv6 };
  encodeEthernetHeader({ ...ethernet, destination: to ?? multicastMac(destination) }, frame);
  encodeIpHeader(ip, message.length, frame.subarray(14));
  frame.set(message, 54);
  return frame;
}

function ipFrame(target: string, to: string, protocol: number, payload: Uint8Array): Uint8Array {
  const family = ipFamily(target);
  const rest = { destination: target, protocol, hopLimit: 64, trafficClass: 0 };
  const frame = new Uint8Array(14 + HEADER[family] + payload.length);
  const ip =
    family === 6
      ? { ...rest, family, source: ADDRESSES[6], flowLabel: 0 }
      : { ...rest, family, source: ADDRESSES[4], identification: 1, flags: 0, fragmentOffset: 0 };
  if (ip.family === 6 && protocol === ICMPV6) {
    const checksum = internetChecksum(payload, pseudoHeaderSum(ip, payload.length));
    payload.set([checksum >> 8, checksum & 0xff], 2);
  }
  const ethertype = family === 4 ? ethertypes.ipv4 : ethertypes.ipv6;
  encodeEthernetHeader({ source: MAC, destination: to, ethertype }, frame);
  encodeIpHeader(ip, payload.length, frame.subarray(14));
  frame.set(payload, 14 + HEADER[family]);
  return frame;
}

function echoRequest(target: string, to: string): Uint8Array {
  const family = ipFamily(target);
  const message = new Uint8Array(16);
  message[0] = ECHO[family].request;
  if (family === 6) return ipFrame(target, to, ICMPV6, message);
  const checksum = internetChecksum(message);
  message.set([checksum >> 8, checksum & 0xff], 2);
  return ipFrame(target, to, ICMP, message);
}

/** Source MAC of an IP packet, when `from` sent it and it begins with `first`; or is `to` there. */
function ipSender(frame: Uint8Array, at: { from?: string; to?: string; first?: number }) {
  const header = decodeEthernetHeader(frame);
  const family = header?.ethertype === ethertypes.ipv6 ? 6 : 4;
  if (header === undefined || header.source === MAC || header.ethertype === ethertypes.arp) return;
  const size = family === 4 ? 4 : 16;
  const source = family === 4 ? 26 : 22;
  const is = (offset: number, address: string | undefined) =>
    address === undefined ||
    (ipFamily(address) === family &&
      formatIpAddress(frame.subarray(offset, offset + size)) === address);
  const begins = at.first === undefined || frame[14 + HEADER[family]] === at.first;
  return is(source, at.from) && is(source + size, at.to) && begins ? header.source : undefined;
}

/** Sends, and takes in what comes until `reference` answers a question. */
function until(reference: string, frame: Uint8Array, take: (frame: Uint8Array) => void): void {
  send(frame);
  send(question(reference));
  const done = collect((each) => {
    take(each);
    return answerIn(each)?.address === reference;
  });
  if (!done) throw new Error(`${reference} does not answer`);
}

function question(target: string, to?: string): Uint8Array {
  return ipFamily(target) === 4
    ? arpRequest(target, to ?? BROADCAST_MAC)
    : solicitation(target, to);
}

interface Answer {
  readonly address: string;
  readonly mac: string;
}

function answerIn(frame: Uint8Array): Answer | undefined {
  const header = decodeEthernetHeader(frame);
  if (header === undefined || header.source === MAC) return undefined;
  const mac = header.source;
  if (header.ethertype === ethertypes.arp && frame[21] === 2) {
    return { address: formatIpAddress(frame.subarray(28, 32)), mac: formatMac(frame.subarray(22)) };
  }
  const isNeighbour = header.ethertype === ethertypes.ipv6 && frame[20] === ICMPV6;
  if (!isNeighbour || frame[54] !== ADVERTISEMENT) return undefined;
  return { address: formatIpAddress(frame.subarray(62, 78)), mac };
}

function send(frame: Uint8Array): void {
  checked(native.send(socket, frame, frame.length, packetAddress(index, 0)), 'send');
}

/** Takes in what arrives until `enough` says so, at most 5 s. */
function collect(enough: (frame: Uint8Array) => boolean): boolean {
  const deadline = native.monotonic() + 5_000_000;
  while (native.monotonic() < deadline) {
    native.poll(Int32Array.of(socket), new Int32Array(1), 1, 100e6);
    for (;;) {
      const length = native.receive(socket, buffer);
      if (length < 0) break;
      if (enough(buffer.subarray(0, length))) return true;
    }
  }
  return false;
}

serveCalls({
  /**
   * Asks for `target`, then for `reference`, until the latter is answered. Returns the MACs that
   * answered for the target. `to`: asks only this MAC.
   */
  ask(target: string, reference: string, to?: string) {
    const macs: string[] = [];
    until(reference, question(target, to ?? undefined), (frame) => {
      const answer = answerIn(frame);
      if (answer?.address === target) macs.push(answer.mac);
    });
    return macs;
  },
  /** MACs from which an echo request to `target`, addressed to one MAC, is answered. */
  echo(target: string, reference: string, to: string) {
    const macs: string[] = [];
    const first = ECHO[ipFamily(target)].reply;
    until(reference, echoRequest(target, to), (frame) => {
      const mac = ipSender(frame, { from: target, first });
      if (mac !== undefined) macs.push(mac);
    });
    return macs;
  },
  /** MACs from which a datagram for `target` comes back that was sent to one MAC. */
  relay(target: string, reference: string, to: string) {
    const macs: string[] = [];
    until(reference, ipFrame(target, to, UDP, new Uint8Array(16)), (frame) => {
      const mac = ipSender(frame, { to: target });
      if (mac !== undefined) macs.push(mac);
    });
    return macs;
  },
  /** Asks everybody for `target` and waits for the answer. */
  find(target: string) {
    let mac: string | null = null;
    send(question(target));
    collect((frame) => {
      const answer = answerIn(frame);
      if (answer?.address === target) mac = answer.mac;
      return mac !== null;
    });
    return mac;
  },
  send: (bytes: number[]) => send(Uint8Array.from(bytes)),
  /** Frames so far whose source MAC or ethertype is given, as [source, ethertype]. */
  heard(source: string, ethertype: number) {
    let count = 0;
    for (;;) {
      const length = native.receive(socket, buffer);
      if (length < 0) return count;
      const header = decodeEthernetHeader(buffer.subarray(0, length));
      if (header?.source === source || header?.ethertype === ethertype) count += 1;
    }
  },
});
