/**
 * Asks one host for echoes from one address, by one device and by the routes of one mark
 * (raw(7), icmpv6 in ipv6(7), SO_MARK and SO_BINDTODEVICE in socket(7)).
 *
 * Replies are told by an identifier and a random token, so nobody who has not seen the request can
 * answer it. The time of an answer is when it is read: what the event loop is late is in it.
 */
import { randomBytes } from 'node:crypto';
import {
  decodeEchoReply,
  ECHO_TOKEN_BYTES,
  echoTypes,
  encodeEchoRequest,
} from '../wire/icmp-echo.ts';
import type { IpFamily } from '../wire/ip-address.ts';
import { checked, native } from './native-socket.ts';
import { AF_INET, AF_INET6, socketAddress } from './socket-address.ts';

const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const SO_MARK = 36;
const PROTOCOLS = { 4: 1, 6: 58 } as const;
/** SOL_RAW with ICMP_FILTER, IPPROTO_ICMPV6 with ICMPV6_FILTER: a set bit keeps a type out. */
const SOL_RAW = 255;
const FILTER = 1;
const FILTER_BYTES = { 4: 4, 6: 32 } as const;
const LONGEST_PACKET = 2048;

export interface EchoPlace {
  readonly family: IpFamily;
  readonly device: string;
  /** An address of this node; undefined leaves the choice to the kernel. */
  readonly source: string | undefined;
  /** Of all packets, for policy routing. */
  readonly mark: number;
}

const buffer = new Uint8Array(LONGEST_PACKET);

export class EchoSocket {
  readonly fd: number;
  readonly #family: IpFamily;
  readonly #scope: number;
  readonly #identifier = randomBytes(2).readUInt16BE();
  readonly #token = new Uint8Array(randomBytes(ECHO_TOKEN_BYTES));

  /** Throws KernelError when the device or the address is not there. */
  constructor({ family, device, source, mark }: EchoPlace) {
    const domain = family === 4 ? AF_INET : AF_INET6;
    const fd = checked(
      native.openSocket(domain, SOCK_RAW, PROTOCOLS[family]),
      'open an echo socket',
    );
    this.fd = fd;
    this.#family = family;
    this.#scope = native.interfaceIndex(device);
    try {
      const name = new TextEncoder().encode(device);
      checked(native.setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, name), `bind to ${device}`);
      checked(native.setOption(fd, SOL_SOCKET, SO_MARK, mark), 'mark echo requests');
      const level = family === 4 ? SOL_RAW : PROTOCOLS[6];
      checked(native.setOption(fd, level, FILTER, onlyReplies(family)), 'filter echo replies');
      if (source === undefined) return;
      const address = socketAddress(source, 0, this.#scope);
      checked(native.bind(fd, address), `send echo requests from ${source}`);
    } catch (error) {
      native.close(fd);
      throw error;
    }
  }

  /** False when the kernel could not send it. */
  ask(host: string, sequence: number): boolean {
    const message = { identifier: this.#identifier, sequence, token: this.#token };
    const bytes = encodeEchoRequest(this.#family, message);
    const to = socketAddress(host, 0, this.#scope);
    return native.send(this.fd, bytes, bytes.length, to) === bytes.length;
  }

  /** Calls back for every answer that waits. */
  receive(take: (sequence: number) => void): void {
    for (;;) {
      const length = native.receive(this.fd, buffer);
      if (length < 0) return;
      const reply = decodeEchoReply(this.#family, buffer.subarray(0, length));
      if (reply === undefined || reply.identifier !== this.#identifier) continue;
      if (reply.token.every((byte, index) => byte === this.#token[index])) take(reply.sequence);
    }
  }

  close(): void {
    native.close(this.fd);
  }
}

function onlyReplies(family: IpFamily): Uint8Array {
  const filter = new Uint8Array(FILTER_BYTES[family]).fill(0xff);
  const type = echoTypes[family].reply;
  const word = new DataView(filter.buffer);
  const offset = (type >>> 5) * 4;
  word.setUint32(offset, word.getUint32(offset, true) & ~(1 << (type & 31)), true);
  return filter;
}
