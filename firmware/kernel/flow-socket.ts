/**
 * Flow frames out and in (udp(7)): one socket on the sync device, sealed datagrams by the batch,
 * to the peer and to nobody else. Who really sent what arrives, the session finds out.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { ipFamily } from '../wire/ip-address.ts';
import { native, type ReceiveBatch, type SendBatch } from './native-socket.ts';
import { openedSocket } from './opened-socket.ts';
import { AF_INET, AF_INET6, socketAddress } from './socket-address.ts';

const { EAGAIN, EINTR } = constants.errno;

/** Of flow frames; the beats have their own, so that neither waits for the other. */
const PORT = 7113;

const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_BINDTOIFINDEX = 62;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** A tenth of a second of a full table's bulk copy. */
const BUFFER_BYTES = 16_777_216;
const SLOTS = 64;
/** Room for the largest frame we send, sealed. */
const SLOT_BYTES = 9216;

const IP_AND_UDP_BYTES = { 4: 28, 6: 48 } as const;
const ETHERNET_MTU = 1500;

export interface FlowPath {
  /** Linux device. */
  readonly device: string;
  readonly address: string;
  readonly peer: string;
}

export class FlowSocket {
  readonly fd: number;
  /** Most bytes of a datagram that passes the cable in one piece. */
  readonly datagramBytes: number;
  /** Datagrams the kernel would not send; the replication sends their content anew. */
  unsent = 0;
  readonly #device: string;
  readonly #index: number;
  readonly #mtu: number;
  readonly #slots = new Uint8Array(SLOTS * SLOT_BYTES);
  readonly #lengths = new Int32Array(SLOTS);
  readonly #received: ReceiveBatch;
  readonly #out = new Uint8Array(SLOTS * SLOT_BYTES);
  readonly #spans = new Int32Array(2 * SLOTS);
  readonly #sent: SendBatch;
  #queued = 0;

  constructor({ device, address, peer }: FlowPath) {
    const index = native.interfaceIndex(device);
    this.#device = device;
    this.#index = index;
    this.#mtu = mtu(device);
    const isIpv4 = ipFamily(address) === 4;
    const family = isIpv4 ? AF_INET : AF_INET6;
    const what = `exchange flows with ${peer} on ${device}`;
    this.fd = openedSocket(family, SOCK_DGRAM, what, (fd) => [
      native.setOption(fd, SOL_SOCKET, SO_BINDTOIFINDEX, index),
      ...(isIpv4 ? [] : [native.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)]),
      native.setOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES),
      native.setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES),
      native.bind(fd, socketAddress(address, PORT, index)),
    ]);
    this.datagramBytes = Math.min(SLOT_BYTES, this.#mtu) - IP_AND_UDP_BYTES[isIpv4 ? 4 : 6];
    const received = native.receiveBatch(this.#slots, this.#lengths, SLOT_BYTES);
    const sent = native.sendBatch(this.#out, this.#spans, socketAddress(peer, PORT, index));
    if (typeof received === 'number' || typeof sent === 'number') {
      throw new RangeError('batches of datagrams refused');
    }
    this.#received = received;
    this.#sent = sent;
  }

  /** Whether the device is still the one it was opened on, as it was. */
  get isCurrent(): boolean {
    return native.interfaceIndex(this.#device) === this.#index && mtu(this.#device) === this.#mtu;
  }

  /** Hands on what has arrived, at most a batch; how many. Valid until the next call. */
  receive(take: (bytes: Uint8Array) => void): number {
    let count = native.receiveMany(this.#received, this.fd);
    // An error that was pending (nobody listens there) is told once, instead of datagrams.
    if (count < 0 && count !== -EAGAIN) count = native.receiveMany(this.#received, this.fd);
    for (let slot = 0; slot < count; slot++) {
      const length = this.#lengths[slot] ?? 0;
      if (length > 0) take(this.#slots.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length));
    }
    return Math.max(0, count);
  }

  /** To be sent with the next `flush`, or when a batch is full. */
  queue(bytes: Uint8Array): void {
    const at = this.#queued * SLOT_BYTES;
    this.#out.set(bytes, at);
    this.#spans[2 * this.#queued] = at;
    this.#spans[2 * this.#queued + 1] = bytes.length;
    this.#queued += 1;
    if (this.#queued === SLOTS) this.flush();
  }

  flush(): void {
    let left = this.#queued;
    this.#queued = 0;
    while (left > 0) {
      const sent = native.sendMany(this.#sent, this.fd, left);
      if (sent === -EINTR) continue;
      if (sent <= 0) {
        this.unsent += left;
        return;
      }
      this.#spans.copyWithin(0, 2 * sent, 2 * left);
      left -= sent;
    }
  }

  close(): void {
    native.close(this.fd);
  }
}

function mtu(device: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${device}/mtu`, 'latin1')) || ETHERNET_MTU;
  } catch {
    return ETHERNET_MTU; // a device that is gone; the socket has said so
  }
}
