/**
 * What the kernel says of an expectation (a connection that a helper has read about in another one,
 * as FTP announces its data connections) as a flow record. There are few of them, so their
 * attributes are taken over as they are.
 */
import { copyAttribute } from './attribute-copy.ts';
import {
  CONNTRACK_HEADER_BYTES,
  conntrackTypes,
  expectationAttributes,
  FAMILY_OFFSET,
  families,
} from './ctnetlink.ts';
import type { FlowFilter } from './flow-filter.ts';
import { FlowKey, type FlowKeySeed } from './flow-key.ts';
import {
  bodies,
  EXPECTATION_TAIL,
  flowFlags,
  flowHeader,
  flowOperations,
  LONGEST_FLOW_RECORD,
} from './flow-record.ts';
import { flowRefusals } from './flow-refusals.ts';
import { FlowTuple } from './flow-tuple.ts';

const ATTRIBUTE_HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;

/** What names an expectation, and what else has to be said to make one. */
const NAMING: ReadonlySet<number> = new Set([
  expectationAttributes.tuple,
  expectationAttributes.zone,
]);
const MAKING: ReadonlySet<number> = new Set([
  ...NAMING,
  expectationAttributes.master,
  expectationAttributes.mask,
  expectationAttributes.helper,
  expectationAttributes.flags,
  expectationAttributes.class,
  expectationAttributes.nat,
  expectationAttributes.callback,
]);

export class ExpectationDecoder {
  filter: FlowFilter;
  /** Where in the message decoded last the attribute with the tuple of its master lies. */
  masterAt = 0;
  readonly #key: FlowKey;
  readonly #tuple = new FlowTuple();
  readonly #master = new FlowTuple();

  constructor(seed: FlowKeySeed, filter: FlowFilter) {
    this.#key = new FlowKey(seed);
    this.filter = filter;
  }

  /** As FlowDecoder.decode. */
  decode(source: DataView, at: number, length: number, target: DataView, to: number): number {
    if (length < CONNTRACK_HEADER_BYTES) return flowRefusals.malformed;
    const type = source.getUint16(at + 4, true);
    const isDestroy = type === conntrackTypes.deleteExpectation;
    if (type !== conntrackTypes.expectation && !isDestroy) return flowRefusals.foreign;
    const family = source.getUint8(at + FAMILY_OFFSET);
    if (family !== families.ipv4 && family !== families.ipv6) return flowRefusals.unsupported;
    const end = at + length;
    let timeout = 0;
    let tuples = 0;
    let out = to + EXPECTATION_TAIL;
    let next = at + CONNTRACK_HEADER_BYTES;
    this.#key.begin(flowOperations.expect);
    while (next + ATTRIBUTE_HEADER_BYTES <= end) {
      const bytes = source.getUint16(next, true);
      if (bytes < ATTRIBUTE_HEADER_BYTES || next + bytes > end) return flowRefusals.malformed;
      const attribute = source.getUint16(next + 2, true) & TYPE_MASK;
      const payload = next + ATTRIBUTE_HEADER_BYTES;
      if (attribute === expectationAttributes.timeout && bytes === ATTRIBUTE_HEADER_BYTES + 4) {
        timeout = source.getUint32(payload);
      } else if (attribute === expectationAttributes.tuple) {
        if (!this.#tuple.read(source, payload, next + bytes)) return flowRefusals.malformed;
        this.#key.addSpan(source, payload, (bytes - ATTRIBUTE_HEADER_BYTES) & ~3);
        tuples |= 1;
      } else if (attribute === expectationAttributes.master) {
        this.masterAt = next;
        if (!this.#master.read(source, payload, next + bytes)) return flowRefusals.malformed;
        tuples |= 2;
      }
      if ((isDestroy ? NAMING : MAKING).has(attribute)) {
        if (out - to + bytes + 3 > LONGEST_FLOW_RECORD) return flowRefusals.long;
        out = copyAttribute(source, next, bytes, target, out);
      }
      next += (bytes + 3) & ~3;
    }
    if ((tuples & 1) === 0) return flowRefusals.malformed;
    if (tuples === 3 && this.#isLocal(source)) return flowRefusals.local;
    this.#key.end();
    target.setUint16(to + flowHeader.length, out - to, true);
    const operation = isDestroy ? flowOperations.unexpect : flowOperations.expect;
    target.setUint8(to + flowHeader.operation, operation);
    target.setUint8(to + flowHeader.flags, isDestroy ? 0 : flowFlags.singular);
    target.setUint32(to + flowHeader.keyLow, this.#key.low, true);
    target.setUint32(to + flowHeader.keyHigh, this.#key.high, true);
    target.setUint32(to + bodies.timeout, timeout, true);
    target.setUint32(to + bodies.timeout + 4, family, true);
    return out - to;
  }

  #isLocal(view: DataView): boolean {
    const { sourceAt, addressBytes } = this.#master;
    return this.filter.isLocal(view, sourceAt, addressBytes);
  }
}
