/**
 * Readings of the kernel's table for a comparison of both nodes, a piece at a time, one after the
 * other. They change nothing: the table's own walks (flow-walk.ts) mend, these are to judge.
 */
import type { ReadingWish } from '../core/flows/reading-answers.ts';
import type { ConntrackDump } from '../kernel/conntrack-dump.ts';
import { byteView } from '../wire/byte-view.ts';
import { FlowReading } from '../wire/flow-reading.ts';
import { LONGEST_FLOW_RECORD } from '../wire/flow-record.ts';

interface FlowReadingsParts {
  readonly dump: ConntrackDump;
  /** Length of the record of a message, or why it is none that concerns the peer. */
  readonly decode: (
    view: DataView,
    at: number,
    length: number,
    target: DataView,
    to: number,
  ) => number;
  /** Records of flows that are as present as they can be here. */
  readonly shadows: () => readonly Uint8Array[];
}

interface Wish {
  readonly for: 'own' | 'peer';
  readonly id: number;
  readonly reading: FlowReading;
}

type Done = Pick<Wish, 'for' | 'id'> & { readonly bytes: Uint8Array | undefined };

export class FlowReadings {
  readonly #parts: FlowReadingsParts;
  readonly #record = byteView(new Uint8Array(LONGEST_FLOW_RECORD));
  /** The first one is being read. */
  #wishes: Wish[] = [];

  constructor(parts: FlowReadingsParts) {
    this.#parts = parts;
  }

  get underWay(): boolean {
    return this.#wishes.length > 0;
  }

  /** Takes the place of what the same node has wished before. */
  want(whose: 'own' | 'peer', { id, keys }: ReadingWish): void {
    const [first] = this.#wishes;
    this.#wishes = this.#wishes.filter((wish) => wish.for !== whose);
    this.#wishes.push({ for: whose, id, reading: new FlowReading(keys) });
    if (this.#wishes[0] !== first) this.#parts.dump.start('flow');
  }

  /** Reads on; a reading that has ended, with its bytes or without when it failed. */
  step(): Done | undefined {
    const [wish] = this.#wishes;
    if (wish === undefined) return undefined;
    const step = this.#parts.dump.step((view, at, length) => {
      this.#take(wish.reading, view, at, length);
      return true;
    });
    if (step === 'more' || step === 'held') return undefined;
    this.#wishes.shift();
    if (this.#wishes.length > 0) this.#parts.dump.start('flow');
    for (const record of this.#parts.shadows()) wish.reading.take(byteView(record), NO_MESSAGE);
    const bytes = step === 'complete' ? wish.reading.bytes : undefined;
    return { for: wish.for, id: wish.id, bytes };
  }

  #take(reading: FlowReading, view: DataView, at: number, length: number): void {
    if (this.#parts.decode(view, at, length, this.#record, 0) < 0) return;
    reading.take(this.#record, new Uint8Array(view.buffer, view.byteOffset + at, length));
  }
}

const NO_MESSAGE = new Uint8Array(0);
