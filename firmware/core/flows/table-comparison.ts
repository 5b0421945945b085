/**
 * The exact difference of both nodes' kernel tables, when somebody wants to know it. Nothing is
 * taken from the replication's own table, and nothing is mended by it: it is what the replication
 * is judged by.
 *
 *     both tables are read (own, and the peer's by reading-question.ts)
 *     a pause, in which what was under way arrives
 *     both are read again; what differs the same way twice is the difference
 *     (table-difference.ts), and of some of its flows lines are asked for
 */
import type { FlowAnswer, FlowAsk } from '../../wire/flow-frame.ts';
import { after, earliest, type Instant, milliseconds, seconds } from '../time.ts';
import type { ReadingWish } from './reading-answers.ts';
import { ReadingQuestion } from './reading-question.ts';
import {
  isEstablished,
  keyOf,
  lastingDifference,
  sortedEntries,
  type TableDifference,
  tableDifference,
} from './table-difference.ts';

/** What takes longer to arrive is a difference. */
const GRACE = milliseconds(250);
/** A peer that reads its table says so several times a second. */
const PATIENCE = seconds(3);
const LIMIT = seconds(60);
const ENTRY_BYTES = 8;

/** Flows in one state of agreement. */
export interface DifferingFlows {
  /** How many are established: a takeover loses these, or finds them where they are over. */
  readonly established: number;
  /** Unanswered, not assured, or closing: copies of these may lapse before their owner says so. */
  readonly other: number;
  /** Keys of the first ones, established ones first. */
  readonly keys: readonly bigint[];
}

export interface Comparison {
  /** Flows in the second reading of each. */
  readonly here: number;
  readonly atPeer: number;
  /** Only here; only at the peer; established at one of them only (counted by what is here). */
  readonly missing: DifferingFlows;
  readonly surplus: DifferingFlows;
  readonly changed: DifferingFlows;
  /** Readings of the flows named, of this node and of the peer. */
  readonly lines: Uint8Array;
  readonly peerLines: Uint8Array;
}

export type ComparisonOutcome =
  | { readonly ok: true; readonly comparison: Comparison }
  /** Why there is none, for people. */
  | { readonly ok: false; readonly why: string };

interface Reading {
  readonly own: Uint8Array;
  readonly peer: Uint8Array;
}

interface Work {
  stage: 'first' | 'pause' | 'second' | 'lines';
  readonly examples: number;
  readonly begunAt: Instant;
  until: Instant;
  /** Undefined when nothing is wanted of the peer. */
  question: ReadingQuestion | undefined;
  own: Uint8Array | undefined;
  first: TableDifference;
  found: Omit<Comparison, 'lines' | 'peerLines'> | undefined;
}

const NOTHING: TableDifference = { missing: [], surplus: [], changed: [] };
const NO_KEYS = new Uint32Array(0);
const NEVER = Number.MAX_SAFE_INTEGER as Instant;

export class TableComparison {
  #work: Work | undefined;
  #ids = 0;
  #wish: ReadingWish | undefined;
  #outcomes: ComparisonOutcome[] = [];

  get isUnderWay(): boolean {
    return this.#work !== undefined;
  }

