/**
 * Reads the beats of one peer. Most of a beat is what others said too, all but its numbers: that is
 * compared and not read again, and the record has the very same name and paths.
 */
import {
  type BeatConstants,
  BOOT_END,
  BOOT_START,
  CONSTANTS_START,
  decodeBeatConstants,
  decodePeerBeat,
  type PeerBeat,
} from './peer-beat.ts';

/** What is heard on which path comes and goes, slower than beats do. */
const KNOWN_AT_MOST = 4;

interface Known {
  readonly bytes: Uint8Array;
  readonly constants: BeatConstants;
}

export class BeatReader {
  /** The latest first. */
  readonly #known: Known[] = [];

  /** The beat, or undefined when the bytes are none that this version understands. */
  read(bytes: Uint8Array): PeerBeat | undefined {
    const constants = this.#constants(bytes);
    return constants && decodePeerBeat(bytes, constants);
  }

  #constants(bytes: Uint8Array): BeatConstants | undefined {
    for (const known of this.#known) if (areAlike(known.bytes, bytes)) return known.constants;
    const constants = decodeBeatConstants(bytes);
    if (constants === undefined) return undefined;
    this.#known.unshift({ bytes: new Uint8Array(bytes), constants });
    this.#known.splice(KNOWN_AT_MOST);
    return constants;
  }
}

/** In all their constants. */
function areAlike(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = BOOT_START; at < BOOT_END; at += 1) if (one[at] !== other[at]) return false;
  for (let at = CONSTANTS_START; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}
