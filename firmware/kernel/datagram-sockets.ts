/**
 * Datagrams of the peer in and out (udp(7)): one socket per planned device and family, bound to
 * port 7112 of that device only. So a datagram leaves by the device it is meant for, with an
 * address of that device; VIPs are on macvlans, and what is sent to a VIP does not arrive here.
 */
import { formatIpAddress, type IpFamily, ipFamily } from '../wire/ip-address.ts';
import type { PlanProblem } from './kernel.ts';
import { KernelError } from './kernel-error.ts';
import type { Listener, TakeEvent } from './listener-set.ts';
import { native } from './native-socket.ts';
import { openedSocket } from './opened-socket.ts';
import { ReceiveSlots } from './receive-slots.ts';
import { AF_INET, AF_INET6, socketAddress } from './socket-address.ts';

/** Beats and flows between the two nodes. */
const PORT = 7112;

const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_PRIORITY = 12;
const SO_RCVBUFFORCE = 33;
const SO_BINDTOIFINDEX = 62;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPV6_TCLASS = 67;

/** DSCP CS6, network control (RFC 4594 3.1), and the queue of the kernel for it (TC_PRIO_*). */
const CLASS_SELECTOR_6 = 48 << 2;
const CONTROL_PRIORITY = 6;
/** Some 600 small datagrams: beats of seconds. More would only be older after a flood. */
const BUFFER_BYTES = 262_144;

/** Addresses remembered per socket; a pair needs one. */
const MOST_DESTINATIONS = 64;

export interface BeatingDevice {
  readonly device: string;
  readonly index: number;
  readonly beats: readonly IpFamily[];
}

function open(index: number, family: IpFamily): number {
  const isIpv4 = family === 4;
  const any = socketAddress(isIpv4 ? '0.0.0.0' : '::', PORT, 0);
  return openedSocket(isIpv4 ? AF_INET : AF_INET6, SOCK_DGRAM, 'listen for the peer', (fd) => [
    native.setOption(fd, SOL_SOCKET, SO_BINDTOIFINDEX, index),
    ...(isIpv4
      ? [native.setOption(fd, IPPROTO_IP, IP_TOS, CLASS_SELECTOR_6)]
      : [
          native.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1),
          native.setOption(fd, IPPROTO_IPV6, IPV6_TCLASS, CLASS_SELECTOR_6),
        ]),
    // After IP_TOS, which sets it too.
    native.setOption(fd, SOL_SOCKET, SO_PRIORITY, CONTROL_PRIORITY),
    native.setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES),
    native.bind(fd, any),
  ]);
}

class DatagramSocket implements Listener {
  readonly device: string;
  readonly fd: number;
  readonly #index: number;
  readonly #family: IpFamily;
  readonly #slots = new ReceiveSlots();
  readonly #destinations = new Map<string, Uint8Array>();
  /** Of the last datagram: mostly all are from one sender. */
  readonly #lastAddress: Uint8Array;
  #lastSource = '';

  constructor({ device, index }: BeatingDevice, family: IpFamily) {
    this.device = device;
    this.#index = index;
    this.#family = family;
    this.#lastAddress = new Uint8Array(family === 4 ? 4 : 16);
    this.fd = open(index, family);
  }

  receive(take: TakeEvent): number {
    const count = this.#slots.fill(this.fd);
    for (let slot = 0; slot < count; slot++) {
      const source = this.#source(this.#slots.sender(slot));
      take({ kind: 'datagram', device: this.device, source, bytes: this.#slots.bytes(slot) });
    }
    return count;
  }

  send(destination: string, bytes: Uint8Array): boolean {
    let address = this.#destinations.get(destination);
    if (address === undefined) {
      if (this.#destinations.size >= MOST_DESTINATIONS) this.#destinations.clear();
      address = socketAddress(destination, PORT, this.#index);
      this.#destinations.set(destination, address);
    }
    if (native.send(this.fd, bytes, bytes.length, address) >= 0) return true;
    // What the kernel refused may be an older error of the socket, which it has told us now.
    return native.send(this.fd, bytes, bytes.length, address) >= 0;
  }

  close(): void {
    native.close(this.fd);
  }

  #source(sender: Uint8Array): string {
    const last = this.#lastAddress;
    const start = this.#family === 4 ? 4 : 8;
    let isSame = this.#lastSource !== '';
    for (let at = 0; at < last.length; at++) isSame &&= last[at] === sender[start + at];
    if (!isSame) {
      last.set(sender.subarray(start, start + last.length));
      this.#lastSource = formatIpAddress(last);
    }
    return this.#lastSource;
  }
}

export class DatagramSockets {
  /** By device, index and family. */
  readonly #sockets = new Map<string, DatagramSocket>();
  /** By device and family, for sending. */
  readonly #byDevice = new Map<string, DatagramSocket>();

  get listeners(): Iterable<Listener> {
    return this.#sockets.values();
  }

  /** Listens exactly here; what is listened to already goes on without a gap. */
  listen(devices: readonly BeatingDevice[]): PlanProblem[] {
    const wanted = new Map(
      devices.flatMap((each) =>
        each.beats.map((family) => [`${each.device} ${each.index} ${family}`, { ...each, family }]),
      ),
    );
    for (const [key, socket] of this.#sockets) {
      if (wanted.has(key)) continue;
      socket.close();
      this.#sockets.delete(key);
    }
    const problems = [...wanted].flatMap(([key, { family, ...each }]): PlanProblem[] => {
      if (this.#sockets.has(key)) return [];
      try {
        this.#sockets.set(key, new DatagramSocket(each, family));
        return [];
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        const { device } = each;
        return [{ code: 'unsupported', device, text: `${device}: ${error.message}` }];
      }
    });
    this.#byDevice.clear();
    for (const [key, { device, family }] of wanted) {
      const socket = this.#sockets.get(key);
      if (socket !== undefined) this.#byDevice.set(`${device} ${family}`, socket);
    }
    return problems;
  }

  /** False when the kernel refused, or nothing of the family is open on the device. */
  send(device: string, destination: string, bytes: Uint8Array): boolean {
    const socket = this.#byDevice.get(`${device} ${ipFamily(destination)}`);
    return socket?.send(destination, bytes) ?? false;
  }

  close(): void {
    this.listen([]);
  }
}
