/**
 * What leader and follower of a change work on: the journal, the other node's words, and the
 * outputs that wait to be carried out.
 */
import type { ConfigRevision, RevisionName } from '../../wire/config-revision.ts';
import type { SyncMessage, SyncState } from '../../wire/sync-message.ts';
import type { Change, Part, Phase, RolloutJournal, RolloutOutput } from './rollout-io.ts';

/** The other node, while it is connected. */
export interface KnownPeer extends SyncState {
  /** Of its head, with the text. */
  readonly revision: ConfigRevision;
}

export class RolloutDesk {
  readonly node: string;
  readonly #outputs: RolloutOutput[] = [];
  #journal: RolloutJournal;
  #nextToken = 1;
  /** Set from the moment at which something can be said to it. */
  isConnected = false;
  peer: KnownPeer | undefined;
  /** Of the content this node's election runs with; empty while it is not known. */
  applied = '';
  isMaster = false;
  isDiverged = false;

  constructor(node: string, journal: RolloutJournal) {
    this.node = node;
    this.#journal = journal;
  }

  get journal(): RolloutJournal {
    return this.#journal;
  }

  get head(): RevisionName {
    return this.#journal.head;
  }

  get change(): Change | null {
    return this.#journal.change;
  }

  get state(): SyncState {
    const { head, change, synced, emergency } = this.#journal;
    return {
      node: this.node,
      head,
      applied: this.applied,
      changing: change?.target.id ?? null,
      owned: synced || emergency,
      master: this.isMaster,
      diverged: this.isDiverged,
    };
  }

  changeOf(part: Part): Change | undefined {
    const { change } = this.#journal;
    return change?.part === part ? change : undefined;
  }

  poll(): RolloutOutput | undefined {
    return this.#outputs.shift();
  }

  /** Written down, and said to the other node: what it was told is no longer so. */
  write(changed: Partial<RolloutJournal>): void {
    this.#journal = { ...this.#journal, ...changed };
    this.#outputs.push({ kind: 'journal', journal: this.#journal });
    this.tell();
  }

  enter(phase: Phase, reason = ''): void {
    const { change } = this.#journal;
    if (change !== null) this.write({ change: { ...change, phase, reason } });
  }

  tell(): void {
    if (this.isConnected) this.#outputs.push({ kind: 'tell' });
  }

  send(message: SyncMessage): void {
    if (this.isConnected) this.#outputs.push({ kind: 'send', message });
  }

  put(output: RolloutOutput): void {
    this.#outputs.push(output);
  }

  /** Returns the token of the answer. */
  validate(id: string): number {
    const token = this.#nextToken++;
    this.#outputs.push({ kind: 'validate', token, id });
    return token;
  }

  apply(id: string, checked: boolean): number {
    const token = this.#nextToken++;
    this.#outputs.push({ kind: 'apply', token, id, checked });
    return token;
  }

  event(text: string): void {
    this.#outputs.push({ kind: 'event', text });
  }
}
