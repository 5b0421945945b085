/**
 * The kernel's whole connection tracking table, read a piece at a time: half a million flows take
 * two seconds, and whoever reads them has other things to do in between.
 */
import { constants } from 'node:os';
import { CONNTRACK_HEADER_BYTES, conntrackTypes } from '../wire/ctnetlink.ts';
import { controlTypes, netlinkFlags } from '../wire/netlink-message.ts';
import { checked, native } from './native-socket.ts';
import { NetlinkSocket, protocols } from './netlink-socket.ts';

const { EAGAIN, EINTR } = constants.errno;

/** The kernel fills 32 KiB at most at once. */
const DATAGRAM_BYTES = 65_536;

export type DumpStep =
  /** There is more to read. */
  | 'more'
  /** `take` had no room: it is asked again with the same message. */
  | 'held'
  | 'complete'
  /** The kernel gave up or was refused: what was read is not the whole table. */
  | 'failed';

export class ConntrackDump {
  readonly #bytes = new Uint8Array(DATAGRAM_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #socket: NetlinkSocket | undefined;
  /** Unread part of the buffer. */
  #at = 0;
  #end = 0;

  /** What is to be read: `flow` or `expectation`. Ends a dump that is under way. */
  start(kind: 'flow' | 'expectation'): void {
    this.stop();
    this.#socket = new NetlinkSocket(protocols.netfilter);
    const request = new Uint8Array(CONNTRACK_HEADER_BYTES);
    const view = new DataView(request.buffer);
    const { getFlows, getExpectations } = conntrackTypes;
    view.setUint32(0, request.length, true);
    view.setUint16(4, kind === 'flow' ? getFlows : getExpectations, true);
    view.setUint16(6, netlinkFlags.request | netlinkFlags.dump, true);
    checked(native.send(this.#socket.fd, request, request.length), 'read the connection table');
  }

  /** Reads on. `take` answers false when it has no room for a message. */
  step(take: (view: DataView, at: number, length: number) => boolean): DumpStep {
    const socket = this.#socket;
    if (socket === undefined) return 'failed';
    if (this.#at >= this.#end) {
      const length = native.receive(socket.fd, this.#bytes);
      if (length === -EINTR || length === -EAGAIN) return 'more';
      if (length <= 0) return this.#finish('failed');
      this.#at = 0;
      this.#end = length;
    }
    while (this.#at + CONNTRACK_HEADER_BYTES <= this.#end) {
      const length = this.#view.getUint32(this.#at, true);
      const type = this.#view.getUint16(this.#at + 4, true);
      const flags = this.#view.getUint16(this.#at + 6, true);
      if (length < CONNTRACK_HEADER_BYTES || this.#at + length > this.#end) break;
      const wasInterrupted = (flags & netlinkFlags.dumpInterrupted) !== 0;
      if (type === controlTypes.done) return this.#finish(wasInterrupted ? 'failed' : 'complete');
      if (type === controlTypes.error) return this.#finish('failed');
      if (!take(this.#view, this.#at, length)) return 'held';
      this.#at += (length + 3) & ~3;
    }
    this.#at = this.#end;
    return 'more';
  }

  stop(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#at = 0;
    this.#end = 0;
  }

  #finish(step: DumpStep): DumpStep {
    this.stop();
    return step;
  }
}
