/**
 * The code by which people carry the secret of a pair from one node to the other.
 *
 * 120 random bits as 24 characters of Crockford's base32 (no I, L, O, U) and one check character,
 * in five groups of five. The check is a sum over GF(32), each character weighted with a power of
 * its own: it finds every single wrong character and every two that were swapped.
 *
 * Nobody can guess 120 bits, so the secret is simply HKDF-SHA256 of them (cluster-secret.ts).
 */
import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_CHARACTERS = 24;
const CHARACTERS = RANDOM_CHARACTERS + 1;
const GROUP = /.{5}(?=.)/g;
const BITS = 5;
/** x^5 + x^2 + 1, of which x is a primitive element: its powers differ up to the 31st. */
const POLYNOMIAL = 0b100101;

const EXPECTED = `${CHARACTERS} letters and digits such as 7K2QM-...`;

export type PairingCodeReading =
  | { readonly ok: true; readonly code: PairingCode }
  | { readonly ok: false; readonly found: string; readonly expected: string };

export class PairingCode {
  readonly #values: readonly number[];

  private constructor(values: readonly number[]) {
    this.#values = values;
  }

  /** A new one. */
  static random(): PairingCode {
    return new PairingCode(Array.from(randomBytes(RANDOM_CHARACTERS), (byte) => byte & 0x1f));
  }

  /** As people type it: lower case, spaces and dashes anywhere, O for 0, I and L for 1. */
  static read(text: string): PairingCodeReading {
    const characters = [...text.toUpperCase().replaceAll(/[\s\p{Pd}]/gu, '')].map(
      (each) => ({ O: '0', I: '1', L: '1' })[each] ?? each,
    );
    const foreign = characters.find((each) => !ALPHABET.includes(each));
    if (foreign !== undefined) {
      const found = `${JSON.stringify(foreign)} in the code`;
      return { ok: false, found, expected: 'letters and digits, of which U is in no code' };
    }
    if (characters.length !== CHARACTERS) {
      const found = `a code of ${characters.length} characters`;
      return { ok: false, found, expected: EXPECTED };
    }
    const values = characters.map((each) => ALPHABET.indexOf(each));
    const random = values.slice(0, RANDOM_CHARACTERS);
    if (checkValue(random) !== values[RANDOM_CHARACTERS]) {
      return { ok: false, found: 'a mistyped code', expected: 'it as the other node showed it' };
    }
    return { ok: true, code: new PairingCode(random) };
  }

  /** The 15 random bytes. */
  seed(): Uint8Array {
    const number = this.#values.reduce((sum, value) => (sum << BigInt(BITS)) | BigInt(value), 0n);
    const digits = (RANDOM_CHARACTERS * BITS) / 4;
    return new Uint8Array(Buffer.from(number.toString(16).padStart(digits, '0'), 'hex'));
  }

  /** For people. */
  toString(): string {
    const values = [...this.#values, checkValue(this.#values)];
    return values
      .map((value) => ALPHABET.charAt(value))
      .join('')
      .replaceAll(GROUP, '$&-');
  }
}

/** What makes the weighted sum of all characters 0; its own weight is 1. */
function checkValue(values: readonly number[]): number {
  return values.reduce((sum, value) => timesX(sum ^ value), 0);
}

function timesX(value: number): number {
  const shifted = value << 1;
  return shifted >> BITS === 0 ? shifted : shifted ^ POLYNOMIAL;
}
