// Two nodes with their roll-out machines, disks and a cable between them, in one thread: every
// output is one step, after which the power of either node may fail.
import { Rollout } from '../../../firmware/core/rollout/rollout.ts';
import type {
  RolloutInput,
  RolloutJournal,
  RolloutOutput,
} from '../../../firmware/core/rollout/rollout-io.ts';
import { type Instant, instant, milliseconds } from '../../../firmware/core/time.ts';
import type { ConfigRevision, RevisionOrigin } from '../../../firmware/wire/config-revision.ts';
import type { SyncMessage } from '../../../firmware/wire/sync-message.ts';

export type Side = 'a' | 'b';

const other = (side: Side): Side => (side === 'a' ? 'b' : 'a');

export interface RevisionWish {
  readonly number: number;
  readonly content: string;
  /** With other comments than the content alone would have. */
  readonly text?: string;
  readonly parent?: string | null;
  readonly origin?: RevisionOrigin;
  readonly resolves?: string;
}

const digits = (text: string, length: number): string =>
  [...text]
    .map((c) => c.charCodeAt(0).toString(16))
    .join('')
    .padEnd(length, '0')
    .slice(0, length);

export function revision(id: string, wish: RevisionWish): ConfigRevision {
  return {
    number: wish.number,
    id: digits(id, 16),
    parent: wish.parent ?? null,
    time: '2026-03-01T12:00:00.000Z',
    author: 'root@test',
    message: '',
    origin: wish.origin ?? 'edit',
    resolves: wish.resolves ?? null,
    hash: digits(wish.content, 64),
    text: wish.text ?? wish.content,
  };
}

/** What survives a power cut, and what a node runs. */
class Disk {
  readonly revisions = new Map<string, ConfigRevision>();
  journal: RolloutJournal;
  /** cluster.yaml. */
  file: string;

  constructor(first: ConfigRevision) {
    this.revisions.set(first.id, first);
    this.file = first.text;
    this.journal = {
      head: first,
      synced: false,
      emergency: false,
      change: null,
      failure: null,
    };
  }

  knows(id: string): boolean {
    for (let at: string | null = this.journal.head.id; at !== null; ) {
      if (at === id) return true;
      at = this.revisions.get(at)?.parent ?? null;
    }
    return false;
  }
}

interface Node {
  readonly disk: Disk;
  machine: Rollout | undefined;
  /** Answers of this machine to its own wishes, in order. */
  readonly pending: RolloutInput[];
  readonly inbox: SyncMessage[];
}

export class RolloutPair {
  readonly nodes: Record<Side, Node>;
  readonly outcomes: { readonly side: Side; readonly ok: boolean; readonly text: string }[] = [];
  readonly events: string[] = [];
  /** Everything that was carried out, for assertions about order. */
  readonly trace: string[] = [];
  /** Contents that a node refuses, or takes and is not well with. */
  readonly refuses: Record<Side, Set<string>> = { a: new Set(), b: new Set() };
  readonly breaks: Record<Side, Set<string>> = { a: new Set(), b: new Set() };
  /** Called before each output is carried out; a side it names loses power then. */
  fault: (side: Side, output: RolloutOutput, step: number) => Side | undefined = () => undefined;
  master: Side = 'a';
  steps = 0;
  #isConnected = false;
  #now = 0;

  constructor(a: ConfigRevision, b: ConfigRevision) {
    const node = (first: ConfigRevision): Node => ({
      disk: new Disk(first),
      machine: undefined,
      pending: [],
      inbox: [],
    });
    this.nodes = { a: node(a), b: node(b) };
  }

