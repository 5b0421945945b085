/**
 * What two readings of kernel tables (wire/flow-reading.ts) differ in.
 *
 * Two tables cannot be read at one instant: what begins, changes or ends meanwhile is in one
 * reading only. So they are read twice, some time apart, and only what differs the same way in both
 * is a difference.
 */

/** The bit of an entry that says whether the flow is established. */
const ESTABLISHED = 1n;

/** Flows by key, each with the bit `ESTABLISHED` of the node that has it. */
export interface TableDifference {
  /** Only this node has them. */
  readonly missing: readonly bigint[];
  /** Only the peer has them. */
  readonly surplus: readonly bigint[];
  /** Both have them, but only one of them as established; the bit is this node's. */
  readonly changed: readonly bigint[];
}

/** The entries of a reading in their order. Throws RangeError when they are not whole. */
export function sortedEntries(bytes: Uint8Array): BigUint64Array {
  return new BigUint64Array(Uint8Array.from(bytes).buffer).sort();
}

/** Both in their order. */
export function tableDifference(own: BigUint64Array, peer: BigUint64Array): TableDifference {
  const missing: bigint[] = [];
  const surplus: bigint[] = [];
  const changed: bigint[] = [];
  let [mine, its] = [0, 0];
  while (mine < own.length || its < peer.length) {
    const [one, other] = [own[mine], peer[its]];
    const order = compareKeys(one, other);
    if (order === 0 && one !== undefined) {
      if (one !== other) changed.push(one);
    } else if (order < 0 && one !== undefined) missing.push(one);
    else if (other !== undefined) surplus.push(other);
    if (order <= 0) mine = beyond(own, mine);
    if (order >= 0) its = beyond(peer, its);
  }
  return { missing, surplus, changed };
}

/** What is in both, as it is in the later one. */
export function lastingDifference(
  earlier: TableDifference,
  later: TableDifference,
): TableDifference {
  const lasting = (kind: keyof TableDifference): readonly bigint[] => {
    const before = new Set(earlier[kind].map(keyOf));
    return later[kind].filter((entry) => before.has(keyOf(entry)));
  };
  return {
    missing: lasting('missing'),
    surplus: lasting('surplus'),
    changed: lasting('changed'),
  };
}

export function isEstablished(entry: bigint): boolean {
  return (entry & ESTABLISHED) !== 0n;
}

/** The key of an entry, without what the bit says. */
export function keyOf(entry: bigint): bigint {
  return entry & ~ESTABLISHED;
}

/** Negative when the first comes first; what is not there comes last. */
function compareKeys(one: bigint | undefined, other: bigint | undefined): number {
  if (one === undefined) return 1;
  if (other === undefined) return -1;
  const [first, second] = [keyOf(one), keyOf(other)];
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

/** Over a flow that was shown twice, too: the kernel may do so when its table grows. */
function beyond(entries: BigUint64Array, index: number): number {
  const key = keyOf(entries[index] ?? 0n);
  let next = index + 1;
  while (next < entries.length && keyOf(entries[next] ?? 0n) === key) next += 1;
  return next;
}
