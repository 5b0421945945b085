/**
 * Two relations on a stage, with a small election and a kernel's lease each, joined by cables that
 * lose, delay, reorder and repeat; their boxes are stopped in the middle of anything, cut off, and
 * started anew. Everything follows from a seed.
 */

import { RENEWAL_SLACK } from '../../../firmware/core/configuration/lease-length.ts';
import type { OwnPart } from '../../../firmware/core/peer/accord.ts';
import { PeerRelation, type RelationOutput } from '../../../firmware/core/peer/peer-relation.ts';
import { type Duration, type Instant, instant } from '../../../firmware/core/time.ts';
import type { PeerBeat } from '../../../firmware/wire/peer-beat.ts';
import type { Prng } from '../../simulator/prng.ts';

export const RULE = { interval: 10_000 as Duration, deadTime: 28_000 as Duration };
/** As lease-length.ts has it. */
export const LEASE = (RULE.deadTime - RENEWAL_SLACK) as Duration;
const RENEWAL = 4_000;
const PREEMPT_DELAY = 200_000;

export type Side = 'a' | 'b';
export const other = (side: Side): Side => (side === 'a' ? 'b' : 'a');

type Letter =
  /** Sealed: only the life of the peer it was sealed for can read it. */
  | { readonly kind: 'beat'; readonly place: string; readonly beat: PeerBeat; readonly to: bigint }
  | { readonly kind: 'greeting' | 'reply'; readonly place: string; readonly from: bigint };

/** How a direction behaves. */
export interface Weather {
  readonly loss: number;
  /** Never more beats than this are lost in a row. */
  readonly lostInRow: number;
  readonly delay: readonly [number, number];
  readonly repeated: number;
  cut: boolean;
}

export class Box {
  readonly side: Side;
  relation: PeerRelation | undefined;
  state: OwnPart['state'] = 'BACKUP';
  since: Instant = instant(0);
  health = 2;
  demotion = 0;
  leaving = false;
  mayTakeFreeAt: Instant | undefined;
  /** What the kernel thinks. */
  leaseUntil = 0;
  renewedAt = 0;
  /** In the middle of a turn. */
  isStopped = false;
  inbox: Letter[] = [];
  #bootId: bigint;
  /** The life of the peer that the session is with. */
  #peerLife = 0n;
  /** The life of the peer that has greeted. */
  #asked: bigint | undefined;
  readonly #pair: RelationPair;
  readonly #results: boolean[] = [];

  constructor(side: Side, pair: RelationPair) {
    this.side = side;
    this.#pair = pair;
    this.#bootId = side === 'a' ? 1_000n : 2_000n;
  }

  get serves(): boolean {
    return this.#pair.now < this.leaseUntil;
  }

