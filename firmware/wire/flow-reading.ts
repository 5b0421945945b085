/**
 * A reading of a kernel's table, as one node gives it to the other (`FlowAsk` in flow-frame.ts).
 *
 *   of all flows     8 bytes each, in the order in which the kernel shows them: key low u32, whose
 *                    lowest bit says instead whether the flow is established; key high u32
 *   of some flows    a line of text each: the key, 16 hexadecimal digits, a space, the flow
 */
import { byteView } from './byte-view.ts';
import { LONGEST_READING } from './flow-frame.ts';
import { flowLine } from './flow-line.ts';
import { flowFlags, flowHeader } from './flow-record.ts';

const ENTRY_BYTES = 8;
const FIRST_BYTES = 65_536;
const LEFT_OUT = 0x1;

export class FlowReading {
  readonly #wanted: ReadonlySet<bigint>;
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = byteView(this.#bytes);
  #length = 0;
  #isTooLong = false;

  /** `keys`: low and high in turn of those of which lines are wanted; none for all flows. */
  constructor(keys: Uint32Array) {
    const wanted = new Set<bigint>();
    for (let at = 0; at + 1 < keys.length; at += 2) {
      wanted.add(readingKey(keys[at] ?? 0, keys[at + 1] ?? 0));
    }
    this.#wanted = wanted;
  }

  /** A flow of the table: its record at the beginning of `record`, the kernel's own message. */
  take(record: DataView, message: Uint8Array): void {
    const low = record.getUint32(flowHeader.keyLow, true);
    const high = record.getUint32(flowHeader.keyHigh, true);
    if (this.#wanted.size > 0) {
      const key = readingKey(low, high);
      if (this.#wanted.has(key)) this.#append(lineBytes(key, flowLine(message)?.text ?? ''));
      return;
    }
    if (!this.#makeRoom(ENTRY_BYTES)) return;
    const flags = record.getUint8(flowHeader.flags);
    const isSettled = (flags & (flowFlags.established | flowFlags.closing)) === SETTLED;
    this.#view.setUint32(this.#length, ((low & ~LEFT_OUT) | (isSettled ? 1 : 0)) >>> 0, true);
    this.#view.setUint32(this.#length + 4, high, true);
    this.#length += ENTRY_BYTES;
  }

  /** What was taken; undefined when it is more than can be told. */
  get bytes(): Uint8Array | undefined {
    return this.#isTooLong ? undefined : this.#bytes.subarray(0, this.#length);
  }

  #append(bytes: Uint8Array): void {
    if (!this.#makeRoom(bytes.length)) return;
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #makeRoom(length: number): boolean {
    const needed = this.#length + length;
    this.#isTooLong ||= needed > LONGEST_READING;
    if (this.#isTooLong) return false;
    if (needed <= this.#bytes.length) return true;
    const larger = new Uint8Array(2 * this.#bytes.length);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = byteView(larger);
    return true;
  }
}

const SETTLED: number = flowFlags.established;

/** A key as readings have it: its lowest bit does not count. */
function readingKey(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt((low & ~LEFT_OUT) >>> 0);
}

function lineBytes(key: bigint, text: string): Uint8Array {
  return new TextEncoder().encode(`${key.toString(16).padStart(16, '0')} ${text}\n`);
}

/** The lines of a reading of some flows, by key. Whatever is no text for people is left out. */
export function readingLines(bytes: Uint8Array): Map<bigint, string> {
  const lines = new Map<bigint, string>();
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    const [, key, text] = /^([0-9a-f]{16}) ([\x20-\x7e]*)$/.exec(line) ?? [];
    if (key !== undefined && text !== undefined) lines.set(BigInt(`0x${key}`), text);
  }
  return lines;
}
