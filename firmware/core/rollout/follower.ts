/**
 * Follows a change that the other node leads. In doubt about its end it waits for the leader's
 * state, and when the leader does not come back, what ran before is restored: whatever stands then
 * is caught up with later.
 */
import type { ConfigRevision } from '../../wire/config-revision.ts';
import type { SyncMessage } from '../../wire/sync-message.ts';
import { after, type Duration, type Instant, milliseconds, seconds } from '../time.ts';
import type { KnownPeer, RolloutDesk } from './rollout-desk.ts';
import type { Change } from './rollout-io.ts';

/** How long the leader may be gone in the middle of a change; a trial is added. */
const PATIENCE: Duration = seconds(30);

/** What the answer of this machine is for. */
type Errand = 'validate' | 'apply' | 'apply-and-keep' | 'undo';

export class Follower {
  readonly #desk: RolloutDesk;
  #errand: { readonly token: number; readonly what: Errand } | undefined;
  /** In this life of the process. */
  #isApplied = false;
  #givesUpAt: Instant | undefined;

  constructor(desk: RolloutDesk) {
    this.#desk = desk;
  }

  get nextTimeout(): Instant | undefined {
    return this.#givesUpAt;
  }

  /** With what an earlier life left. */
  start(now: Instant): void {
    const change = this.#desk.changeOf('follower');
    if (change?.phase === 'preparing') this.#desk.write({ change: null });
    else if (change?.phase === 'undoing') this.#undo(change, change.reason);
    else if (change !== undefined) this.#waitForLeader(change, now);
  }

  prepare(revision: ConfigRevision, trial: number): void {
    const { id, number, hash, resolves } = revision;
    const { change, head, journal } = this.#desk;
    const refuse = (reason: string) => this.#desk.send({ kind: 'refused', id, reason });
    if (change !== null) return refuse('it is in the middle of another change');
    if (journal.emergency && hash !== head.hash && resolves !== head.id) {
      return refuse(`revision ${head.number} was made there in an emergency`);
    }
    this.#isApplied = false;
    this.#desk.put({ kind: 'keep', revision });
    const target = { number, id, hash };
    const kind = { part: 'follower', phase: 'preparing', together: true, catchUp: false } as const;
    const rest = { live: false, emergency: false, trial, reason: '' };
    this.#desk.write({ change: { ...kind, target, previous: head, ...rest } });
    this.#errand = { token: this.#desk.validate(id), what: 'validate' };
  }

  hear({ kind, id, ...rest }: Extract<SyncMessage, { id: string }>): void {
    const change = this.#desk.changeOf('follower');
    if (change?.target.id !== id) {
      // It knows of no such change, or of its end: then it runs what it ran before.
      if (kind !== 'abort') return;
      this.#desk.tell();
      return this.#desk.send({ kind: 'aborted', id, reason: '' });
    }
    if (kind === 'apply' && change.phase === 'preparing') {
      this.#desk.enter('applying');
      this.#errand = { token: this.#desk.apply(id, true), what: 'apply' };
    } else if (kind === 'commit') this.#commit(change);
    else if (kind === 'abort') this.#abort(change, 'reason' in rest ? String(rest.reason) : '');
  }

  /** The leader's state tells how a change ended of whose end no word came. */
  learn(leader: KnownPeer): void {
    this.#givesUpAt = undefined;
    const { head, journal } = this.#desk;
    if (leader.head.id === head.id && !journal.synced) this.#desk.write({ synced: true });
    const change = this.#desk.changeOf('follower');
    if (change === undefined || leader.changing === change.target.id) return;
    if (leader.head.id === change.target.id) this.#commit(change);
    else this.#abort(change, `${leader.node} has given it up`);
  }

  disconnected(now: Instant): void {
    const change = this.#desk.changeOf('follower');
    if (change !== undefined) this.#waitForLeader(change, now);
  }

  answered(token: number, problem: string | undefined): void {
    const change = this.#desk.changeOf('follower');
    if (change === undefined || this.#errand?.token !== token) return;
    const { what } = this.#errand;
    this.#errand = undefined;
    const { id } = change.target;
    if (what === 'undo') return this.#undone(change, problem ?? '');
    if (problem === undefined) {
      if (what === 'validate') return this.#desk.send({ kind: 'prepared', id });
      this.#isApplied = true;
      if (what === 'apply-and-keep') return this.#commit(change);
      return this.#desk.send({ kind: 'applied', id });
    }
    if (what === 'validate') {
      this.#end(change);
      this.#desk.send({ kind: 'refused', id, reason: problem });
    } else {
      this.#desk.send({ kind: 'failed', id, reason: problem });
      this.#undo(change, problem);
    }
  }

  timeout(now: Instant): void {
    if (this.#givesUpAt === undefined || now < this.#givesUpAt) return;
    this.#givesUpAt = undefined;
    const change = this.#desk.changeOf('follower');
    if (change !== undefined) this.#abort(change, 'the node that leads it did not come back');
  }

  #waitForLeader({ trial }: Change, now: Instant): void {
    this.#givesUpAt = after(now, (PATIENCE + milliseconds(trial)) as Duration);
  }

  #commit(change: Change): void {
    const { target, previous, phase } = change;
    if (phase === 'undoing') return;
    if (!this.#isApplied && target.hash !== previous.hash) {
      if (this.#errand?.what === 'apply-and-keep') return;
      this.#desk.enter('applying');
      this.#errand = { token: this.#desk.apply(target.id, true), what: 'apply-and-keep' };
      return;
    }
    this.#errand = undefined;
    const { synced } = this.#desk.journal;
    const end = { change: null, failure: null, synced: true, emergency: false };
    this.#desk.write({ head: target, ...end });
    // What this node found on its own, and has under the pair's name now.
    if (!synced && target.hash === previous.hash) this.#desk.put({ kind: 'drop', id: previous.id });
    this.#desk.event(`revision ${target.number} stands`);
  }

  #abort(change: Change, reason: string): void {
    if (change.phase === 'preparing') {
      this.#end(change);
      this.#desk.send({ kind: 'aborted', id: change.target.id, reason: '' });
    } else if (change.phase !== 'undoing') this.#undo(change, reason);
  }

  #undo(change: Change, reason: string): void {
    this.#desk.enter('undoing', reason);
    this.#errand = { token: this.#desk.apply(change.previous.id, false), what: 'undo' };
  }

  #undone(change: Change, problem: string): void {
    const { number, id } = change.target;
    const end = problem === '' ? '' : `; what ran before is not back: ${problem}`;
    const text = `revision ${number} rolled back: ${change.reason}${end}`;
    this.#end(change, { number, text });
    this.#desk.event(text);
    this.#desk.send({ kind: 'aborted', id, reason: problem });
  }

  #end(change: Change, failure: { number: number; text: string } | null = null): void {
    this.#errand = undefined;
    this.#desk.put({ kind: 'drop', id: change.target.id });
    this.#desk.write(failure === null ? { change: null } : { change: null, failure });
  }
}
