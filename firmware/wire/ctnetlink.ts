/**
 * ctnetlink (linux/netfilter/nfnetlink_conntrack.h): numbers of the messages and attributes in
 * which the kernel speaks of its connection tracking table. Integers inside attributes are in
 * network byte order, lengths and types in that of the machine.
 */

/** NFNL_SUBSYS_CTNETLINK and NFNL_SUBSYS_CTNETLINK_EXP in the upper byte, IPCTNL_MSG_* below. */
export const conntrackTypes = {
  flow: 0x0100,
  getFlows: 0x0101,
  deleteFlow: 0x0102,
  expectation: 0x0200,
  getExpectations: 0x0201,
  deleteExpectation: 0x0202,
} as const;

/** Multicast groups for events (NFNLGRP_CONNTRACK_*). */
export const conntrackGroups = {
  new: 1,
  update: 2,
  destroy: 3,
  expectationNew: 4,
  expectationUpdate: 5,
  expectationDestroy: 6,
} as const;

/** Of the netlink header and of struct nfgenmsg behind it. */
export const CONNTRACK_HEADER_BYTES = 20;
/** Offset of the address family in a message (nfgen_family). */
export const FAMILY_OFFSET = 16;

export const families = { ipv4: 2, ipv6: 10 } as const;

/** CTA_*. */
export const flowAttributes = {
  original: 1,
  reply: 2,
  status: 3,
  protocolState: 4,
  helper: 5,
  natSource: 6,
  timeout: 7,
  mark: 8,
  countersOriginal: 9,
  countersReply: 10,
  id: 12,
  natDestination: 13,
  master: 14,
  sequenceOriginal: 15,
  sequenceReply: 16,
  zone: 18,
  labels: 22,
  synproxy: 24,
} as const;

/** CTA_TUPLE_*, CTA_IP_*, CTA_PROTO_*. */
export const tupleAttributes = { ip: 1, protocol: 2, zone: 3 } as const;
export const ipAttributes = {
  ipv4Source: 1,
  ipv4Destination: 2,
  ipv6Source: 3,
  ipv6Destination: 4,
} as const;
export const protocolAttributes = {
  number: 1,
  sourcePort: 2,
  destinationPort: 3,
  icmpId: 4,
  icmpType: 5,
  icmpCode: 6,
  icmpv6Id: 7,
  icmpv6Type: 8,
  icmpv6Code: 9,
} as const;

/** CTA_PROTOINFO_TCP and CTA_PROTOINFO_TCP_*. */
export const TCP_STATE_ATTRIBUTE = 1;
export const tcpAttributes = {
  state: 1,
  scaleOriginal: 2,
  scaleReply: 3,
  flagsOriginal: 4,
  flagsReply: 5,
} as const;

/** CTA_NAT_*, CTA_PROTONAT_PORT_*. */
export const natAttributes = {
  ipv4Least: 1,
  ipv4Most: 2,
  ports: 3,
  ipv6Least: 4,
  ipv6Most: 5,
} as const;
export const natPortAttributes = { least: 1, most: 2 } as const;

/** CTA_EXPECT_*. */
export const expectationAttributes = {
  master: 1,
  tuple: 2,
  mask: 3,
  timeout: 4,
  helper: 6,
  zone: 7,
  flags: 8,
  class: 9,
  nat: 10,
  callback: 11,
} as const;

/** enum ip_conntrack_status (linux/netfilter/nf_conntrack_common.h). */
export const flowStatus = {
  expected: 0x001,
  seenReply: 0x002,
  assured: 0x004,
  confirmed: 0x008,
  fixedTimeout: 0x400,
} as const;

/** enum tcp_conntrack (linux/netfilter/nf_conntrack_tcp.h). */
export const tcpStates = {
  none: 0,
  synSent: 1,
  synReceived: 2,
  established: 3,
  lastAck: 6,
  close: 8,
  synSentTwice: 9,
} as const;

/** IP_CT_TCP_FLAG_*. */
export const tcpFlags = { windowScale: 0x01, selectiveAck: 0x02, closeInit: 0x04, liberal: 0x08 };

/** IP protocol numbers. */
export const ipProtocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;
