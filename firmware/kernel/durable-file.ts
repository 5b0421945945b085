/**
 * Writing so that it survives a power cut: fsync(2) of the file, and of the directory that names
 * it. Everything here throws what node:fs throws.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

/** Mode 0600 when the file is new. The directory still has to be synced. */
export function writeDurably(path: string, text: string): void {
  const descriptor = openSync(path, 'w', 0o600);
  try {
    writeFully(descriptor, Buffer.from(text));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** write(2) may take less than it was given. */
export function writeFully(descriptor: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}

/** After this a file that was made, renamed or removed in there stays so. */
export function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
