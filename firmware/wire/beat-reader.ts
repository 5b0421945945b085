/**
 * Reads the beats of one peer. Most of a beat is what the last one said too, all but its numbers:
 * that is compared and not read again, and the record has the very same name and paths.
 */
import {
  type BeatConstants,
  CONSTANTS_START,
  decodeBeatConstants,
  decodePeerBeat,
  type PeerBeat,
} from './peer-beat.ts';

interface Known {
  readonly bytes: Uint8Array;
  readonly constants: BeatConstants;
}

export class BeatReader {
  #known: Known | undefined;

  /** The beat, or undefined when the bytes are none that this version understands. */
  read(bytes: Uint8Array): PeerBeat | undefined {
    const constants = this.#constants(bytes);
    return constants && decodePeerBeat(bytes, constants);
  }

  #constants(bytes: Uint8Array): BeatConstants | undefined {
    if (this.#known !== undefined && endAlike(this.#known.bytes, bytes)) {
      return this.#known.constants;
    }
    const constants = decodeBeatConstants(bytes);
    this.#known = constants && { bytes: new Uint8Array(bytes), constants };
    return constants;
  }
}

function endAlike(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = CONSTANTS_START; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}
