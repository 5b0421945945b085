/**
 * Leads a change through both nodes: both would take it, the BACKUP runs it and is well, the MASTER
 * runs it and is well, people confirm it if they said they would, it stands.
 *
 * It stands from the moment at which the leader's journal says so; before that everything that goes
 * wrong undoes it on both nodes. What the other node misses of the end it learns from this node's
 * state when it is connected again. A leader that starts in the middle of a change undoes it: a
 * change that stops its own node must not be tried once more.
 */
import type { SyncMessage } from '../../wire/sync-message.ts';
import { after, type Duration, type Instant, milliseconds, seconds } from '../time.ts';
import type { RolloutDesk } from './rollout-desk.ts';
import type { Change, RolloutInput, RolloutOptions } from './rollout-io.ts';

type Place = 'here' | 'peer';
type Proposal = Extract<RolloutInput, { kind: 'propose' }>;
type Answer = Extract<SyncMessage, { id: string }>;

/** Parsing and dry runs of a large rule set on a slow box. */
const PREPARE_PATIENCE: Duration = seconds(20);
/** Applying, and the watch over its health. */
const APPLY_PATIENCE: Duration = seconds(45);
/** After a catch-up that failed: the reason may be gone. */
const RETRY_PAUSE: Duration = seconds(60);

export class Leader {
  readonly #desk: RolloutDesk;
  /** Whether a revision is the head or one that it follows from. */
  readonly #knows: (id: string) => boolean;
  /** Of a revision in the history. */
  readonly #textOf: (id: string) => string | undefined;
  /** Whose answers are awaited. */
  #waiting = new Set<Place>();
  #token = 0;
  /** Where the target is still to be applied. */
  #steps: Place[] = [];
  #deadline: Instant | undefined;
  #retryAt: Instant | undefined;
  #undoProblems: string[] = [];

  constructor(desk: RolloutDesk, { knows, textOf }: Pick<RolloutOptions, 'knows' | 'textOf'>) {
    this.#desk = desk;
    this.#knows = knows;
    this.#textOf = textOf;
  }

  get nextTimeout(): Instant | undefined {
    return this.#deadline ?? this.#retryAt;
  }

  /** With what an earlier life left. */
  start(now: Instant): void {
    const change = this.#desk.changeOf('leader');
    if (change === undefined) return;
    if (change.catchUp) return this.#forget(change, 'the process was started again');
    const reason = change.reason || `${this.#desk.node} was started again in the middle of it`;
    this.#undo(change, reason, now);
  }