  start(): void {
    this.#pair.note(this, 'starts');
    this.#bootId += 1n;
    this.state = 'BACKUP';
    this.since = this.#pair.now;
    this.leaving = false;
    this.inbox = [];
    this.#peerLife = 0n;
    this.#asked = undefined;
    this.relation = new PeerRelation({
      rule: RULE,
      identity: { bootId: this.#bootId, counterTag: 1, configHash: '0'.repeat(16) },
      standing: () => this.#standing(),
      onOutput: (output, now) => this.#carryOut(output, now),
      decides: () => true,
    });
    this.relation.paths.configure([
      { interface: 'lan', device: 'eth1', peer: undefined },
      { interface: 'sync', device: 'eth2', peer: address(other(this.side), 'sync') },
    ]);
    for (const path of this.relation.paths.all) {
      path.ownAddress = address(this.side, path.interface);
      path.setUsable(true, this.#pair.now);
    }
  }

  /** No power: the lease does not outlive it. */
  die(): void {
    this.#pair.note(this, 'loses its power');
    this.relation = undefined;
    this.leaseUntil = 0;
    this.state = 'INIT';
  }

  /** Killed: its lease lives on for a moment. */
  kill(): void {
    this.#pair.note(this, 'is killed');
    this.relation = undefined;
    this.state = 'INIT';
  }

  get wakesAt(): number {
    if (this.relation === undefined || this.isStopped) return Number.POSITIVE_INFINITY;
    const { now } = this.#pair;
    const renewAt = this.state === 'MASTER' ? this.renewedAt + RENEWAL : Number.POSITIVE_INFINITY;
    const letters = this.inbox.length > 0 ? now : Number.POSITIVE_INFINITY;
    const asked = this.relation.nextTimeout() ?? Number.POSITIVE_INFINITY;
    return Math.min(renewAt, letters, asked);
  }

  turn(): void {
    const { relation } = this;
    if (relation === undefined) return;
    this.#wake(relation);
    for (let letter = this.inbox.shift(); letter !== undefined; letter = this.inbox.shift()) {
      this.#read(letter, relation);
      this.#finish(relation);
    }
    relation.settle(this.#pair.now);
    this.#finish(relation);
  }

  #read(letter: Letter, relation: PeerRelation): void {
    const { now } = this.#pair;
    if (letter.kind === 'greeting') {
      // The present session goes on until something comes in the new one.
      this.#asked = letter.from;
      return this.#write({ ...letter, kind: 'reply', from: this.#bootId });
    }
    if (letter.kind === 'beat') return this.#open(letter, relation);
    this.#peerLife = letter.from;
    relation.session(now);
  }

  #open({ to, beat, place }: Extract<Letter, { kind: 'beat' }>, relation: PeerRelation): void {
    if (to !== this.#bootId) return;
    const begins = beat.bootId === this.#asked;
    if (beat.bootId !== this.#peerLife && !begins) return;
    this.#peerLife = beat.bootId;
    this.#asked = undefined;
    if (begins) relation.session(this.#pair.now);
    relation.hear(place, beat, this.#pair.now);
  }

  #write(letter: Letter): void {
    this.#pair.send(this.side, letter);
  }

  #finish(relation: PeerRelation): void {
    for (let ok = this.#results.shift(); ok !== undefined; ok = this.#results.shift()) {
      relation.letGo(ok, this.#pair.now);
    }
  }

  #wake(relation: PeerRelation): void {
    const { now } = this.#pair;
    if (this.state !== 'MASTER') return;
    if (now >= this.renewedAt + LEASE) return this.#become('LAPSED', 'woke late');
    if (now < this.renewedAt + RENEWAL) return;
    let told = now;
    do {
      told = this.#pair.now;
      relation.speakFirst(told);
      this.#pair.mayStop(this);
      // Told too long ago: told again.
    } while (this.#pair.now > told + RENEWAL_SLACK);
    // The rule of the kernel: only what stands is renewed.
    if (!this.serves) return this.#become('LAPSED', 'not renewed');
    this.leaseUntil = this.#pair.now + LEASE;
    this.renewedAt = told;
  }

  #become(state: OwnPart['state'], why: string): void {
    this.#pair.note(this, `${this.state} -> ${state}: ${why}`);
    this.state = state;
    this.since = this.#pair.now;
  }

  #standing(): OwnPart {
    const figures = { health: this.health, demotion: this.demotion };
    return {
      ...(this.leaving ? { health: 0, demotion: 0xffff } : figures),
      preference: this.side === 'a' ? 256 : 356,
      role: this.side === 'a' ? 'primary' : 'secondary',
      node: this.side,
      bootId: this.#bootId,
      state: this.state,
      since: this.since,
      lease: LEASE,
      leaving: this.leaving,
      mayTakeFreeAt: this.mayTakeFreeAt,
      mayTakeHeldAt: this.mayTakeFreeAt,
      mayPreemptAt: instant(this.since + PREEMPT_DELAY),
      heldUntil: undefined,
    };
  }

  #carryOut(output: RelationOutput, now: Instant): void {
    this.#pair.mayStop(this);
    if (output.kind === 'verdict' || output.kind === 'prepare') return;
    if (output.kind === 'beat' || output.kind === 'greet') {
      const place = output.path.interface;
      if (output.kind === 'greet')
        return this.#write({ kind: 'greeting', place, from: this.#bootId });
      return this.#write({ kind: 'beat', place, beat: output.beat, to: this.#peerLife });
    }
    const { move } = output;
    const cause = `${move.kind}${'cause' in move ? `: ${move.cause}` : ''}`;
    if (move.kind === 'take') return this.#take(cause, now);
    if (move.kind === 'reassert') {
      this.#pair.note(this, 'reassert');
      return;
    }
    if (move.kind === 'hand-over') {
      this.#become('BACKUP', cause);
      this.#pair.mayStop(this);
      const ok = !this.#pair.prng.chance(this.#pair.refusals);
      if (ok) this.leaseUntil = 0;
      this.#results.push(ok);
      return;
    }
    this.#become('BACKUP', cause);
    this.leaseUntil = 0;
  }

  #take(cause: string, now: Instant): void {
    this.#become('MASTER', cause);
    this.relation?.speakFirst(now);
    this.#pair.mayStop(this);
    // Stopped between decision and deed: the kernel is not asked any more.
    if (this.#pair.now > now + RENEWAL_SLACK) return this.#become('LAPSED', 'claims late');
    this.leaseUntil = this.#pair.now + LEASE;
    this.renewedAt = this.#pair.now;
  }
}

export class RelationPair {
  now: Instant = instant(1_000_000);
  readonly prng: Prng;
  readonly a: Box;
  readonly b: Box;
  readonly log: string[] = [];
  /** Chance of a stop at each step of a turn, and its longest length. */
  stops = { chance: 0, longest: 0 };
  /** Chance that a kernel cannot let go. */
  refusals = 0;
  readonly weather: Record<Side, Weather> = { a: clear(), b: clear() };
  /** Called whenever time has passed. */
  watch: () => void = () => undefined;
  readonly #onTheWay: { readonly at: number; readonly to: Side; readonly letter: Letter }[] = [];
  readonly #lost: Record<Side, number> = { a: 0, b: 0 };

