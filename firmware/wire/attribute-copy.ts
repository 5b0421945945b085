/**
 * Copies a netlink attribute of `length` bytes, header and all, with zeros as padding. Returns
 * where the next one goes.
 */
export function copyAttribute(
  source: DataView,
  at: number,
  length: number,
  target: DataView,
  to: number,
): number {
  const padded = (length + 3) & ~3;
  target.setUint32(to + padded - 4, 0, true);
  for (let i = 0; i < length; i++) target.setUint8(to + i, source.getUint8(at + i));
  return to + padded;
}
