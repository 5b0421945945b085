/**
 * A netlink socket (netlink(7)) for requests or for events.
 *
 * The kernel carries out requests inside sendmsg, so when that returns every verdict already waits
 * in the receive buffer: nothing here ever blocks, and many requests cost one system call. An event
 * socket that overran (ENOBUFS) says so; its owner then reads the whole state again.
 */
import { constants } from 'node:os';
import {
  controlTypes,
  decodeNetlink,
  decodeVerdict,
  encodeNetlink,
  type NetlinkMessage,
  type NetlinkRequest,
  type NetlinkVerdict,
  netlinkFlags,
} from '../wire/netlink-message.ts';
import { batchBegin, batchEnd } from '../wire/nf-tables.ts';
import { KernelError, type KernelErrorCode } from './kernel-error.ts';
import { checked, native } from './native-socket.ts';

const { EAGAIN, EINTR, ENOBUFS } = constants.errno;

export const protocols = { route: 0, netfilter: 12 } as const;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const ADDRESS_BYTES = 12;

/** Room for the verdicts of thousands of requests; memory is used only while they wait. */
const BUFFER_BYTES = 8_388_608;
/** The kernel fills at most 32 KiB of a dump at once. */
const DATAGRAM_BYTES = 65_536;
/** A dump is interrupted when what it lists changes meanwhile. */
const DUMP_ATTEMPTS = 10;

/** For errors: what was asked, and the code it fails with. */
export interface Asked {
  readonly code: KernelErrorCode;
  readonly what: string;
  /** Errnos that are as good as success. */
  readonly tolerated?: readonly number[];
}

const buffer = new Uint8Array(DATAGRAM_BYTES);

export class NetlinkSocket {
  readonly fd: number;
  /** Address of this socket; the kernel names it as the cause of events. */
  readonly port: number;
  #sequence = 1;

  /** `groups`: multicast groups whose events are received. */
  constructor(protocol: number, groups: readonly number[] = []) {
    this.fd = checked(native.openSocket(AF_NETLINK, SOCK_RAW, protocol), 'open a netlink socket');
    const address = new Uint8Array(ADDRESS_BYTES);
    address[0] = AF_NETLINK;
    checked(native.bind(this.fd, address), 'bind a netlink socket');
    checked(native.socketName(this.fd, address), 'read the address of a netlink socket');
    this.port = new DataView(address.buffer).getUint32(4, true);
    const options: [number, number, number][] = [
      [SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES],
      [SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES],
      [SOL_NETLINK, NETLINK_CAP_ACK, 1],
      [SOL_NETLINK, NETLINK_EXT_ACK, 1],
      ...groups.map((group): [number, number, number] => [
        SOL_NETLINK,
        NETLINK_ADD_MEMBERSHIP,
        group,
      ]),
    ];
    for (const [level, name, value] of options) {
      checked(native.setOption(this.fd, level, name, value), 'set up a netlink socket');
    }
  }

  /**
   * Sends requests in one go; each is carried out whatever became of those before it. Throws the
   * first refusal that is not tolerated.
   */
  perform(requests: readonly NetlinkRequest[], asked: Asked): void {
    const refusal = this.attempt(requests, asked).find((each) => each !== undefined);
    if (refusal !== undefined) throw refusal;
  }

  /** As `perform`, but returns what became of each request: undefined for success. */
  attempt(requests: readonly NetlinkRequest[], asked: Asked): (KernelError | undefined)[] {
    if (requests.length === 0) return [];
    const first = this.#sequence;
    const withAck = requests.map((each) => ({ ...each, flags: each.flags | netlinkFlags.ack }));
    const verdicts = this.#exchange(withAck, asked);
    if (verdicts.length < requests.length) throw lost(asked);
    const outcomes = requests.map((): KernelError | undefined => undefined);
    for (const verdict of verdicts) outcomes[verdict.sequence - first] = refusalOf(verdict, asked);
    return outcomes;
  }

