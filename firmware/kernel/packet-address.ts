/** Addresses of packet sockets: struct sockaddr_ll (packet(7), linux/if_packet.h). */

export const PF_PACKET = 17;

const ADDRESS_BYTES = 20;

/** `ethertype` 0 receives nothing, as a socket only for sending wants it. */
export function packetAddress(index: number, ethertype: number): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, PF_PACKET, true);
  view.setUint16(2, ethertype);
  view.setInt32(4, index, true);
  return bytes;
}
