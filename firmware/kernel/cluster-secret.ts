/**
 * The one secret of a pair, and the CARP passwords derived from it.
 *
 * 32 random bytes in base64 on one line, readable by its owner only. HKDF-SHA256 (RFC 5869) with a
 * purpose in `info` gives independent keys, so that a CARP password that leaks (HMAC-SHA1 over 36
 * bytes in clear, open to guessing) tells nothing about the secret.
 */
import { hkdfSync } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

const SECRET_BYTES = 32;
/** 44 base64 characters and a line end, with room for a stray space. */
const LARGEST_FILE_BYTES = 128;
/** Read and write for the owner; anything else lets somebody else in. */
const PERMITTED_MODE = 0o600;
const PASSWORD_BYTES = 19;
/** Six bits per byte, printable, safe in YAML, ifconfig and ucarp's command line. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export type SecretReading =
  | { readonly ok: true; readonly secret: ClusterSecret }
  | { readonly ok: false; readonly found: string; readonly expected: string };

export class ClusterSecret {
  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  static read(path: string): SecretReading {
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const found = code === 'ENOENT' ? `no file ${path}` : `${path} (${code})`;
      return { ok: false, found, expected: 'a readable file with the secret of the pair' };
    }
    try {
      return readOpenFile(path, descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Undefined when the text is not 32 bytes in base64. */
  static parse(text: string): ClusterSecret | undefined {
    const line = text.trim();
    const bytes = Buffer.from(line, 'base64');
    const isExact = bytes.length === SECRET_BYTES && bytes.toString('base64') === line;
    return isExact ? new ClusterSecret(bytes) : undefined;
  }

  /** The CARP password of a VHID: 19 printable ASCII bytes, the same on both nodes. */
  carpPassword(vhid: number): Uint8Array {
    const info = `yoke carp password, vhid ${vhid}`;
    const key = new Uint8Array(hkdfSync('sha256', this.#bytes, '', info, PASSWORD_BYTES));
    return key.map((byte) => ALPHABET.charCodeAt(byte & 0x3f));
  }
}

function readOpenFile(path: string, descriptor: number): SecretReading {
  const status = fstatSync(descriptor);
  if (!status.isFile()) {
    return { ok: false, found: `${path}, which is not a file`, expected: 'a file' };
  }
  const mode = status.mode & 0o7777;
  if ((mode & ~PERMITTED_MODE) !== 0) {
    const found = `${path} with mode ${mode.toString(8).padStart(4, '0')}`;
    return { ok: false, found, expected: 'mode 0600 or stricter' };
  }
  const secret =
    status.size > LARGEST_FILE_BYTES
      ? undefined
      : ClusterSecret.parse(readFileSync(descriptor, 'latin1'));
  if (secret === undefined) {
    const expected = '32 bytes in base64 on one line (44 characters)';
    return { ok: false, found: `other content in ${path}`, expected };
  }
  return { ok: true, secret };
}
