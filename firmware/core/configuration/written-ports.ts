/** Ports as people write them: one number, or the first and the last of a range. */
import type { Span } from './spans.ts';

const PORTS = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/;
const HIGHEST = 65_535n;

/** Undefined for what is neither. 1 to 65535. */
export function parsePorts(written: string | number): Span | undefined {
  const match = PORTS.exec(String(written));
  if (match === null) return undefined;
  const first = BigInt(match[1] ?? 0);
  const last = BigInt(match[2] ?? first);
  return first <= last && last <= HIGHEST ? { first, last } : undefined;
}

export function formatPorts({ first, last }: Span): string {
  return first === last ? `${first}` : `${first}-${last}`;
}
