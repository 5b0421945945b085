/**
 * What a node needs to be itself again, in one file under a passphrase.
 *
 *   "yoke-backup 1\n", salt (16 bytes), nonce (12), tag (16), AES-256-GCM of JSON
 *
 * The key is scrypt's (RFC 7914) with N = 2^15, r = 8, p = 1: a third of a second on a small box,
 * for every guess. The first line is authenticated, too.
 */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';

/** File names of the config directory, and what was in them. */
export type BackupFiles = Readonly<Record<string, string>>;

export type BackupOpening =
  | { readonly ok: true; readonly files: BackupFiles }
  /** One line for people. */
  | { readonly ok: false; readonly text: string };

const HEAD = Buffer.from('yoke-backup 1\n');
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const COST = { N: 32_768, r: 8, p: 1, maxmem: 67_108_864 };

export function sealBackup(files: BackupFiles, passphrase: string): Buffer {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(passphrase, salt), nonce);
  cipher.setAAD(HEAD);
  const body = Buffer.concat([cipher.update(JSON.stringify({ files }), 'utf8'), cipher.final()]);
  return Buffer.concat([HEAD, salt, nonce, cipher.getAuthTag(), body]);
}

export function openBackup(sealed: Uint8Array, passphrase: string): BackupOpening {
  const bytes = Buffer.from(sealed);
  const parts = HEAD.length + SALT_BYTES + NONCE_BYTES + TAG_BYTES;
  if (bytes.length < parts || !bytes.subarray(0, HEAD.length).equals(HEAD)) {
    return { ok: false, text: 'it is not a backup of this version of yoke' };
  }
  let at = HEAD.length;
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const [salt, nonce, tag] = [take(SALT_BYTES), take(NONCE_BYTES), take(TAG_BYTES)];
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(passphrase, salt), nonce);
    decipher.setAAD(HEAD);
    decipher.setAuthTag(tag);
    const text = Buffer.concat([decipher.update(bytes.subarray(at)), decipher.final()]);
    return { ok: true, files: (JSON.parse(text.toString('utf8')) as { files: BackupFiles }).files };
  } catch {
    return { ok: false, text: 'the passphrase is another one, or the file is damaged' };
  }
}

const keyOf = (passphrase: string, salt: Buffer): Buffer =>
  scryptSync(passphrase.normalize('NFKC'), salt, KEY_BYTES, COST);
