/**
 * A flow record: what one node tells the other about one flow, as a compact string of bytes that
 * says everything about itself. Its header is all that the replication between the nodes looks at;
 * `ctnetlink.ts` makes records of what the kernel says, and requests to the kernel of records.
 *
 *      0        2    3       4         8          12
 *     +--------+----+-------+---------+----------+---------------------
 *     | length | op | flags | key low | key high | body
 *     +--------+----+-------+---------+----------+---------------------
 *
 * The length covers the header and is a multiple of 4. Integers are little-endian, as on every
 * machine we run on; addresses, ports and the attributes of the tail are as the kernel gave them.
 *
 * Body of an upsert and of a destroy (`bodies` has the offsets):
 *
 *     timeout u32 (seconds; 0 in a destroy) | protocol u8 | shape u8 | status u16
 *     original source | original destination           4 bytes each, 16 if `shapes.ipv6`
 *     original ports, or ICMP identifier, type, code   4 bytes
 *     reply source | destination | ports               if `shapes.translated`
 *     TCP state | scales | flags original | reply      1 byte each, if `shapes.tcp`
 *     mark u32                                         if `shapes.mark`
 *     zone u32                                         if `shapes.zone`
 *     attributes (struct nlattr, CTA_*)                if `shapes.tail`
 *
 * Body of an expectation: timeout u32 | family u8, 3 zero bytes | attributes (CTA_EXPECT_*).
 */

export const FLOW_HEADER_BYTES = 12;
/** Longer ones are not made: a flow with all rare attributes needs some 400. */
export const LONGEST_FLOW_RECORD = 1024;

/** Offsets of the header. */
export const flowHeader = { length: 0, operation: 2, flags: 3, keyLow: 4, keyHigh: 8 } as const;

export const flowOperations = {
  upsert: 1,
  destroy: 2,
  expect: 3,
  unexpect: 4,
} as const;

export const flowFlags = {
  /**
   * The flow began with this record. It stands when another flow with the same tuple was destroyed,
   * or must have been: what is known of that one does not hold. Survives when a newer record of the
   * flow takes the place of this one before it was sent.
   */
  fresh: 0x01,
  /** Seen both ways, past its handshake: it counts as lost if it is missing. */
  established: 0x02,
  /** TCP that is closed both ways, or about to be. */
  closing: 0x04,
  /**
   * Carries what the kernel says once and later records do not repeat (labels, sequence adjustment,
   * master): no later upsert may take its place, both are sent.
   */
  singular: 0x08,
} as const;

/** Offsets in the body of upserts and destroys, from the beginning of the record. */
export const bodies = { timeout: 12, protocol: 16, shape: 17, status: 18, tuple: 20 } as const;

export const shapes = {
  ipv6: 0x01,
  /** The reply is not the original turned round: NAT. */
  translated: 0x02,
  tcp: 0x04,
  mark: 0x08,
  zone: 0x10,
  tail: 0x20,
} as const;

/** Offset of the attributes of an expectation. */
export const EXPECTATION_TAIL = 20;
