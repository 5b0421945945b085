/**
 * Whose a flow is. The owner is the node whose kernel sees its packets: only the owner's word that
 * a flow has ended counts, and only the owner keeps it alive. Kernels say nothing about flows that
 * merely go on, so ownership follows from who is MASTER:
 *
 *   this node serves all, from now on        it owns every flow it knows (`inherited`)
 *   the peer stops serving, this node serves the same
 *   the peer was restarted, nobody serves    the same, when it stays so for a second
 *   the peer serves, this node no longer     the peer owns all, as soon as it has been told of all
 *   a local event                            it owns that flow
 *   a record of the peer                     the table below
 *
 *   a record of the peer about     changes it                            whose it is then
 *   an unknown flow                always                                the peer's *
 *   a flow of the peer             always                                the peer's
 *   our flow, we do not serve      upsert; end, unless we were apart     the peer's
 *   our flow, both serve a part    upsert: it saw a packet last          the peer's
 *   our inherited flow             upsert; end, just after the takeover  ours
 *   our flow otherwise             never                                 ours
 *
 *   * ours if only we serve
 *
 * Who serves a part owns, besides, what was in its kernel at the start and the peer does not name:
 * with the VIPs of the two apart nobody else can tell that it is still in use.
 *
 * So after a split each side keeps what it saw, and a node that woke late cannot end, by the lapsed
 * timers of its own kernel, what the other has taken over.
 */
import type { FlowServing } from '../../wire/flow-frame.ts';
import { after, type Instant, milliseconds } from '../time.ts';
import { OWN_SIDE, PEER_SIDE } from './bucket-digests.ts';
import { DEAD, type FlowTable, marks } from './flow-table.ts';

/** What the peer had sent before it knew of the takeover arrives within this. */
const UNDER_WAY = milliseconds(500);
/** A process that comes back needs a moment to hear what the election of its node says. */
const ORPHANED = milliseconds(1_500);
/** Of two that serve, one is told to stop within this. */
const UNDECIDED = milliseconds(200);

/** What becomes of a record of the peer about a flow of this node. */
export type Judgement = 'refuse' | 'update' | 'cede';

export class FlowOwnership {
  readonly #table: FlowTable;
  #own: FlowServing;
  #peer: FlowServing = 'none';
  #tookOverAt: Instant | undefined;
  #contestedSince: Instant | undefined;
  #orphanedSince: Instant | undefined;
  #wereApart = false;
  #hasUntold = false;

  constructor(table: FlowTable, own: FlowServing) {
    this.#table = table;
    this.#own = own;
  }

  /** Whether this node is MASTER: for nothing, some of its VIPs, or all. */
  get own(): FlowServing {
    return this.#own;
  }

  /** The same of the peer, as it last said. */
  get peer(): FlowServing {
    return this.#peer;
  }

  /** The election of this node has changed. */
  serve(serving: FlowServing, now: Instant): void {
    const before = this.#own;
    this.#own = serving;
    this.#contest(now);
    if (serving !== 'all' || before === 'all') return;
    this.#tookOverAt = now;
    this.claimAll();
  }

