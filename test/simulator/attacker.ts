/**
 * Somebody on a segment who knows no secret: hears everything, and sends it again, later, changed
 * where the signatures allow it; or sends garbage.
 *
 * It sends from its own Ethernet address. One that took a node's would divert that node's traffic
 * whatever the nodes said to each other, and no protocol above Ethernet could help.
 */
import { decodeCarpFrame, encodeCarpFrame } from '../../firmware/wire/carp-frame.ts';
import { macBytes } from '../../firmware/wire/ethernet-frame.ts';
import { EncodedFrame, type Frame } from './frame.ts';
import { GarbageFrame, GarbagePattern } from './garbage-frame.ts';
import type { Prng } from './prng.ts';
import type { Port, SimulatedSegment } from './simulated-segment.ts';
import { BEAT_PAYLOAD } from './udp-frame.ts';

const REMEMBERED = 400;
/** Of one flood. */
const FRAMES = 64;
const MAC = macBytes('02:00:00:00:66:66');

export type Attack = 'replay' | 'raise' | 'dismiss' | 'flood';

export class Attacker implements Port {
  readonly owner = 'attacker';
  readonly #segment: SimulatedSegment;
  readonly #prng: Prng;
  readonly #heard: Frame[] = [];
  #count = 0;

  constructor(segment: SimulatedSegment, prng: Prng) {
    this.#segment = segment;
    this.#prng = prng;
    segment.attach(this);
  }

  carrierChanged(): void {
    // It waits until somebody speaks again.
  }

  /** The latest, and of those before some. */
  receive(frame: Frame): void {
    this.#count += 1;
    const isRoom = this.#heard.length < REMEMBERED;
    const position = isRoom ? this.#heard.length : this.#prng.between(0, REMEMBERED - 1);
    if (isRoom || this.#count % 8 === 0) this.#heard[position] = frame;
  }

  attack(kind: Attack): void {
    const frame = this.#prng.pick(this.#heard)?.bytes;
    if (frame === undefined) return;
    if (kind === 'flood') return this.#flood(frame);
    const forged = kind === 'replay' ? frame.slice() : this.#forged(frame, kind);
    if (forged === undefined) return;
    forged.set(MAC, 6);
    this.#segment.transmit(this, new EncodedFrame(forged));
  }

  /** CARP signs neither advbase nor advskew. */
  #forged(frame: Uint8Array, kind: 'raise' | 'dismiss'): Uint8Array | undefined {
    const carp = decodeCarpFrame(frame);
    if (carp === undefined) return undefined;
    const pace = kind === 'raise' ? { advbase: 0, advskew: 1 } : { advbase: 255, advskew: 255 };
    const advertisement = { ...carp.advertisement, ...pace };
    return encodeCarpFrame({ ...carp, advertisement }).slice();
  }

  #flood(frame: Uint8Array): void {
    this.#segment.flood();
    const bytes = frame.slice();
    bytes.set(MAC, 6);
    const pattern = new GarbagePattern(bytes);
    const draws = Math.max(0, bytes.length - BEAT_PAYLOAD);
    for (let count = 0; count < FRAMES; count += 1) {
      this.#segment.transmit(this, new GarbageFrame(pattern, this.#prng.split(draws)));
    }
  }
}
