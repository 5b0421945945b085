/**
 * What the kernel says of the connections it tracks, as it happens: an event socket of ctnetlink
 * that is emptied by the batch. Its owner looks every millisecond or two, not at every wake-up: the
 * wake-ups would be paid by whoever forwards packets.
 */
import { constants } from 'node:os';
import { conntrackGroups } from '../wire/ctnetlink.ts';
import { checked, native, type ReceiveBatch } from './native-socket.ts';
import { NetlinkSocket, protocols } from './netlink-socket.ts';

const { EAGAIN, EINTR, ENOBUFS } = constants.errno;

const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_DROP_MEMBERSHIP = 2;

/** Some 25,000 events of 1.3 KB each, as the kernel counts: a sixth of a second at full rate. */
const BUFFER_BYTES = 33_554_432;
const SLOTS = 64;
/** An event with every rare attribute has some 700 bytes. */
const SLOT_BYTES = 2048;

/** Classic BPF (linux/filter.h): code, jumps, operand. */
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
/** Of nlmsg_pid in a message: who caused it. */
const PORT_OFFSET = 12;

/** What was found when the socket was read. */
export type EventReading =
  /** Nothing waits any more. */
  | 'empty'
  /** Little was there; mostly nothing waits any more. */
  | 'few'
  | 'more'
  /** The kernel had more to say than there was room for: some of it is lost. */
  | 'overrun';

export class ConntrackEvents {
  readonly #socket = new NetlinkSocket(protocols.netfilter);
  readonly #slots = new Uint8Array(SLOTS * SLOT_BYTES);
  readonly #view = new DataView(this.#slots.buffer);
  readonly #lengths = new Int32Array(SLOTS);
  readonly #batch: ReceiveBatch;
  #listens = false;

  /** `ignored`: port of the netlink socket whose changes are not news. */
  constructor(ignored: number) {
    const batch = native.receiveBatch(this.#slots, this.#lengths, SLOT_BYTES);
    if (typeof batch === 'number') throw new RangeError(`receive batch refused: ${batch}`);
    this.#batch = batch;
    const { fd } = this.#socket;
    const what = 'set up the socket for connection events';
    checked(native.setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES), what);
    checked(native.attachFilter(fd, exceptFrom(ignored)), what);
  }

  get fd(): number {
    return this.#socket.fd;
  }

  /** Nothing is told, and the kernel makes no messages for us, until this is called. */
  listen(listens: boolean): void {
    if (listens === this.#listens) return;
    this.#listens = listens;
    const option = listens ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;
    for (const group of Object.values(conntrackGroups)) {
      const result = native.setOption(this.fd, SOL_NETLINK, option, group);
      checked(result, 'listen for connection events');
    }
  }

  /** Takes in one batch: each a netlink message of so many bytes at an offset of the view. */
  read(take: (view: DataView, at: number, length: number) => void): EventReading {
    const count = native.receiveMany(this.#batch, this.fd);
    if (count === -EAGAIN) return 'empty';
    if (count === -EINTR) return 'more';
    if (count === -ENOBUFS) return 'overrun';
    checked(count, 'receive connection events');
    let isCut = false;
    for (let slot = 0; slot < count; slot++) {
      const length = this.#lengths[slot] ?? 0;
      if (length < 0) isCut = true;
      else take(this.#view, slot * SLOT_BYTES, length);
    }
    if (isCut) return 'overrun';
    return count < SLOTS ? 'few' : 'more';
  }

  close(): void {
    this.#socket.close();
  }
}

/** Lets everything through but messages that this port has caused. */
function exceptFrom(port: number): Uint8Array {
  const program = new Uint8Array(4 * 8);
  const view = new DataView(program.buffer);
  // BPF loads in network byte order, and the port is in that of the machine.
  const word = new DataView(new ArrayBuffer(4));
  word.setUint32(0, port, true);
  const instructions: readonly (readonly [number, number, number, number])[] = [
    [LOAD_WORD, 0, 0, PORT_OFFSET],
    [JUMP_IF_EQUAL, 0, 1, word.getUint32(0)],
    [RETURN, 0, 0, 0],
    [RETURN, 0, 0, 0xffff_ffff],
  ];
  instructions.forEach(([code, ifTrue, ifFalse, operand], index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, operand, true);
  });
  return program;
}
