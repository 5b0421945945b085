/**
 * The head of a flow record as core reads it: length, operation, flags and key. What follows is
 * none of core's business. The layout is wire/flow-record.ts; core may not call a codec, and a test
 * holds the two against each other.
 *
 * Bytes are read one by one: records lie at any offset of any buffer, and no view is made for them.
 */

export const RECORD_HEAD_BYTES = 12;

export const operations = {
  upsert: 1,
  destroy: 2,
  expect: 3,
  unexpect: 4,
  /** A key alone, only inside frames: the owner has this flow. */
  present: 5,
} as const;

export const recordFlags = {
  fresh: 0x01,
  established: 0x02,
  closing: 0x04,
  singular: 0x08,
} as const;

export function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

export function operationAt(bytes: Uint8Array, at: number): number {
  return bytes[at + 2] ?? 0;
}

export function flagsAt(bytes: Uint8Array, at: number): number {
  return bytes[at + 3] ?? 0;
}

/** Keys are signed here, and everywhere in core. */
export function keyLowAt(bytes: Uint8Array, at: number): number {
  return wordAt(bytes, at + 4);
}

export function keyHighAt(bytes: Uint8Array, at: number): number {
  return wordAt(bytes, at + 8);
}

/** The head of a record without a body. */
export function writeHead(
  bytes: Uint8Array,
  at: number,
  flags: number,
  low: number,
  high: number,
): void {
  bytes[at] = RECORD_HEAD_BYTES;
  bytes[at + 1] = 0;
  bytes[at + 2] = operations.present;
  bytes[at + 3] = flags;
  writeWord(bytes, at + 4, low);
  writeWord(bytes, at + 8, high);
}

/** 32 bits as a signed number: those need no memory of their own when they are handed around. */
export function wordAt(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  return low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

export function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}