  constructor(prng: Prng) {
    this.prng = prng;
    this.a = new Box('a', this);
    this.b = new Box('b', this);
  }

  /** Both started, in session. */
  begin(): this {
    this.a.start();
    this.b.start();
    return this;
  }

  get serving(): string {
    return [this.a, this.b]
      .filter((box) => box.serves)
      .map(({ side }) => side)
      .join('');
  }

  note(box: Box, text: string): void {
    this.log.push(`${this.now} ${box.side}: ${text}`);
  }

  /** Stops a box for a while, in the middle of what it does. */
  mayStop(box: Box): void {
    if (!this.prng.chance(this.stops.chance)) return;
    const until = this.now + this.prng.between(1_000, this.stops.longest);
    this.note(box, `stopped until ${until}`);
    box.isStopped = true;
    this.#pass(until);
    box.isStopped = false;
  }

  send(from: Side, letter: Letter): void {
    const weather = this.weather[from];
    const { loss, lostInRow, delay, repeated, cut } = weather;
    const isLost = this.#lost[from] < lostInRow && this.prng.chance(loss);
    this.#lost[from] = isLost ? this.#lost[from] + 1 : 0;
    if (cut || isLost) return;
    const to = other(from);
    const copies = this.prng.chance(repeated) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      this.#onTheWay.push({ at: this.now + this.prng.between(...delay), to, letter });
    }
  }

  run(span: number): this {
    this.#pass(this.now + span);
    return this;
  }

  /** Runs on until this holds, and tells how long that took. */
  until(holds: () => boolean, atMost: number): number {
    const begun = this.now;
    while (!holds() && this.now < begun + atMost) this.run(500);
    return this.now - begun;
  }

  /** Lets time pass for all who are not stopped. */
  #pass(until: number): void {
    let idle = 0;
    for (;;) {
      const boxes = [this.a, this.b];
      const due = boxes.map((box) => box.wakesAt);
      const arrivals = this.#onTheWay.map(({ at }) => at);
      const next = Math.min(...due, ...arrivals);
      if (next > until) break;
      idle = next > this.now ? 0 : idle + 1;
      if (idle > 1_000) throw new Error('a busy loop');
      this.now = instant(Math.max(this.now, next));
      this.watch();
      this.#deliver();
      for (const box of boxes) if (box.wakesAt <= this.now) box.turn();
      this.watch();
      if (this.now >= until) break;
    }
    this.now = instant(Math.max(this.now, until));
    this.watch();
  }

  #deliver(): void {
    for (const parcel of [...this.#onTheWay]) {
      if (parcel.at > this.now) continue;
      this.#onTheWay.splice(this.#onTheWay.indexOf(parcel), 1);
      const box = this[parcel.to];
      if (box.relation !== undefined) box.inbox.push(parcel.letter);
    }
  }
}

export function clear(): Weather {
  return { loss: 0, lostInRow: 0, delay: [50, 100], repeated: 0, cut: false };
}

export function address(side: Side, place: string): string {
  return place === 'sync'
    ? `172.16.1.${side === 'a' ? 1 : 2}`
    : `192.168.1.${side === 'a' ? 2 : 3}`;
}
