/**
 * Flows of the peer that begin or end on this node: what passes through the MASTER from or to the
 * BACKUP itself. This kernel has them in its own way, and what the peer knows of them must not
 * take their place. They are left out of what is injected, and remembered, so that they do not
 * count as missing.
 */
import { flowRecordLength } from '../wire/flow-encoder.ts';
import type { FlowFilter } from '../wire/flow-filter.ts';
import { bodies, flowHeader, flowOperations, shapes } from '../wire/flow-record.ts';

/** More are not remembered: a node talks to a few servers, not to a crowd. */
const REMEMBERED = 4096;
/** An operation no injector knows: the record is passed over. */
const LEFT_OUT = 0xff;

export class ShadowFlows {
  readonly #records = new Map<string, Uint8Array>();

  /** Marks those records, many back to back, that are not to be injected. */
  sift(bytes: Uint8Array, length: number, filter: FlowFilter): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    for (let at = 0; at + bodies.tuple <= length; ) {
      const whole = flowRecordLength(view, at, length - at);
      const step = whole > 0 ? whole : view.getUint16(at + flowHeader.length, true);
      if (whole > 0 && endsHere(view, at, filter)) this.#leaveOut(bytes, view, at, whole);
      if (step === 0) return;
      at += step;
    }
  }

  records(): Uint8Array[] {
    return [...this.#records.values()];
  }

  #leaveOut(bytes: Uint8Array, view: DataView, at: number, length: number): void {
    const [low, high] = [
      view.getUint32(at + flowHeader.keyLow),
      view.getUint32(at + flowHeader.keyHigh),
    ];
    const key = `${low} ${high}`;
    const isDestroy = view.getUint8(at + flowHeader.operation) === flowOperations.destroy;
    if (isDestroy) this.#records.delete(key);
    else if (this.#records.size < REMEMBERED) this.#records.set(key, bytes.slice(at, at + length));
    view.setUint8(at + flowHeader.operation, LEFT_OUT);
  }
}

/** The initiator, whoever answers, or whom it meant to speak to where nothing is translated. */
function endsHere(view: DataView, at: number, filter: FlowFilter): boolean {
  const shape = view.getUint8(at + bodies.shape);
  const addressBytes = shape & shapes.ipv6 ? 16 : 4;
  const source = at + bodies.tuple;
  if (filter.isLocal(view, source, addressBytes)) return true;
  const isDestroy = view.getUint8(at + flowHeader.operation) === flowOperations.destroy;
  const isTranslated = (shape & shapes.translated) !== 0;
  const answers = isTranslated ? source + 2 * addressBytes + 4 : source + addressBytes;
  // A destroy does not tell who answered; removing what is not there is harmless.
  if (isDestroy) return filter.isLocal(view, source + addressBytes, addressBytes);
  return filter.isLocal(view, answers, addressBytes);
}
