/**
 * Writes the beats of one node, one over the other: what the last one said too, all but its
 * numbers, is there already.
 */
import { byteView } from './byte-view.ts';
import {
  BEAT_BYTES_AT_MOST,
  type BeatConstants,
  type PeerBeat,
  writeBeatConstants,
  writeBeatNumbers,
} from './peer-beat.ts';

export class BeatWriter {
  readonly #bytes = new Uint8Array(BEAT_BYTES_AT_MOST);
  readonly #view = byteView(this.#bytes);
  /** What the bytes say of them. */
  #constants: BeatConstants | undefined;
  #written = this.#bytes;

  /** The bytes of a beat, until the next one is written. Throws as `encodePeerBeat` does. */
  write(beat: PeerBeat): Uint8Array {
    if (this.#constants === undefined || !areSame(this.#constants, beat)) {
      this.#constants = undefined;
      this.#written = this.#bytes.subarray(0, writeBeatConstants(this.#bytes, beat));
      this.#constants = beat;
    }
    writeBeatNumbers(this.#view, beat);
    return this.#written;
  }
}

function areSame(one: BeatConstants, other: BeatConstants): boolean {
  if (one.paths !== other.paths || one.node !== other.node) return false;
  if (one.counterTag !== other.counterTag || one.configHash !== other.configHash) return false;
  return one.bootId === other.bootId;
}
