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
const ICMPV6 = 58;
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
    send(question(target, to ?? undefined));
    send(question(reference));
    const done = collect((frame) => {
      const answer = answerIn(frame);
      if (answer?.address === target) macs.push(answer.mac);
      return answer?.address === reference;
    });
    if (!done) throw new Error(`${reference} does not answer`);
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
