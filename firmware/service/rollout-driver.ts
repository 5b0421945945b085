/**
 * Turns the machine of a roll-out: what it wants written is written, what it wants run is run, and
 * what came of it goes back in.
 */

import type { Role } from '../core/configuration/pair-configuration.ts';
import { Rollout } from '../core/rollout/rollout.ts';
import type { RolloutInput, RolloutJournal, RolloutOutput } from '../core/rollout/rollout-io.ts';
import { type Instant, instant, milliseconds } from '../core/time.ts';
import type { ConfigRevision } from '../wire/config-revision.ts';
import type { SyncMessage } from '../wire/sync-message.ts';
import type { CommandResult } from './api-server.ts';
import type { ConfigHistory } from './config-history.ts';
import type { ConfigurationApplier } from './configuration-applier.ts';

export interface RolloutDriverOptions {
  readonly node: string;
  readonly role: Role;
  readonly hasPeer: boolean;
  readonly journal: RolloutJournal;
  readonly history: ConfigHistory;
  readonly applier: ConfigurationApplier;
  readonly send: (message: SyncMessage) => void;
  readonly onEvent: (text: string) => void;
}

/** How long a change that is wanted waits for one under way. */
const TURN_PATIENCE_MS = 60_000;

export class RolloutDriver {
  readonly machine: Rollout;
  readonly #options: RolloutDriverOptions;
  readonly #outcomes = new Map<string, (result: CommandResult) => void>();
  #idleWaiters: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Inputs that came while outputs were carried out. */
  readonly #inputs: RolloutInput[] = [];
  #isTurning = false;
  /** Why the disk takes nothing; undefined while it does. */
  diskProblem: string | undefined;

  constructor(options: RolloutDriverOptions) {
    this.#options = options;
    const { node, role, hasPeer, journal, history } = options;
    this.machine = new Rollout({
      ...{ node, role, hasPeer, journal },
      knows: (id) => history.leads(id),
      textOf: (id) => history.find(id)?.text,
    });
  }

  get head(): ConfigRevision {
    return this.#revision(this.machine.head.id);
  }

  start(): void {
    this.handle({ kind: 'start' });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  handle(input: RolloutInput): void {
    this.#inputs.push(input);
    if (this.#isTurning) return;
    this.#isTurning = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        this.machine.handle(next, now());
        for (let out = this.machine.poll(); out !== undefined; out = this.machine.poll()) {
          this.#carryOut(out);
        }
      }
    } finally {
      this.#isTurning = false;
    }
    this.#schedule();
    if (this.machine.isIdle) for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  /** Resolves when the change is live, or has failed on both nodes. */
  async propose(
    revision: ConfigRevision,
    options: { readonly trialMs: number; readonly alone: boolean; readonly live: boolean },
  ): Promise<CommandResult> {
    const added = this.#options.history.add(revision);
    if (!added.ok) return added;
    const outcome = this.#outcomeOf(revision.id);
    const { trialMs, alone, live } = options;
    const trial = milliseconds(trialMs);
    this.handle({ kind: 'propose', target: revision, trial, alone, live });
    return outcome;
  }

  /** Makes a change stand that waits for it. */
  confirm(): Promise<CommandResult> {
    const { change } = this.machine;
    if (change?.part !== 'leader' || change.phase !== 'trial') {
      const failure = this.machine.journal.failure?.text;
      const text = `no change waits to be confirmed${failure ? ` (${failure})` : ''}`;
      return Promise.resolve({ ok: false, text });
    }
    const outcome = this.#outcomeOf(change.target.id);
    this.handle({ kind: 'confirm' });
    return outcome;
  }

  /** Resolves when no change is under way; false when one goes on for too long. */
  async untilIdle(): Promise<boolean> {
    if (this.machine.isIdle) return true;
    // One on trial waits for people, and nobody waits for those.
    if (this.machine.change?.phase === 'trial') return false;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(this.machine.isIdle), TURN_PATIENCE_MS);
      this.#idleWaiters.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  #outcomeOf(id: string): Promise<CommandResult> {
    return new Promise((resolve) => this.#outcomes.set(id, resolve));
  }

  #carryOut(output: RolloutOutput): void {
    const { history, applier, send, onEvent } = this.#options;
    switch (output.kind) {
      case 'journal':
        return this.#note(history.writeJournal(output.journal));
      case 'keep':
        return this.#note(history.add(output.revision));
      case 'drop':
        return history.drop(output.id);
      case 'validate': {
        const { token, id } = output;
        const answer = this.#onDisk(() => applier.validate(this.#revision(id).text));
        return void answer.then((problem) => this.#answer('validated', token, problem));
      }
      case 'apply': {
        const { token, id, checked } = output;
        const answer = this.#caught(() => applier.apply(this.#revision(id).text, checked));
        return void answer.then((problem) => this.#answer('applied', token, problem));
      }
      case 'offer': {
        const revision = this.#revision(output.id);
        return send({ kind: 'prepare', revision, trial: output.trial });
      }
      case 'tell':
        return send({ kind: 'state', state: this.machine.state, revision: this.head });
      case 'send':
        return send(output.message);
      case 'outcome':
        this.#outcomes.get(output.id)?.({ ok: output.ok, text: output.text });
        this.#outcomes.delete(output.id);
        return;
      case 'event':
        return onEvent(output.text);
    }
  }

  #answer(kind: 'validated' | 'applied', token: number, problem: string | undefined): void {
    this.handle({ kind, token, ...(problem !== undefined && { problem }) });
  }

  /** Without a disk that takes it nothing new begins. */
  #onDisk(action: () => Promise<string | undefined>): Promise<string | undefined> {
    return this.diskProblem === undefined
      ? this.#caught(action)
      : Promise.resolve(this.diskProblem);
  }

  async #caught(action: () => Promise<string | undefined>): Promise<string | undefined> {
    try {
      return await action();
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** What cannot be written is said; what is under way goes on as if it had been. */
  #note(written: CommandResult | { readonly ok: true }): void {
    const problem = written.ok ? undefined : (written as CommandResult).text;
    if (problem !== undefined && problem !== this.diskProblem) this.#options.onEvent(problem);
    this.diskProblem = problem;
  }

  #revision(id: string): ConfigRevision {
    const revision = this.#options.history.find(id);
    if (revision === undefined) throw new Error(`revision ${id} is not in the history`);
    return revision;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const at = this.machine.nextTimeout();
    if (at === undefined) return;
    const delay = Math.max(1, Math.ceil((at - now()) / 1000));
    this.#timer = setTimeout(() => this.handle({ kind: 'timeout' }), Math.min(delay, 3_600_000));
  }
}

const now = (): Instant => instant(Math.round(performance.now() * 1000));
