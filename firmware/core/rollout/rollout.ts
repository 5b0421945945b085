/**
 * A pair's way from one configuration to the next (DESIGN 7), as one node sees it.
 *
 * The primary leads, and the revision it stands by is what both end on; the secondary only leads
 * changes of its own in an emergency (`alone`). Whatever stops at whatever step, once both nodes
 * run and are connected they come to run one revision: old or new, never a mix.
 */
import type { RevisionName } from '../../wire/config-revision.ts';
import type { SyncMessage } from '../../wire/sync-message.ts';
import type { Machine } from '../machine.ts';
import { earliest, type Instant } from '../time.ts';
import { Follower } from './follower.ts';
import { Leader } from './leader.ts';
import { type KnownPeer, RolloutDesk } from './rollout-desk.ts';
import type {
  Change,
  RolloutInput,
  RolloutJournal,
  RolloutOptions,
  RolloutOutput,
  SyncStanding,
} from './rollout-io.ts';

export class Rollout implements Machine<RolloutInput, RolloutOutput> {
  readonly #options: RolloutOptions;
  readonly #desk: RolloutDesk;
  readonly #leader: Leader;
  readonly #follower: Follower;

  constructor(options: RolloutOptions) {
    this.#options = options;
    this.#desk = new RolloutDesk(options.node, options.journal);
    this.#leader = new Leader(this.#desk, options);
    this.#follower = new Follower(this.#desk);
  }

  get head(): RevisionName {
    return this.#desk.head;
  }

  get change(): Change | null {
    return this.#desk.change;
  }

  get journal(): RolloutJournal {
    return this.#desk.journal;
  }

  /** Undefined while it is not connected. */
  get peer(): KnownPeer | undefined {
    return this.#desk.peer;
  }

  get state() {
    return this.#desk.state;
  }

  /** Whether a change could begin now. */
  get isIdle(): boolean {
    return this.#desk.change === null && !this.#desk.peer?.changing;
  }

  get standing(): SyncStanding {
    const { peer, head, isDiverged, journal } = this.#desk;
    if (!this.#options.hasPeer) return 'alone';
    if (peer === undefined) return journal.emergency ? 'diverged' : 'offline';
    if (isDiverged || peer.diverged) return 'diverged';
    return peer.head.id === head.id ? 'synced' : 'pending';
  }

  handle(input: RolloutInput, now: Instant): void {
    switch (input.kind) {
      case 'start':
        this.#leader.start(now);
        this.#follower.start(now);
        break;
      case 'propose':
        this.#propose(input, now);
        break;
      case 'confirm':
        this.#leader.confirm();
        break;
      case 'validated':
      case 'applied':
        this.#leader.answered(input.token, input.problem, now);
        this.#follower.answered(input.token, input.problem);
        break;
      case 'connected':
        this.#desk.isConnected = true;
        this.#desk.tell();
        break;
      case 'disconnected':
        this.#desk.isConnected = false;
        this.#desk.peer = undefined;
        this.#desk.isDiverged = false;
        this.#leader.disconnected(now);
        this.#follower.disconnected(now);
        break;
      case 'message':
        this.#hear(input.message, now);
        break;
      case 'facts':
        this.#takeFacts(input.applied, input.master);
        break;
      case 'timeout':
        this.#leader.timeout(now);
        this.#follower.timeout(now);
    }
    if (this.#options.role === 'primary') this.#leader.reconcile(now);
  }

  poll(): RolloutOutput | undefined {
    return this.#desk.poll();
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.#leader.nextTimeout, this.#follower.nextTimeout);
  }

  #propose(input: Extract<RolloutInput, { kind: 'propose' }>, now: Instant): void {
    const { target } = input;
    const refusal = this.#leader.propose(input, now);
    if (refusal === undefined) return;
    this.#desk.put({ kind: 'drop', id: target.id });
    this.#desk.put({ kind: 'outcome', id: target.id, ok: false, text: refusal });
  }

  #takeFacts(applied: string, master: boolean): void {
    const isNews = applied !== this.#desk.applied || master !== this.#desk.isMaster;
    this.#desk.applied = applied;
    this.#desk.isMaster = master;
    if (isNews) this.#desk.tell();
  }

  #hear(message: SyncMessage, now: Instant): void {
    if (message.kind === 'ping') return;
    if (message.kind === 'state') {
      this.#desk.peer = { ...message.state, revision: message.revision };
      if (this.#options.role === 'secondary') this.#follower.learn(this.#desk.peer);
      return;
    }
    if (this.#desk.peer === undefined) return;
    if (this.#options.role === 'primary') {
      if (message.kind !== 'prepare') this.#leader.hear(message, now);
    } else if (message.kind === 'prepare') {
      this.#follower.prepare(message.revision, message.trial);
    } else this.#follower.hear(message);
  }
}
