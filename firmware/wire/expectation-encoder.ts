/** An expectation of the peer as the request by which the kernel takes it in, or forgets it. */
import { conntrackTypes, expectationAttributes, FAMILY_OFFSET, families } from './ctnetlink.ts';
import {
  bodies,
  EXPECTATION_TAIL,
  flowHeader,
  flowOperations,
  LONGEST_FLOW_RECORD,
} from './flow-record.ts';
import { netlinkFlags } from './netlink-message.ts';
import type { NetlinkWriter } from './netlink-writer.ts';

/** All but the timeout, which is in the body, and what only the other kernel can know. */
const TAIL_TYPES: ReadonlySet<number> = new Set([
  expectationAttributes.master,
  expectationAttributes.tuple,
  expectationAttributes.mask,
  expectationAttributes.helper,
  expectationAttributes.zone,
  expectationAttributes.flags,
  expectationAttributes.class,
  expectationAttributes.nat,
  expectationAttributes.callback,
]);

/** Writes the request for a record that `expectationRecordLength` has found whole. */
export function encodeExpectation(
  out: NetlinkWriter,
  view: DataView,
  at: number,
  to: number,
  sequence: number,
): number {
  const isCreation = view.getUint8(at + flowHeader.operation) === flowOperations.expect;
  const { expectation, deleteExpectation } = conntrackTypes;
  out.begin(to, isCreation ? expectation : deleteExpectation, sequence);
  if (isCreation) out.addFlags(netlinkFlags.create | netlinkFlags.exclusive);
  out.family(FAMILY_OFFSET, view.getUint8(at + bodies.timeout + 4));
  const end = at + view.getUint16(at + flowHeader.length, true);
  for (let next = at + EXPECTATION_TAIL; next + 4 <= end; ) {
    const length = view.getUint16(next, true);
    out.copy(view, next, length);
    next += (length + 3) & ~3;
  }
  if (isCreation)
    out.wordBe(expectationAttributes.timeout, view.getUint32(at + bodies.timeout, true));
  return out.end();
}

/** As `flowRecordLength`, for an expectation. Without its tuple a removal would remove all. */
export function expectationRecordLength(view: DataView, at: number, available: number): number {
  if (available < EXPECTATION_TAIL) return 0;
  const length = view.getUint16(at + flowHeader.length, true);
  if (length > available || length > LONGEST_FLOW_RECORD || length % 4 !== 0) return 0;
  const operation = view.getUint8(at + flowHeader.operation);
  if (operation !== flowOperations.expect && operation !== flowOperations.unexpect) return 0;
  const family = view.getUint8(at + bodies.timeout + 4);
  if (family !== families.ipv4 && family !== families.ipv6) return 0;
  let hasTuple = false;
  let next = at + EXPECTATION_TAIL;
  while (next + 4 <= at + length) {
    const bytes = view.getUint16(next, true);
    const type = view.getUint16(next + 2, true) & 0x3fff;
    if (bytes < 4 || !TAIL_TYPES.has(type)) return 0;
    if (type === expectationAttributes.tuple) hasTuple = true;
    next += (bytes + 3) & ~3;
  }
  return hasTuple && next === at + length ? length : 0;
}
