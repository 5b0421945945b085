/**
 * A DataView over exactly the bytes of a Uint8Array, wherever they sit in their buffer.
 *
 * Codecs read and write multi-byte fields through it, big-endian by default as every network header
 * is. A DataView throws beyond its end, so decoders check the length once, before the first field.
 */
export function byteView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
