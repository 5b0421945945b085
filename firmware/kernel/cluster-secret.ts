/**
 * The one secret of a pair, and the keys derived from it.
 *
 * 32 bytes in base64 on one line, readable by its owner only; from a pairing code (pairing-code.ts)
 * or from any good source of randomness. HKDF-SHA256 (RFC 5869) with a
 * purpose in `info` gives independent keys, so that a CARP password that leaks (HMAC-SHA1 over 36
 * bytes in clear, open to guessing) tells nothing about the secret.
 */
import { hkdfSync } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory, writeDurably } from './durable-file.ts';
import type { PairingCode } from './pairing-code.ts';

const SECRET_BYTES = 32;
/** 44 base64 characters and a line end, with room for a stray space. */
const LARGEST_FILE_BYTES = 128;
/** Read and write for the owner; anything else lets somebody else in. */
const PERMITTED_MODE = 0o600;
const PASSWORD_BYTES = 19;
const KEY_BYTES = 32;
const SEED_BYTES = 16;
/** Six bits per byte, printable, safe in YAML, ifconfig and ucarp's command line. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export type SecretReading =
  | { readonly ok: true; readonly secret: ClusterSecret }
  | { readonly ok: false; readonly found: string; readonly expected: string };

export type SecretWriting =
  | { readonly ok: true }
  /** One line for people; nothing was written. */
  | { readonly ok: false; readonly text: string };

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'no permission; try as root'],
  ['EPERM', 'no permission; try as root'],
  ['EEXIST', 'it is there already'],
  ['ENOENT', 'there is no such directory'],
  ['ENOTDIR', 'there is no such directory'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk is full'],
  ['EROFS', 'the file system is read-only'],
]);

export class ClusterSecret {
  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Refuses a file with more permissions than `permitted`, by default the owner's only. */
  static read(path: string, permitted = PERMITTED_MODE): SecretReading {
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const found = code === 'ENOENT' ? `no file ${path}` : `${path} (${code})`;
      return { ok: false, found, expected: 'a readable file with the secret of the pair' };
    }
    try {
      return readOpenFile(path, descriptor, permitted);
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

  /** The same on every node on which the code is entered. */
  static fromCode(code: PairingCode): ClusterSecret {
    const info = 'yoke cluster secret from code';
    return new ClusterSecret(
      new Uint8Array(hkdfSync('sha256', code.seed(), '', info, SECRET_BYTES)),
    );
  }

  /**
   * Makes the file of the secret, mode 0600: whole and safe from a power cut, or not at all. A file
   * that is there already is only replaced if that is wanted.
   */
  write(path: string, { replace }: { readonly replace: boolean }): SecretWriting {
    const temporary = `${path}.tmp`;
    try {
      rmSync(temporary, { force: true });
      try {
        writeDurably(temporary, `${this.#text()}\n`);
        // rename(2) would replace, link(2) never does.
        if (replace) renameSync(temporary, path);
        else linkSync(temporary, path);
      } finally {
        rmSync(temporary, { force: true });
      }
      syncDirectory(dirname(path));
      return { ok: true };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = REASONS.get(code ?? '') ?? code ?? message;
      return { ok: false, text: `cannot write ${path}: ${reason}` };
    }
  }

  equals(other: ClusterSecret): boolean {
    return this.#text() === other.#text();
  }

  /** The CARP password of a VHID: 19 printable ASCII bytes, the same on both nodes. */
  carpPassword(vhid: number): Uint8Array {
    const info = `yoke carp password, vhid ${vhid}`;
    const key = new Uint8Array(hkdfSync('sha256', this.#bytes, '', info, PASSWORD_BYTES));
    return key.map((byte) => ALPHABET.charCodeAt(byte & 0x3f));
  }

  /** The pre-shared key of the session that seals the beats: 32 bytes. */
  beatKey(): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#bytes, '', 'yoke beat key', KEY_BYTES));
  }

  /** The pre-shared key of the session in which flows are replicated: 32 bytes. */
  flowKey(): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#bytes, '', 'yoke flow key', KEY_BYTES));
  }

  /** The pre-shared key of the TLS sessions that carry the configuration: 32 bytes. */
  syncKey(): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#bytes, '', 'yoke config sync key', KEY_BYTES));
  }

  /** From which both nodes make the same names for flows, and nobody else: 16 bytes. */
  flowNameSeed(): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#bytes, '', 'yoke flow names', SEED_BYTES));
  }

  #text(): string {
    return Buffer.from(this.#bytes).toString('base64');
  }
}

function readOpenFile(path: string, descriptor: number, permitted: number): SecretReading {
  const status = fstatSync(descriptor);
  if (!status.isFile()) {
    return { ok: false, found: `${path}, which is not a file`, expected: 'a file' };
  }
  const mode = status.mode & 0o7777;
  if ((mode & ~permitted) !== 0) {
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