  /** `examples`: of so many flows of each kind lines are wanted, 0..LINES_AT_MOST. */
  begin(examples: number, now: Instant): void {
    this.#work = {
      stage: 'first',
      examples: Math.min(examples, LINES_AT_MOST),
      begunAt: now,
      until: now,
      question: this.#askForAll(now),
      own: undefined,
      first: NOTHING,
      found: undefined,
    };
  }

  /** It cannot go on, or not begin. */
  fail(why: string): void {
    this.#work = undefined;
    this.#wish = undefined;
    this.#outcomes.push({ ok: false, why });
  }

  /** A new life of the peer. */
  restart(): void {
    if (this.isUnderWay) this.fail('the replication at the peer was restarted');
  }

  hear(answer: FlowAnswer, now: Instant): void {
    this.#work?.question?.hear(answer, now);
  }

  /** This node's own table, as it was wished; undefined when it could not be read. */
  read(id: number, bytes: Uint8Array | undefined): void {
    const work = this.#work;
    if (work === undefined || id !== this.#ids) return;
    if (bytes === undefined) this.fail('the own connection table could not be read');
    else work.own = bytes;
  }

  settle(now: Instant): void {
    const work = this.#work;
    if (work === undefined) return;
    if (work.stage === 'pause') {
      if (now >= work.until) this.#readAgain(work, now);
      return;
    }
    const { own, question } = work;
    const peer = question === undefined ? NO_BYTES : question.answer;
    if (own !== undefined && peer !== undefined) this.#take(work, { own, peer }, now);
    else if (question !== undefined && now >= silentAt(question)) {
      this.fail('the peer does not answer (an older version does not know the question)');
    } else if (now >= after(work.begunAt, LIMIT)) this.fail('it takes too long');
  }

  /** A reading of the own table to make, once each. */
  poll(): ReadingWish | undefined {
    const wish = this.#wish;
    this.#wish = undefined;
    return wish;
  }

  outcome(): ComparisonOutcome | undefined {
    return this.#outcomes.shift();
  }

  /** What to ask the peer now. */
  ask(now: Instant): Pick<FlowAsk, 'id' | 'from' | 'keys'> | undefined {
    return this.#work?.stage === 'pause' ? undefined : this.#work?.question?.ask(now);
  }

  nextTimeout(): Instant | undefined {
    const work = this.#work;
    if (work === undefined) return undefined;
    if (work.stage === 'pause') return work.until;
    const { question } = work;
    const silence = question && silentAt(question);
    return earliest(after(work.begunAt, LIMIT), earliest(question?.nextTimeout(), silence));
  }

  /** Both tables are to be read. */
  #askForAll(now: Instant): ReadingQuestion {
    this.#ids = (this.#ids + 1) >>> 0;
    this.#wish = { id: this.#ids, keys: NO_KEYS };
    return new ReadingQuestion(this.#ids, NO_KEYS, now);
  }

  #readAgain(work: Work, now: Instant): void {
    work.stage = 'second';
    work.own = undefined;
    work.question = this.#askForAll(now);
  }

  #take(work: Work, reading: Reading, now: Instant): void {
    if (work.stage === 'lines') {
      this.#end(work, reading);
      return;
    }
    if (reading.peer.length % ENTRY_BYTES !== 0) {
      this.fail('the peer gave no table');
      return;
    }
    const [own, peer] = [sortedEntries(reading.own), sortedEntries(reading.peer)];
    const difference = tableDifference(own, peer);
    if (work.stage === 'first') {
      work.first = difference;
      work.stage = 'pause';
      work.until = after(now, GRACE);
      return;
    }
    const { missing, surplus, changed } = lastingDifference(work.first, difference);
    const found = {
      here: own.length,
      atPeer: peer.length,
      missing: differing(missing, work.examples),
      surplus: differing(surplus, work.examples),
      changed: differing(changed, work.examples),
    };
    work.found = found;
    this.#askLines(work, found, now);
  }

  #askLines(work: Work, found: NonNullable<Work['found']>, now: Instant): void {
    const { missing, surplus, changed } = found;
    const own = [...missing.keys, ...changed.keys];
    const peer = [...surplus.keys, ...changed.keys];
    this.#ids = (this.#ids + 1) >>> 0;
    work.stage = 'lines';
    // Without keys one would be told of all flows.
    work.own = own.length === 0 ? NO_BYTES : undefined;
    if (own.length > 0) this.#wish = { id: this.#ids, keys: keyWords(own) };
    const isAsking = peer.length > 0;
    work.question = isAsking ? new ReadingQuestion(this.#ids, keyWords(peer), now) : undefined;
    this.settle(now);
  }

  #end(work: Work, { own, peer }: Reading): void {
    this.#work = undefined;
    if (work.found === undefined) return;
    const comparison = { ...work.found, lines: own, peerLines: peer };
    this.#outcomes.push({ ok: true, comparison });
  }
}

const NO_BYTES = new Uint8Array(0);
/** Of each kind; an asking, about surplus and changed ones, has room for twice as many. */
export const LINES_AT_MOST = 64;

/** A peer that has not been heard until then does not answer. */
function silentAt({ answer, heardAt }: ReadingQuestion): Instant {
  return answer === undefined ? after(heardAt, PATIENCE) : NEVER;
}

function differing(entries: readonly bigint[], examples: number): DifferingFlows {
  const established = entries.filter(isEstablished);
  const others = entries.filter((entry) => !isEstablished(entry));
  return {
    established: established.length,
    other: others.length,
    keys: [...established.slice(0, examples), ...others].slice(0, examples).map(keyOf),
  };
}

/** As an asking carries them: low and high in turn. */
function keyWords(keys: readonly bigint[]): Uint32Array {
  return Uint32Array.from(keys.flatMap((key) => [Number(key & 0xffff_ffffn), Number(key >> 32n)]));
}
