/**
 * Asks the kernel for one flow by its original tuple. Of a flow whose payload a helper has changed
 * the kernel does not say by how much its sequence numbers are off, unless it is asked.
 */
import { CONNTRACK_HEADER_BYTES, conntrackTypes, FAMILY_OFFSET } from '../wire/ctnetlink.ts';
import { netlinkFlags } from '../wire/netlink-message.ts';
import { native } from './native-socket.ts';
import { NetlinkSocket, protocols } from './netlink-socket.ts';

/** CTA_TUPLE_ORIG, nested. */
const ORIGINAL = 0x8001;
const LONGEST_TUPLE = 256;
const ANSWER_BYTES = 4096;

export class ConntrackQuery {
  readonly #socket = new NetlinkSocket(protocols.netfilter);
  readonly #request = new Uint8Array(CONNTRACK_HEADER_BYTES + LONGEST_TUPLE);
  readonly #requestView = new DataView(this.#request.buffer);
  readonly #answer = new Uint8Array(ANSWER_BYTES);
  readonly #answerView = new DataView(this.#answer.buffer);

  /**
   * `source`: bytes with a tuple attribute (of whatever type) at `at`. Calls back with the flow's
   * message, if there is such a flow.
   */
  ask(
    family: number,
    source: Uint8Array,
    at: number,
    take: (view: DataView, at: number, length: number) => void,
  ): void {
    const length = new DataView(source.buffer, source.byteOffset).getUint16(at, true);
    if (length < 4 || length > LONGEST_TUPLE) return;
    const total = CONNTRACK_HEADER_BYTES + ((length + 3) & ~3);
    this.#request.fill(0);
    this.#request.set(source.subarray(at, at + length), CONNTRACK_HEADER_BYTES);
    const view = this.#requestView;
    view.setUint32(0, total, true);
    view.setUint16(4, conntrackTypes.getFlows, true);
    view.setUint16(6, netlinkFlags.request, true);
    view.setUint8(FAMILY_OFFSET, family);
    view.setUint16(CONNTRACK_HEADER_BYTES + 2, ORIGINAL, true);
    if (native.send(this.#socket.fd, this.#request, total) < 0) return;
    for (;;) {
      const received = native.receive(this.#socket.fd, this.#answer);
      if (received < CONNTRACK_HEADER_BYTES) return;
      if (this.#answerView.getUint16(4, true) === conntrackTypes.flow) {
        take(this.#answerView, 0, Math.min(received, this.#answerView.getUint32(0, true)));
      }
    }
  }

  close(): void {
    this.#socket.close();
  }
}
