/**
 * One direction of a flow as the kernel describes it (CTA_TUPLE_*), read in place: addresses are
 * remembered by where they lie, everything else as a number. One object serves any number of
 * tuples, so that reading a message makes no garbage.
 */
import { ipAttributes, protocolAttributes, tupleAttributes } from './ctnetlink.ts';

const ATTRIBUTE_HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;
/** Offsets within the four bytes of `ports`. */
const ICMP_TYPE_SHIFT = 16;
const ICMP_CODE_SHIFT = 24;

export class FlowTuple {
  /** 4 or 16; 0 when the tuple has no address. */
  addressBytes = 0;
  /** Where the addresses lie in the message. */
  sourceAt = 0;
  destinationAt = 0;
  protocol = 0;
  /**
   * Source and destination port as they lie in memory (a little-endian read of four bytes), or the
   * identifier of ICMP, its type and its code.
   */
  ports = 0;
  /** Of its own, for this direction only (CTA_TUPLE_ZONE). */
  hasZone = false;
  #isMixed = false;

  /** Reads the payload of a tuple attribute; false when it is not whole. */
  read(view: DataView, start: number, end: number): boolean {
    this.addressBytes = 0;
    this.sourceAt = 0;
    this.destinationAt = 0;
    this.protocol = -1;
    this.ports = 0;
    this.hasZone = false;
    this.#isMixed = false;
    let at = start;
    while (at + ATTRIBUTE_HEADER_BYTES <= end) {
      const length = view.getUint16(at, true);
      if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) return false;
      const type = view.getUint16(at + 2, true) & TYPE_MASK;
      const payload = at + ATTRIBUTE_HEADER_BYTES;
      if (type === tupleAttributes.ip) this.#readAddresses(view, payload, at + length);
      else if (type === tupleAttributes.protocol) this.#readProtocol(view, payload, at + length);
      else if (type === tupleAttributes.zone) this.hasZone = true;
      at += (length + 3) & ~3;
    }
    return this.sourceAt > 0 && this.destinationAt > 0 && !this.#isMixed && this.protocol >= 0;
  }

  #readAddresses(view: DataView, start: number, end: number): void {
    let at = start;
    while (at + ATTRIBUTE_HEADER_BYTES <= end) {
      const length = view.getUint16(at, true);
      if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) return;
      const type = view.getUint16(at + 2, true) & TYPE_MASK;
      const bytes = type <= ipAttributes.ipv4Destination ? 4 : 16;
      if (length !== ATTRIBUTE_HEADER_BYTES + bytes) return;
      // Both addresses are of one family, or there is none.
      if (this.addressBytes !== 0 && this.addressBytes !== bytes) this.#isMixed = true;
      this.addressBytes = bytes;
      if (type === ipAttributes.ipv4Source || type === ipAttributes.ipv6Source) {
        this.sourceAt = at + ATTRIBUTE_HEADER_BYTES;
      } else {
        this.destinationAt = at + ATTRIBUTE_HEADER_BYTES;
      }
      at += (length + 3) & ~3;
    }
  }

  #readProtocol(view: DataView, start: number, end: number): void {
    let at = start;
    let ports = 0;
    while (at + ATTRIBUTE_HEADER_BYTES < end) {
      const length = view.getUint16(at, true);
      if (length < ATTRIBUTE_HEADER_BYTES + 1 || at + length > end) return;
      const type = view.getUint16(at + 2, true) & TYPE_MASK;
      const payload = at + ATTRIBUTE_HEADER_BYTES;
      if (type === protocolAttributes.number) this.protocol = view.getUint8(payload);
      else if (length < ATTRIBUTE_HEADER_BYTES + widths[type]!) return;
      else ports |= portPart(view, type, payload);
      at += (length + 3) & ~3;
    }
    this.ports = ports;
  }
}

/** Bytes of each protocol attribute; those that are not known are passed over. */
const widths = new Uint8Array(TYPE_MASK + 1);
for (const type of [2, 3, 4, 7]) widths[type] = 2;
for (const type of [5, 6, 8, 9]) widths[type] = 1;

function portPart(view: DataView, type: number, at: number): number {
  switch (type) {
    case protocolAttributes.sourcePort:
    case protocolAttributes.icmpId:
    case protocolAttributes.icmpv6Id:
      return view.getUint16(at, true);
    case protocolAttributes.destinationPort:
      return view.getUint16(at, true) << 16;
    case protocolAttributes.icmpType:
    case protocolAttributes.icmpv6Type:
      return view.getUint8(at) << ICMP_TYPE_SHIFT;
    case protocolAttributes.icmpCode:
    case protocolAttributes.icmpv6Code:
      return view.getUint8(at) << ICMP_CODE_SHIFT;
    default:
      return 0;
  }
}