  /** Undefined when it is under way, else why it is not. */
  propose({ target, trial, alone, live }: Proposal, now: Instant): string | undefined {
    const { change, peer, isDiverged, head } = this.#desk;
    if (change !== null) return `revision ${change.target.number} is under way`;
    if (!alone && isDiverged && target.resolves !== peer?.head.id) {
      return 'the nodes have diverged: yoke config resolve --keep here|peer';
    }
    if (!alone && peer?.changing) return `${peer.node} is in the middle of another change`;
    this.#begin(
      {
        part: 'leader',
        phase: 'preparing',
        target: { number: target.number, id: target.id, hash: target.hash },
        previous: head,
        together: !alone && peer !== undefined,
        catchUp: false,
        live,
        emergency: alone,
        trial: trial / milliseconds(1),
        reason: '',
      },
      now,
    );
    return undefined;
  }

  confirm(): void {
    const change = this.#desk.changeOf('leader');
    if (change?.phase === 'trial') this.#commit(change);
  }

  /** Once there is nothing under way on either node: the other one may lack something. */
  reconcile(now: Instant): void {
    const { change, peer, head } = this.#desk;
    if (change !== null || peer === undefined || peer.changing !== null) return;
    const isOther = peer.head.id !== head.id;
    const follows = peer.head.hash === head.hash || !peer.owned || this.#knows(peer.head.id);
    this.#setDiverged(isOther && !follows);
    if (!isOther) {
      if (!this.#desk.journal.synced) this.#desk.write({ synced: true });
      this.#retryAt = undefined;
      return;
    }
    if (!follows || (this.#retryAt !== undefined && now < this.#retryAt)) return;
    this.#retryAt = undefined;
    const kind = { part: 'leader', phase: 'preparing', together: true, catchUp: true } as const;
    const rest = { live: true, emergency: false, trial: 0, reason: '' };
    this.#begin({ ...kind, target: head, previous: head, ...rest }, now);
  }

  answered(token: number, problem: string | undefined, now: Instant): void {
    if (token === this.#token && this.#waiting.has('here')) this.#heard('here', problem, now);
  }

  hear(message: Answer, now: Instant): void {
    const change = this.#desk.changeOf('leader');
    if (change?.target.id !== message.id || !this.#waiting.has('peer')) return;
    const isEnd = message.kind === 'aborted';
    if (isEnd !== (change.phase === 'undoing')) return;
    const problem = 'reason' in message && message.reason !== '' ? message.reason : undefined;
    this.#heard('peer', problem, now);
  }

  /** A trial goes on without the other node: it learns the end of it when it is back. */
  disconnected(now: Instant): void {
    this.#retryAt = undefined;
    const change = this.#desk.changeOf('leader');
    if (change === undefined || !change.together) return;
    if (change.phase === 'undoing') {
      if (this.#waiting.has('peer')) this.#heard('peer', undefined, now);
    } else if (change.phase !== 'trial') {
      this.#abort(change, 'the connection to the other node was lost', now);
    }
  }

  timeout(now: Instant): void {
    if (this.#retryAt !== undefined && now >= this.#retryAt) this.reconcile(now);
    if (this.#deadline === undefined || now < this.#deadline) return;
    this.#deadline = undefined;
    const change = this.#desk.changeOf('leader');
    if (change === undefined) return;
    if (change.phase === 'trial') return this.#abort(change, 'it was not confirmed in time', now);
    const place = [...this.#waiting][0] ?? 'here';
    const problem = 'no answer in time';
    if (change.phase !== 'undoing')
      return this.#abort(change, `${this.#name(place)}: ${problem}`, now);
    for (const each of [...this.#waiting]) this.#heard(each, problem, now);
  }

  #begin(change: Change, now: Instant): void {
    this.#desk.write({ change });
    const { id } = change.target;
    this.#waiting = new Set(change.catchUp ? [] : ['here']);
    if (!change.catchUp) this.#token = this.#desk.validate(id);
    if (change.together) {
      this.#waiting.add('peer');
      this.#desk.put({ kind: 'offer', id, trial: change.trial });
    }
    this.#deadline = after(now, PREPARE_PATIENCE);
  }

  #heard(place: Place, problem: string | undefined, now: Instant): void {
    const change = this.#desk.changeOf('leader');
    if (change === undefined) return;
    this.#waiting.delete(place);
    if (change.phase === 'undoing') {
      if (problem !== undefined) this.#undoProblems.push(`${this.#name(place)}: ${problem}`);
      if (this.#waiting.size === 0) this.#forget(change, change.reason);
      return;
    }
    if (problem !== undefined) return this.#abort(change, `${this.#name(place)}: ${problem}`, now);
    if (this.#waiting.size > 0) return;
    if (change.phase === 'preparing') {
      this.#steps = this.#order(change);
      this.#desk.enter('applying');
    }
    this.#applyNext(now);
  }

  /** The node that serves comes last: by then the other one has shown that it is well with it. */
  #order({ together, catchUp, target }: Change): Place[] {
    const { isMaster, peer } = this.#desk;
    // The text is there already, only under another name.
    if (catchUp) return peer?.revision.text === this.#textOf(target.id) ? [] : ['peer'];
    if (!together) return ['here'];
    return isMaster ? ['peer', 'here'] : ['here', 'peer'];
  }

  #applyNext(now: Instant): void {
    const change = this.#desk.changeOf('leader');
    if (change === undefined) return;
    const place = this.#steps.shift();
    if (place === undefined) return this.#applied(change, now);
    this.#waiting.add(place);
    this.#deadline = after(now, APPLY_PATIENCE);
    if (place === 'here') this.#token = this.#desk.apply(change.target.id, true);
    else this.#desk.send({ kind: 'apply', id: change.target.id });
  }

  #applied(change: Change, now: Instant): void {
    if (change.trial === 0) return this.#commit(change);
    this.#desk.enter('trial');
    this.#deadline = after(now, milliseconds(change.trial));
    const { number, id } = change.target;
    const limit = `confirm within ${change.trial / 1000} s: yoke config confirm`;
    const text = `revision ${number} is live on ${this.#places(change)}; ${limit}`;
    this.#desk.put({ kind: 'outcome', id, ok: true, text });
  }

  /** From here on it stands. */
  #commit(change: Change): void {
    const { target, together, catchUp, emergency } = change;
    const { journal, peer } = this.#desk;
    const synced = journal.synced || (together && peer !== undefined);
    this.#deadline = undefined;
    this.#desk.write({ head: target, change: null, failure: null, synced, emergency });
    // Until it says that it has followed, it has not.
    if (peer !== undefined && together) this.#desk.peer = { ...peer, changing: target.id };
    this.#desk.send({ kind: 'commit', id: target.id });
    const done = catchUp ? `${peer?.node} has caught up with` : `${this.#places(change)}:`;
    const text = `${done} revision ${target.number}`;
    if (!catchUp) this.#desk.put({ kind: 'outcome', id: target.id, ok: true, text });
    this.#desk.event(text);
    this.#setDiverged(false);
  }

  #abort(change: Change, reason: string, now: Instant): void {
    if (!change.catchUp && (change.live || change.phase !== 'preparing')) {
      return this.#undo(change, reason, now);
    }
    const { peer } = this.#desk;
    const { id } = change.target;
    // Until it says that it has forgotten it, too, it has not.
    if (peer !== undefined && change.together) this.#desk.peer = { ...peer, changing: id };
    this.#desk.send({ kind: 'abort', id, reason });
    this.#forget(change, reason, now);
  }

  #undo(change: Change, reason: string, now: Instant): void {
    this.#undoProblems = [];
    this.#desk.enter('undoing', reason);
    this.#waiting = new Set(['here']);
    this.#token = this.#desk.apply(change.previous.id, false);
    if (change.together && this.#desk.peer !== undefined) {
      this.#waiting.add('peer');
      this.#desk.send({ kind: 'abort', id: change.target.id, reason });
    }
    this.#deadline = after(now, APPLY_PATIENCE);
  }

  #forget(change: Change, reason: string, now?: Instant): void {
    const { number, id } = change.target;
    const wasLive = change.live || change.phase !== 'preparing';
    const what = change.catchUp ? 'not taken over' : wasLive ? 'rolled back' : 'refused';
    const extra = this.#undoProblems.length > 0 ? `; not undone: ${this.#undoProblems}` : '';
    const text = `revision ${number} ${what}: ${reason}${extra}`;
    this.#waiting.clear();
    this.#undoProblems = [];
    this.#deadline = undefined;
    if (change.catchUp && now !== undefined) this.#retryAt = after(now, RETRY_PAUSE);
    this.#desk.write({ change: null, failure: { number, text } });
    this.#desk.event(text);
    if (change.catchUp) return;
    this.#desk.put({ kind: 'drop', id });
    this.#desk.put({ kind: 'outcome', id, ok: false, text });
  }

  #setDiverged(isDiverged: boolean): void {
    if (this.#desk.isDiverged === isDiverged) return;
    this.#desk.isDiverged = isDiverged;
    this.#desk.tell();
  }

  #name(place: Place): string {
    return place === 'here' ? this.#desk.node : (this.#desk.peer?.node ?? 'the other node');
  }

  #places({ together }: Change): string {
    return together ? `${this.#desk.node} and ${this.#name('peer')}` : this.#desk.node;
  }
}
