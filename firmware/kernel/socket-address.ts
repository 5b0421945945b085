/** Addresses of UDP sockets as the kernel takes them (ip(7), ipv6(7)). */
import { ipAddressBytes, ipFamily } from '../wire/ip-address.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** struct sockaddr_in, struct sockaddr_in6; `scope`: index of the device. */
export function socketAddress(address: string, port: number, scope: number): Uint8Array {
  const isIpv4 = ipFamily(address) === 4;
  const bytes = new Uint8Array(isIpv4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIpv4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(ipAddressBytes(address), isIpv4 ? 4 : 8);
  // The kernel only looks at it for link-local addresses.
  if (!isIpv4) view.setUint32(24, scope, true);
  return bytes;
}
