/**
 * A frame whose end is random. Most of a flood is thrown away unread, so what is random in a frame
 * is drawn when somebody looks at it.
 */
import { EncodedFrame, type Frame } from './frame.ts';
import type { Prng } from './prng.ts';
import { BEAT_PAYLOAD, openDatagram, type ReceivedDatagram } from './udp-frame.ts';

/** What many garbage frames are made from: all their headers are its headers. */
export class GarbagePattern extends EncodedFrame {
  /** The datagram it carries over IPv4, where garbage begins behind the headers. */
  readonly opened: ReceivedDatagram | undefined;

  constructor(bytes: Uint8Array) {
    super(bytes);
    const opened = openDatagram(bytes);
    this.opened = opened?.family === 4 ? opened : undefined;
  }
}

export class GarbageFrame implements Frame {
  readonly #pattern: GarbagePattern;
  readonly #prng: Prng;
  #bytes: Uint8Array | undefined;

  /** What is behind the IPv4 and UDP headers comes from `prng`, which is used by nobody else. */
  constructor(pattern: GarbagePattern, prng: Prng) {
    this.#pattern = pattern;
    this.#prng = prng;
  }

  get source(): number {
    return this.#pattern.source;
  }

  get destination(): number {
    return this.#pattern.destination;
  }

  get isToGroup(): boolean {
    return this.#pattern.isToGroup;
  }

  get protocol(): number | undefined {
    return this.#pattern.protocol;
  }

  get bytes(): Uint8Array {
    if (this.#bytes !== undefined) return this.#bytes;
    const { bytes } = this.#pattern;
    const garbage = Buffer.allocUnsafe(bytes.length);
    const end = Math.min(BEAT_PAYLOAD, bytes.length);
    for (let index = 0; index < end; index += 1) garbage[index] = bytes[index]!;
    this.#prng.fill(garbage, BEAT_PAYLOAD);
    this.#bytes = garbage;
    return garbage;
  }

  get datagram(): ReceivedDatagram | undefined {
    const { opened } = this.#pattern;
    return opened === undefined ? openDatagram(this.bytes) : new GarbageDatagram(opened, this);
  }
}

class GarbageDatagram implements ReceivedDatagram {
  readonly source: string;
  readonly destination: string;
  readonly family: 4 | 6;
  readonly #frame: GarbageFrame;

  constructor({ source, destination, family }: ReceivedDatagram, frame: GarbageFrame) {
    this.source = source;
    this.destination = destination;
    this.family = family;
    this.#frame = frame;
  }

  get bytes(): Uint8Array {
    return this.#frame.bytes.subarray(BEAT_PAYLOAD);
  }
}
