/** A datagram of the pair on a simulated segment, as the frame it travels in. */

import { macBytes } from '../../firmware/wire/ethernet-frame.ts';
import { ipFamily } from '../../firmware/wire/ip-address.ts';
import { type Frame, isGroup, macNumber } from './frame.ts';
import { encodeDatagram, type FrameEnds, type ReceivedDatagram, UDP } from './udp-frame.ts';

/** The two ends of many frames, and how switches know them. */
export class FrameRoute {
  readonly ends: FrameEnds;
  readonly source: number;
  readonly destination: number;
  readonly isToGroup: boolean;
  readonly family: 4 | 6;

  constructor(ends: FrameEnds) {
    this.ends = ends;
    this.source = macNumber(macBytes(ends.sourceMac), 0);
    const destination = macBytes(ends.destinationMac);
    this.destination = macNumber(destination, 0);
    this.isToGroup = isGroup(destination);
    this.family = ipFamily(ends.source);
  }
}

export class DatagramFrame implements Frame {
  readonly protocol = UDP;
  readonly datagram: ReceivedDatagram;
  readonly #route: FrameRoute;
  #bytes: Uint8Array | undefined;

  constructor(route: FrameRoute, payload: Uint8Array) {
    this.#route = route;
    const { source, destination } = route.ends;
    this.datagram = { source, destination, family: route.family, bytes: payload };
  }

  get source(): number {
    return this.#route.source;
  }

  get destination(): number {
    return this.#route.destination;
  }

  get isToGroup(): boolean {
    return this.#route.isToGroup;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= encodeDatagram(this.#route.ends, this.datagram.bytes);
    return this.#bytes;
  }
}