  get now(): Instant {
    return instant(this.#now);
  }

  disk(side: Side): Disk {
    return this.nodes[side].disk;
  }

  machine(side: Side): Rollout {
    const { machine } = this.nodes[side];
    if (machine === undefined) throw new Error(`${side} has no power`);
    return machine;
  }

  boot(side: Side): void {
    const node = this.nodes[side];
    node.machine = new Rollout({
      node: side,
      role: side === 'a' ? 'primary' : 'secondary',
      journal: structuredClone(node.disk.journal),
      hasPeer: true,
      knows: (id) => node.disk.knows(id),
      textOf: (id) => node.disk.revisions.get(id)?.text,
    });
    this.give(side, { kind: 'start' });
    this.facts(side);
  }

  crash(side: Side): void {
    this.disconnect();
    this.nodes[side].machine = undefined;
    this.nodes[side].pending.length = 0;
  }

  /** A crash between two steps, and that the other one notices. */
  cut(side: Side): void {
    this.crash(side);
    this.settle();
  }

  connect(): void {
    if (this.#isConnected || !this.nodes.a.machine || !this.nodes.b.machine) return;
    this.#isConnected = true;
    for (const side of ['a', 'b'] as const) this.nodes[side].pending.push({ kind: 'connected' });
  }

  disconnect(): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    for (const side of ['a', 'b'] as const) {
      this.nodes[side].inbox.length = 0;
      // Between two outputs of a machine nothing can come in.
      this.nodes[side].pending.push({ kind: 'disconnected' });
    }
  }

  /** Puts a revision into a node's history and proposes it. */
  propose(
    side: Side,
    target: ConfigRevision,
    options: { trialMs?: number; alone?: boolean; live?: boolean } = {},
  ): void {
    const { trialMs = 0, alone = false, live = false } = options;
    this.disk(side).revisions.set(target.id, target);
    if (live) this.disk(side).file = target.text;
    this.give(side, { kind: 'propose', target, trial: milliseconds(trialMs), alone, live });
  }

  give(side: Side, input: RolloutInput): void {
    this.nodes[side].machine?.handle(input, this.now);
    this.#drain(side);
  }

  facts(side: Side): void {
    const hash = digits(this.disk(side).file, 64);
    this.give(side, { kind: 'facts', applied: hash, master: this.master === side });
  }

  /** Delivers and answers until nothing is under way any more. */
  settle(): void {
    for (let turns = 0; turns < 1000; turns++) {
      const moved = (['a', 'b'] as const).filter((side) => this.#turn(side)).length;
      if (moved === 0) return;
    }
    throw new Error(`the pair does not come to rest: ${this.trace.slice(-12).join(', ')}`);
  }

  /** Goes on to the next moment at which a machine wants to be woken; false when none does. */
  lapse(): boolean {
    const due = (['a', 'b'] as const).flatMap((side) => {
      const at = this.nodes[side].machine?.nextTimeout();
      return at === undefined ? [] : [{ side, at }];
    });
    if (due.length === 0) return false;
    this.#now = Math.max(this.#now, Math.min(...due.map(({ at }) => at)));
    for (const { side, at } of due) if (at <= this.#now) this.give(side, { kind: 'timeout' });
    this.settle();
    return true;
  }

  /** Both have power and a cable for as long as there is something to be done. */
  recover(): void {
    this.fault = () => undefined;
    for (const side of ['a', 'b'] as const) if (!this.nodes[side].machine) this.boot(side);
    this.connect();
    this.settle();
    this.#findEdit();
    for (let rounds = 0; rounds < 20 && this.lapse(); rounds++) this.settle();
  }

  /** What was edited by hand before the machine learnt of it is found again. */
  #findEdit(): void {
    const { file, revisions, journal } = this.disk('a');
    const edit = [...revisions.values()].find(({ text }) => text === file);
    if (journal.change !== null || !edit || edit.id === journal.head.id) return;
    this.propose('a', edit, { live: true });
    this.settle();
  }

  #turn(side: Side): boolean {
    const node = this.nodes[side];
    const input = node.pending.shift();
    if (input !== undefined) {
      this.give(side, input);
      return true;
    }
    const message = node.inbox.shift();
    if (message === undefined || node.machine === undefined) return false;
    this.give(side, { kind: 'message', message });
    return true;
  }

  #drain(side: Side): void {
    for (;;) {
      const { machine } = this.nodes[side];
      const output = machine?.poll();
      if (output === undefined) return;
      const victim = this.fault(side, output, this.steps++);
      if (victim !== undefined) this.crash(victim);
      if (this.nodes[side].machine !== machine || victim === side) return;
      this.#carryOut(side, output);
    }
  }

  #carryOut(side: Side, output: RolloutOutput): void {
    const { disk, pending } = this.nodes[side];
    switch (output.kind) {
      case 'journal':
        disk.journal = structuredClone(output.journal);
        return;
      case 'keep':
        disk.revisions.set(output.revision.id, output.revision);
        return;
      case 'drop':
        disk.revisions.delete(output.id);
        return;
      case 'validate': {
        const text = this.#text(side, output.id);
        const problem = this.refuses[side].has(text) ? { problem: `cannot take ${text}` } : {};
        pending.push({ kind: 'validated', token: output.token, ...problem });
        return;
      }
      case 'apply': {
        const text = this.#text(side, output.id);
        this.trace.push(`${side} runs ${text}`);
        disk.file = text;
        this.facts(side);
        const isUnwell = output.checked && this.breaks[side].has(text);
        const problem = isUnwell ? { problem: `unwell with ${text}` } : {};
        pending.push({ kind: 'applied', token: output.token, ...problem });
        return;
      }
      case 'offer': {
        const offered = disk.revisions.get(output.id);
        if (offered) this.#say(side, { kind: 'prepare', revision: offered, trial: output.trial });
        return;
      }
      case 'tell':
        return this.#say(side, this.#stateOf(side));
      case 'send':
        return this.#say(side, output.message);
      case 'outcome':
        this.outcomes.push({ side, ok: output.ok, text: output.text });
        return;
      case 'event':
        this.events.push(`${side}: ${output.text}`);
    }
  }

  #text(side: Side, id: string): string {
    const found = this.disk(side).revisions.get(id);
    if (found === undefined) throw new Error(`${side} has no revision ${id}`);
    return found.text;
  }

  #stateOf(side: Side): SyncMessage {
    const { state } = this.machine(side);
    const head = this.disk(side).revisions.get(state.head.id);
    if (head === undefined) throw new Error(`${side} lost its head`);
    return { kind: 'state', state, revision: head };
  }

  #say(side: Side, message: SyncMessage): void {
    if (this.#isConnected) this.nodes[other(side)].inbox.push(message);
  }
}
