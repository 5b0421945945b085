/**
 * Frames in and out (packet(7)): per planned device and family one socket that receives protocol
 * 112 (CARP and VRRP), one membership in the multicast group, and one socket that sends everything.
 *
 * The filter runs in the kernel, so traffic passing through the gateway costs nothing here. The
 * membership is made on an ordinary socket too: only then does the kernel report it by IGMP or MLD,
 * and switches that snoop forward the group.
 */
import { CARP_GROUPS } from '../wire/carp-frame.ts';
import { ethertypes, macBytes, multicastMac } from '../wire/ethernet-frame.ts';
import { type IpFamily, ipAddressBytes } from '../wire/ip-address.ts';
import type { PlanProblem } from './kernel.ts';
import { KernelError } from './kernel-error.ts';
import type { Listener, TakeEvent } from './listener-set.ts';
import { checked, native } from './native-socket.ts';
import { openedSocket } from './opened-socket.ts';
import { PF_PACKET, packetAddress } from './packet-address.ts';
import { ReceiveSlots } from './receive-slots.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_MULTICAST = 0;
const PACKET_IGNORE_OUTGOING = 23;
const IPPROTO_IP = 0;
const IP_ADD_MEMBERSHIP = 35;
const IPPROTO_IPV6 = 41;
const IPV6_ADD_MEMBERSHIP = 20;

/**
 * Classic BPF (linux/filter.h): take the packet when the byte at `offset` is 112 and it belongs to
 * no other VLAN. Tags are not in the bytes any more, so the filter asks for them (SKF_AD_VLAN_TAG).
 */
function onlyCarp(offset: number): Uint8Array {
  const CARP = 112;
  const VLAN_TAG = 0xfffff000 + 44;
  const program: [number, number, number, number][] = [
    [0x30, 0, 0, offset], // load byte
    [0x15, 0, 4, CARP], // equal, else to the end
    [0x20, 0, 0, VLAN_TAG], // load word
    [0x54, 0, 0, 0x0fff], // and: the VLAN id
    [0x15, 0, 1, 0], // equal, else to the end
    [0x06, 0, 0, 0x40000], // take all of it
    [0x06, 0, 0, 0], // take nothing
  ];
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(([code, ifTrue, ifFalse, operand], index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, operand, true);
  });
  return bytes;
}

const FAMILIES = {
  // Ethernet header, then protocol at 9 of IPv4, next header at 6 of IPv6.
  4: { ethertype: ethertypes.ipv4, filter: onlyCarp(14 + 9) },
  6: { ethertype: ethertypes.ipv6, filter: onlyCarp(14 + 6) },
} as const;

export interface ListenedDevice {
  readonly device: string;
  readonly index: number;
  readonly families: readonly IpFamily[];
}

class PacketListener implements Listener {
  readonly device: string;
  readonly fd: number;
  readonly #member: number;
  readonly #slots = new ReceiveSlots();

  constructor(device: string, index: number, family: IpFamily) {
    this.device = device;
    this.#member = join(index, family);
    try {
      this.fd = listen(index, family);
    } catch (error) {
      native.close(this.#member);
      throw error;
    }
  }

  receive(take: TakeEvent): number {
    const count = this.#slots.fill(this.fd);
    for (let slot = 0; slot < count; slot++) {
      take({ kind: 'frame', device: this.device, bytes: this.#slots.bytes(slot) });
    }
    return count;
  }

  close(): void {
    native.close(this.#member);
    native.close(this.fd);
  }
}

/** A socket that receives protocol 112 from one device. */
function listen(index: number, family: IpFamily): number {
  const { ethertype, filter } = FAMILIES[family];
  const membership = packetMembership(index, multicastMac(CARP_GROUPS[family]));
  return openedSocket(PF_PACKET, SOCK_RAW, 'listen for CARP', (fd) => [
    native.attachFilter(fd, filter),
    native.setOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1),
    native.setOption(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership),
    native.bind(fd, packetAddress(index, ethertype)),
  ]);
}

/** A socket that exists only to be a member: struct ip_mreqn, struct ipv6_mreq. */
function join(index: number, family: IpFamily): number {
  const isIpv4 = family === 4;
  const bytes = new Uint8Array(isIpv4 ? 12 : 20);
  bytes.set(ipAddressBytes(CARP_GROUPS[family]));
  new DataView(bytes.buffer).setInt32(isIpv4 ? 8 : 16, index, true);
  return openedSocket(
    isIpv4 ? AF_INET : AF_INET6,
    SOCK_DGRAM,
    `join ${CARP_GROUPS[family]}`,
    (fd) => [
      isIpv4
        ? native.setOption(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, bytes)
        : native.setOption(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, bytes),
    ],
  );
}

/** struct packet_mreq */
function packetMembership(index: number, mac: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, index, true);
  view.setUint16(4, PACKET_MR_MULTICAST, true);
  view.setUint16(6, 6, true);
  bytes.set(macBytes(mac), 8);
  return bytes;
}

export class PacketSockets {
  readonly #listeners = new Map<string, PacketListener>();
  /** Addresses to send to, by index. */
  readonly #addresses = new Map<number, Uint8Array>();
  readonly #sender: number;

  constructor() {
    this.#sender = checked(native.openSocket(PF_PACKET, SOCK_RAW, 0), 'open a packet socket');
  }

  /** Listeners by descriptor, for polling. */
  get listeners(): Iterable<Listener> {
    return this.#listeners.values();
  }

  /** Listens exactly here; what is listened to already goes on without a gap. */
  listen(devices: readonly ListenedDevice[]): PlanProblem[] {
    const wanted = new Map(
      devices.flatMap((each) =>
        each.families.map((family) => [
          `${each.device} ${each.index} ${family}`,
          { ...each, family },
        ]),
      ),
    );
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) continue;
      listener.close();
      this.#listeners.delete(key);
    }
    this.#addresses.clear();
    return [...wanted].flatMap(([key, { device, index, family }]) => {
      if (this.#listeners.has(key)) return [];
      try {
        this.#listeners.set(key, new PacketListener(device, index, family));
        return [];
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        return [{ code: 'unsupported', device, text: `${device}: ${error.message}` }];
      }
    });
  }

  /** False when the kernel refused: device gone or down, no buffers, lease not held. */
  send(index: number, frame: Uint8Array): boolean {
    let address = this.#addresses.get(index);
    if (address === undefined) {
      address = packetAddress(index, 0);
      this.#addresses.set(index, address);
    }
    return native.send(this.#sender, frame, frame.length, address) >= 0;
  }

  close(): void {
    this.listen([]);
    checked(native.close(this.#sender), 'close a packet socket');
  }
}
