/**
 * Writes netlink messages where they are to be sent from, attribute by attribute, without an object
 * for any of them: for what is sent by the hundred thousand. Requests that are rare are built as
 * trees (`netlink-message.ts`).
 */
import { copyAttribute } from './attribute-copy.ts';
import { NETLINK_HEADER_BYTES, netlinkFlags } from './netlink-message.ts';

const ATTRIBUTE_HEADER_BYTES = 4;
const NESTED = 0x8000;
/** struct nfgenmsg, behind the header of every message of netfilter. */
const FAMILY_HEADER_BYTES = 4;

export class NetlinkWriter {
  readonly #view: DataView;
  #start = 0;
  #at = 0;

  constructor(view: DataView) {
    this.#view = view;
  }

  begin(to: number, type: number, sequence: number): void {
    const view = this.#view;
    this.#start = to;
    view.setUint16(to + 4, type, true);
    view.setUint16(to + 6, netlinkFlags.request, true);
    view.setUint32(to + 8, sequence, true);
    view.setUint32(to + 12, 0, true);
    view.setUint32(to + 16, 0, true);
    this.#at = to + NETLINK_HEADER_BYTES + FAMILY_HEADER_BYTES;
  }

  addFlags(flags: number): void {
    const view = this.#view;
    view.setUint16(this.#start + 6, view.getUint16(this.#start + 6, true) | flags, true);
  }

  family(offset: number, family: number): void {
    this.#view.setUint8(this.#start + offset, family);
  }

  /** Length of the message, a multiple of 4. */
  end(): number {
    const length = this.#at - this.#start;
    this.#view.setUint32(this.#start, length, true);
    return length;
  }

  /** Opens an attribute that holds others; `close` wants what this returns. */
  nest(type: number): number {
    const at = this.#at;
    this.#view.setUint16(at + 2, type | NESTED, true);
    this.#at = at + ATTRIBUTE_HEADER_BYTES;
    return at;
  }

  close(nest: number): void {
    this.#view.setUint16(nest, this.#at - nest, true);
  }

  byte(type: number, value: number): void {
    this.#header(type, 1);
    this.#view.setUint32(this.#at, value & 0xff, true);
    this.#at += 4;
  }

  /** Two bytes as they lie in memory. */
  short(type: number, value: number): void {
    this.#header(type, 2);
    this.#view.setUint32(this.#at, value & 0xffff, true);
    this.#at += 4;
  }

  shortBe(type: number, value: number): void {
    this.#header(type, 2);
    this.#view.setUint32(this.#at, (value & 0xffff) << 16, false);
    this.#at += 4;
  }

  wordBe(type: number, value: number): void {
    this.#header(type, 4);
    this.#view.setUint32(this.#at, value, false);
    this.#at += 4;
  }

  /** Bytes as they are, a multiple of 4. */
  span(type: number, source: DataView, from: number, bytes: number): void {
    this.#header(type, bytes);
    for (let i = 0; i < bytes; i += 4) {
      this.#view.setInt32(this.#at + i, source.getInt32(from + i, true), true);
    }
    this.#at += bytes;
  }

  /** A whole attribute, header and all, `length` bytes of it and then zeros. */
  copy(source: DataView, from: number, length: number): void {
    this.#at = copyAttribute(source, from, length, this.#view, this.#at);
  }

  #header(type: number, bytes: number): void {
    this.#view.setUint16(this.#at, ATTRIBUTE_HEADER_BYTES + bytes, true);
    this.#view.setUint16(this.#at + 2, type, true);
    this.#at += ATTRIBUTE_HEADER_BYTES;
  }
}
