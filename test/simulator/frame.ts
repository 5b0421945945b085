/**
 * A frame on a simulated segment. What it is made of is told without looking at its bytes as far as
 * its sender knew it; whoever hears everything looks at the bytes, and only then they are written.
 */
import type { ReceivedDatagram } from './udp-frame.ts';
import { frameProtocol, openDatagram } from './udp-frame.ts';

export interface Frame {
  /** Ethernet addresses as numbers, see `macNumber`. */
  readonly source: number;
  readonly destination: number;
  /** For everybody, or for many: to all ports of a switch. */
  readonly isToGroup: boolean;
  /** Nobody may change them. */
  readonly bytes: Uint8Array;
  /** The IP protocol; undefined for ARP and other frames. */
  readonly protocol: number | undefined;
  /** A datagram to the port of the pair. */
  readonly datagram: ReceivedDatagram | undefined;
}

/** A frame of which only the bytes are known. */
export class EncodedFrame implements Frame {
  readonly bytes: Uint8Array;
  readonly source: number;
  readonly destination: number;
  readonly isToGroup: boolean;
  readonly protocol: number | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.isToGroup = isGroup(bytes);
    this.protocol = frameProtocol(bytes);
    this.destination = macNumber(bytes, 0);
    this.source = macNumber(bytes, 6);
  }

  get datagram(): ReceivedDatagram | undefined {
    return openDatagram(this.bytes);
  }
}

/** By the lowest bit of the first byte of a destination. */
export function isGroup(frame: Uint8Array): boolean {
  return ((frame[0] ?? 0) & 1) === 1;
}

/** The Ethernet address at an offset of a frame as a number. */
export function macNumber(frame: Uint8Array, offset: number): number {
  const high = (frame[offset] ?? 0) * 256 + (frame[offset + 1] ?? 0);
  const middle = (frame[offset + 2] ?? 0) * 256 + (frame[offset + 3] ?? 0);
  const low = (frame[offset + 4] ?? 0) * 256 + (frame[offset + 5] ?? 0);
  return (high * 65_536 + middle) * 65_536 + low;
}