  /** The peer says how it serves. */
  peerServes(serving: FlowServing, now: Instant): void {
    const before = this.#peer;
    this.#peer = serving;
    this.#contest(now);
    if (this.#own === 'all' && serving === 'none' && before !== 'none') this.claimAll();
  }

  /** The peer has begun a new life: what it owned in the former one has lost its owner. */
  peerRestarted(serving: FlowServing, now: Instant): void {
    this.#peer = serving;
    this.#contest(now);
    this.#orphanedSince = now;
  }

  /** Flows that have lost their owner become this node's, when it is time. */
  adopt(now: Instant): void {
    const since = this.#orphanedSince;
    if (since === undefined) return;
    const isOver = now >= after(since, ORPHANED);
    const isNobodys = this.#own === 'none' && this.#peer === 'none';
    if (isOver || !isNobodys) this.#orphanedSince = undefined;
    if (!isOver || !isNobodys) return;
    this.claimAll();
    this.#hasUntold = true;
  }

  /**
   * It is not decided yet whose the flows are that the peer had in its former life. Until then this
   * node's table is not all that it will own, and the peer must not take it for that.
   */
  get isUndecided(): boolean {
    return this.#orphanedSince !== undefined;
  }

  /**
   * Both serve everything: what the peer says of flows this node has seen waits for the election,
   * which soon tells one of them to stop; or until waiting has become pointless.
   */
  isHeld(now: Instant): boolean {
    return this.#contestedSince !== undefined && now < after(this.#contestedSince, UNDECIDED);
  }

  #contest(now: Instant): void {
    const isContested = this.#own === 'all' && this.#peer === 'all';
    this.#contestedSince = isContested ? (this.#contestedSince ?? now) : undefined;
  }

  /** Marks for a flow that was unknown until the peer told of it. */
  get marksOfUnknown(): number {
    const isOurs = this.#own === 'all' && this.#peer === 'none';
    return isOurs ? marks.own | marks.inherited | marks.announced : 0;
  }

  judgeUpsert(flowMarks: number): Judgement {
    if (this.#own === 'none') return 'cede';
    if ((flowMarks & marks.inherited) !== 0) return 'update';
    return this.#own === 'part' && this.#peer !== 'none' ? 'cede' : 'refuse';
  }

  /** The two have not heard each other for longer than a flow may be quiet. */
  apart(): void {
    this.#wereApart = true;
  }

  /** They have told each other everything since. */
  reunited(): void {
    this.#wereApart = false;
  }

  /** Whether the peer may end a flow of this node by what it said while it served as `then`. */
  mayEnd(flowMarks: number, then: FlowServing, now: Instant): boolean {
    if (then === 'none') return false;
    if (this.#own === 'none') return !this.#wereApart;
    if ((flowMarks & marks.inherited) === 0) return false;
    // What it said of it in a split was about its own copy.
    return this.#tookOverAt !== undefined && now < after(this.#tookOverAt, UNDER_WAY);
  }

  /** The flows of this node wait for the peer to take them over. */
  get isToCede(): boolean {
    return this.#own === 'none' && this.#peer !== 'none';
  }

  /** The peer has every flow of this node, and serves: they are the peer's. */
  cedeAll(): void {
    const mine = marks.own | marks.inherited | marks.announced | marks.birth;
    this.#table.eachNear(OWN_SIDE, (slot) => {
      const before = this.#table.marks(slot);
      if ((before & marks.own) === 0 || (before & DEAD) !== 0) return;
      // A pass of the peer that is under way need not name it any more.
      this.#table.set(slot, (before & ~mine) | marks.named);
    });
  }

  /** Everything this node knows is its own from now on. */
  claimAll(): void {
    this.#table.eachNear(PEER_SIDE, (slot) => {
      if ((this.#table.marks(slot) & (marks.own | DEAD)) === 0) this.claim(slot);
    });
  }

  /** A copy becomes this node's own flow. */
  claim(slot: number): void {
    const before = this.#table.marks(slot);
    // There is nothing to own; the digests will tell the peer.
    if ((before & marks.hollow) !== 0) {
      this.#table.bury(slot);
      return;
    }
    // What came from this node's kernel is not inherited, and the peer may know an older state.
    const isLoaded = (before & marks.loaded) !== 0;
    this.#hasUntold ||= isLoaded;
    const origin = isLoaded ? 0 : marks.inherited;
    this.#table.set(slot, (before & ~marks.loaded) | origin | marks.own | marks.announced);
  }

  /** True once after flows became this node's that the peer is to be told of anew. */
  takeUntold(): boolean {
    const hasUntold = this.#hasUntold;
    this.#hasUntold = false;
    return hasUntold;
  }
}
