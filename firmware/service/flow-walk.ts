/**
 * A walk over the kernel's table, a piece at a time: flows, then expectations. Each entry becomes a
 * record that the replication looks at; what it wants done with it is done at once.
 */
import { verdicts } from '../core/flows/table-walk.ts';
import type { ConntrackDump } from '../kernel/conntrack-dump.ts';
import type { ConntrackInjector } from '../kernel/conntrack-injector.ts';
import { bodies, LONGEST_FLOW_RECORD } from '../wire/flow-record.ts';

/** Copies of quiet flows live longer than this after each renewal, and two walks fit into it. */
const RENEWED_BELOW_S = 120;

/** Length of the record of a message, or why there is none. */
type Decode = (view: DataView, at: number, length: number, target: DataView, to: number) => number;

interface FlowWalkParts {
  readonly dump: ConntrackDump;
  readonly injector: ConntrackInjector;
  readonly decodeFlow: Decode;
  readonly decodeExpectation: Decode;
  /** Answers one of `verdicts`. */
  readonly visit: (record: Uint8Array) => number;
}

export class FlowWalk {
  readonly #parts: FlowWalkParts;
  readonly #record = new Uint8Array(LONGEST_FLOW_RECORD);
  readonly #view = new DataView(this.#record.buffer);
  #stage: 'flow' | 'expectation' | undefined;

  constructor(parts: FlowWalkParts) {
    this.#parts = parts;
  }

  get underWay(): boolean {
    return this.#stage !== undefined;
  }

  start(): void {
    this.#stage = 'flow';
    this.#parts.dump.start('flow');
  }

  /** Reads on; tells how it ended when it has. `held`: the replication has no room now. */
  step(): 'under-way' | 'held' | 'complete' | 'failed' {
    const { dump } = this.#parts;
    const step = dump.step((view, at, length) => this.#take(view, at, length));
    if (step === 'held') return 'held';
    if (step === 'more') return 'under-way';
    if (step === 'complete' && this.#stage === 'flow') {
      this.#stage = 'expectation';
      dump.start('expectation');
      return 'under-way';
    }
    this.#stage = undefined;
    return step;
  }

  #take(view: DataView, at: number, length: number): boolean {
    const { decodeFlow, decodeExpectation, injector, visit } = this.#parts;
    const decode = this.#stage === 'flow' ? decodeFlow : decodeExpectation;
    const bytes = decode(view, at, length, this.#view, 0);
    if (bytes < 0) return true;
    const wanted = visit(this.#record.subarray(0, bytes));
    if (wanted === verdicts.wait) return false;
    if (wanted === verdicts.renew) {
      const left = this.#view.getUint32(bodies.timeout, true);
      if (left < RENEWED_BELOW_S) injector.renew(this.#view, 0);
    }
    if (wanted === verdicts.remove) injector.remove(this.#view, 0);
    return true;
  }
}
