/**
 * VRRP advertisements, read only: a VRRP router on the segment shares CARP's protocol number,
 * groups and virtual MACs, so it has to be told apart from a broken CARP peer and named in alerts.
 *
 *      0         1      2          3       4           5          6          8
 *     +---------+------+----------+-------+-----------+----------+----------+-----------+---------+
 *     | version | vrid | priority | count | auth type | interval | checksum | addresses | auth, 8 |
 *     | type    |      |          |       | v3: interval, 12 bits|          |           | v2 only |
 *     +---------+------+----------+-------+-----------+----------+----------+-----------+---------+
 *
 * Version 2 (RFC 3768): IPv4 only, checksum over the message, eight bytes of authentication data
 * behind the addresses; some old speakers leave those out. Version 3 (RFC 5798, RFC 9568): both
 * families, checksum over pseudo header and message. Some speakers get the version 3 checksum
 * wrong, so a right shape is enough here and the checksum is reported.
 */
import { byteView } from './byte-view.ts';
import { internetChecksum } from './internet-checksum.ts';
import { type IpHeader, pseudoHeaderSum } from './ip-packet.ts';

const VERSION_AND_TYPE = 0;
const VRID = 1;
const PRIORITY = 2;
const COUNT = 3;
const HEADER_BYTES = 8;
const AUTHENTICATION_BYTES = 8;
const TYPE_ADVERTISEMENT = 1;

export interface VrrpAdvertisement {
  readonly version: 2 | 3;
  /** Virtual router number, 1..255: the last byte of the virtual MAC, as a VHID is. */
  readonly vrid: number;
  /** 0 (leaving) to 255 (owner of the addresses). */
  readonly priority: number;
  /** Addresses in the list. */
  readonly count: number;
  readonly checksumRight: boolean;
}

/**
 * Reads a whole protocol 112 payload; `undefined` unless it has the shape of a VRRP advertisement.
 */
export function decodeVrrpAdvertisement(
  payload: Uint8Array,
  ip: Pick<IpHeader, 'family' | 'source' | 'destination' | 'protocol'>,
): VrrpAdvertisement | undefined {
  if (payload.length < HEADER_BYTES) {
    return undefined;
  }
  const view = byteView(payload);
  const version = view.getUint8(VERSION_AND_TYPE) >> 4;
  const type = view.getUint8(VERSION_AND_TYPE) & 0x0f;
  const count = view.getUint8(COUNT);
  if (type !== TYPE_ADVERTISEMENT || count === 0 || !(version === 2 || version === 3)) {
    return undefined;
  }
  if (!messageLengths(version, ip.family, count).includes(payload.length)) {
    return undefined;
  }
  const initial = version === 3 ? pseudoHeaderSum(ip, payload.length) : 0;
  return {
    version,
    vrid: view.getUint8(VRID),
    priority: view.getUint8(PRIORITY),
    count,
    checksumRight: internetChecksum(payload, initial) === 0,
  };
}

/** Every length a message with `count` addresses may have, bytes. */
function messageLengths(version: 2 | 3, family: 4 | 6, count: number): readonly number[] {
  const listed = HEADER_BYTES + count * (family === 4 ? 4 : 16);
  if (version === 3) {
    return [listed];
  }
  return family === 4 ? [listed, listed + AUTHENTICATION_BYTES] : [];
}