  /**
   * As `perform`, but another thread waits for the kernel; it signals the eventfd `done`. Nothing
   * else may be asked of this socket until `conclude`.
   */
  delegate(requests: readonly NetlinkRequest[], done: number): void {
    const withAck = requests.map((each) => ({ ...each, flags: each.flags | netlinkFlags.ack }));
    const bytes = encodeNetlink(withAck, this.#sequence);
    this.#sequence += requests.length;
    if (native.sendAside(this.fd, bytes, done) >= 0) return;
    // No thread to be had: then it takes as long as it takes.
    native.send(this.fd, bytes, bytes.length);
    checked(native.signalEvent(done), 'signal an eventfd');
  }

  /** What became of that many delegated requests: throws the first refusal, as `perform`. */
  conclude(count: number, asked: Asked): void {
    const verdicts: NetlinkVerdict[] = [];
    this.#drain((message) => {
      const verdict = decodeVerdict(message);
      if (verdict !== undefined && message.sequence >= this.#sequence - count) {
        verdicts.push(verdict);
      }
    });
    if (verdicts.length < count) throw lost(asked);
    judge(verdicts, asked);
  }

  /** Sends requests as one nf_tables transaction: all or nothing. */
  transact(requests: readonly NetlinkRequest[], asked: Asked): void {
    // Only the last is acknowledged, for the kernel's buffer; each refusal comes all the same.
    const last = requests.length - 1;
    const marked = requests.map((each, index) =>
      index === last ? { ...each, flags: each.flags | netlinkFlags.ack } : each,
    );
    const verdicts = this.#exchange([batchBegin, ...marked, batchEnd], asked);
    if (verdicts.length === 0) throw lost(asked);
    judge(verdicts, asked);
  }

  /** The answer to one request, or undefined when it was refused with a tolerated errno. */
  query<Record>(
    request: NetlinkRequest,
    decode: (message: NetlinkMessage) => Record | undefined,
    asked: Asked,
  ): Record | undefined {
    let answer: Record | undefined;
    const verdicts = this.#exchange([request], asked, (message) => {
      answer ??= decode(message);
    });
    judge(verdicts, asked);
    return answer;
  }

  /** All records of a kind. */
  dump<Record>(
    request: NetlinkRequest,
    decode: (message: NetlinkMessage) => Record | undefined,
    asked: Asked,
  ): Record[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const records: Record[] = [];
      let whole = false;
      const verdicts = this.#exchange([request], asked, (message) => {
        if (message.flags & netlinkFlags.dumpInterrupted) return;
        if (message.type === controlTypes.done) whole = true;
        const record = decode(message);
        if (record !== undefined) records.push(record);
      });
      if (!verdicts.some(({ errno }) => errno === EINTR)) judge(verdicts, asked);
      if (whole) return records;
    }
    throw lost(asked);
  }

  /** Takes in all events that wait. False when some were lost. */
  readEvents(take: (message: NetlinkMessage) => void): boolean {
    return this.#drain(take);
  }

  close(): void {
    checked(native.close(this.fd), 'close a netlink socket');
  }

  #exchange(
    requests: readonly NetlinkRequest[],
    asked: Asked,
    take: (message: NetlinkMessage) => void = () => undefined,
  ): NetlinkVerdict[] {
    const first = this.#sequence;
    this.#sequence += requests.length;
    const bytes = encodeNetlink(requests, first);
    const sent = native.send(this.fd, bytes, bytes.length);
    if (sent < 0) throw new KernelError({ code: asked.code, errno: -sent, what: asked.what });
    const verdicts: NetlinkVerdict[] = [];
    this.#drain((message) => {
      // Left over from an exchange that was given up.
      if (message.sequence < first) return;
      const verdict = decodeVerdict(message);
      if (verdict === undefined) take(message);
      else verdicts.push(verdict);
    });
    return verdicts;
  }

  #drain(take: (message: NetlinkMessage) => void): boolean {
    let complete = true;
    for (;;) {
      const length = native.receive(this.fd, buffer);
      if (length === -EAGAIN) return complete;
      if (length === -ENOBUFS) complete = false;
      else if (length < 0 && length !== -EINTR) checked(length, 'receive from netlink');
      for (const message of decodeNetlink(buffer.subarray(0, Math.max(0, length)))) take(message);
    }
  }
}

function judge(verdicts: readonly NetlinkVerdict[], asked: Asked): void {
  for (const verdict of verdicts) {
    const refusal = refusalOf(verdict, asked);
    if (refusal !== undefined) throw refusal;
  }
}

function refusalOf(
  { errno, reason }: NetlinkVerdict,
  { code, what, tolerated = [] }: Asked,
): KernelError | undefined {
  if (errno === 0 || tolerated.includes(errno)) return undefined;
  return new KernelError({ code, errno, what, ...(reason === undefined ? {} : { reason }) });
}

function lost({ what }: Asked): KernelError {
  return new KernelError({ code: 'answer-lost', errno: 0, what: `${what}: no answer` });
}
