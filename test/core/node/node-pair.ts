/**
 * Two whole nodes on a stage: what one sends, the other receives a moment later, on cables and
 * switches that can be cut. Their kernels do at once what they are asked for.
 */
import { FailoverNode } from '../../../firmware/core/node/failover-node.ts';
import type { NodeInput, NodeOutput } from '../../../firmware/core/node/node-io.ts';
import { type Instant, instant, milliseconds, seconds } from '../../../firmware/core/time.ts';
import type { ReceivedCarp } from '../../../firmware/wire/carp-reception.ts';
import {
  nodeConfiguration,
  type PairPlan,
  PLAIN_PAIR,
  pairVips,
} from '../../simulator/pair-plan.ts';
import { deeds, events, found, seen, UP } from './node-stage.ts';

const ON_THE_WAY = 100;
const PLACES = ['wan', 'lan', 'sync'] as const;

export type Place = (typeof PLACES)[number];
export type Side = 'primary' | 'secondary';

const ADDRESSES: Readonly<Record<Side, Readonly<Record<Place, string>>>> = {
  primary: { wan: '198.51.100.201', lan: '192.168.1.2', sync: '172.16.1.1' },
  secondary: { wan: '198.51.100.202', lan: '192.168.1.3', sync: '172.16.1.2' },
};

export class PairedNode {
  readonly side: Side;
  node: FailoverNode | undefined;
  /** It holds the lease. */
  serves = false;
  readonly outputs: NodeOutput[] = [];
  readonly #pair: NodePair;
  #lives: number;

  constructor(side: Side, pair: NodePair) {
    this.side = side;
    this.#pair = pair;
    this.#lives = side === 'primary' ? 100 : 200;
  }

  get up(): FailoverNode {
    if (this.node === undefined) throw new Error(`${this.side} is off`);
    return this.node;
  }

  /** Events since the start, in words. */
  get events(): string[] {
    return events(this.outputs);
  }

  get deeds(): string[] {
    return deeds(this.outputs);
  }

  get alerts(): string[] {
    return this.up.bulletin.alerts.list().map(({ code }) => code);
  }

  /** Every interface is seen up at once. */
  start(): void {
    this.#lives += 1;
    let random = BigInt(this.#lives);
    const { now, plan } = this.#pair;
    const start = {
      configuration: nodeConfiguration({ role: this.side, pair: plan, vips: pairVips(plan) }),
      maintenance: false,
      random64: () => {
        random += 1_000n;
        return random;
      },
      bootId: BigInt(this.#lives),
      counterTag: this.#lives,
    };
    this.node = new FailoverNode(start, now);
    this.#drain();
    this.turn(...PLACES.map((place) => this.link(place, true)));
  }

  /** No power. */
  die(): void {
    this.node = undefined;
    this.serves = false;
  }

  link(place: Place, carrier: boolean): NodeInput {
    const last = this.side === 'primary' ? 2 : 3;
    const addresses = found(ADDRESSES[this.side][place], `2001:db8:1::${last}`, 'fe80::2');
    return seen(place, { ...UP, carrier, addresses });
  }

  turn(...inputs: NodeInput[]): void {
    for (const input of [{ kind: 'wake' }, ...inputs, { kind: 'settled' }] as const) {
      this.feed(input);
    }
  }

  feed(input: NodeInput): void {
    this.node?.handle(input, this.#pair.now);
    this.#drain();
  }

  #drain(): void {
    const results: NodeInput[] = [];
    for (let output = this.node?.poll(); output !== undefined; output = this.node?.poll()) {
      this.outputs.push(output);
      results.push(...this.#carryOut(output));
    }
    for (const result of results) this.feed(result);
  }

  #carryOut(output: NodeOutput): NodeInput[] {
    switch (output.kind) {
      case 'apply':
        return [{ kind: 'problems', problems: [] }];
      case 'claim':
        this.serves = true;
        return [{ kind: 'claimed', group: output.group }];
      case 'release':
        this.serves = false;
        return [];
      case 'linger':
        this.serves = false;
        return [{ kind: 'let-go', group: output.group, ok: true }];
      case 'count-frames':
        return [{ kind: 'frames', interface: output.interface, frames: this.#pair.now }];
      case 'stopped':
        this.node = undefined;
        return [];
      default:
        this.#pair.carry(this.side, output);
        return [];
    }
  }
}

export class NodePair {
  now: Instant = instant(1_000_000);
  readonly plan: PairPlan;
  readonly primary: PairedNode;
  readonly secondary: PairedNode;
  /** Segments that carry nothing. */
  readonly cut = new Set<Place>();
  /** Segments without multicast. */
  readonly filtered = new Set<Place>();
  /** Which nodes have served at the same time, ever. */
  overlaps = 0;
  readonly #onTheWay: { readonly at: number; readonly to: Side; readonly input: NodeInput }[] = [];

  constructor(plan: Partial<PairPlan> = {}) {
    this.plan = { ...PLAIN_PAIR, beatMilliseconds: 10, ...plan };
    this.primary = new PairedNode('primary', this);
    this.secondary = new PairedNode('secondary', this);
  }

  /** Both started at once and settled: the primary serves. */
  begin(): this {
    this.primary.start();
    this.secondary.start();
    return this.run(milliseconds(500));
  }

  get serving(): string {
    return [this.primary, this.secondary]
      .filter(({ serves }) => serves)
      .map(({ side }) => side)
      .join(' and ');
  }

  run(span: number): this {
    const end = this.now + span;
    for (let idle = 0; ; ) {
      const boxes = [this.primary, this.secondary].filter(({ node }) => node !== undefined);
      const due = boxes.map(({ node }) => node?.nextTimeout() ?? Number.POSITIVE_INFINITY);
      const next = Math.min(...due, ...this.#onTheWay.map(({ at }) => at));
      if (next > end) break;
      idle = next > this.now ? 0 : idle + 1;
      if (idle > 100) throw new Error('a busy loop');
      this.now = instant(Math.max(this.now, next));
      this.#deliver();
      for (const box of boxes) {
        if ((box.node?.nextTimeout() ?? end + 1) <= this.now) box.turn();
      }
      if (this.serving.includes(' and ')) this.overlaps += 1;
    }
    this.now = instant(end);
    return this;
  }

  /** Runs until this holds, for ten seconds at most. */
  until(holds: () => boolean): this {
    const end = this.now + seconds(10);
    while (!holds() && this.now < end) this.run(ON_THE_WAY);
    if (!holds()) throw new Error(`still not after ten seconds: ${holds}`);
    return this;
  }

  link(side: Side, place: Place, carrier: boolean): void {
    this[side].turn(this[side].link(place, carrier));
  }

  carry(from: Side, output: NodeOutput): void {
    const to = from === 'primary' ? 'secondary' : 'primary';
    if (output.kind === 'beat') {
      const { interface: place, beat } = output;
      return this.#put(to, place, { kind: 'beat', interface: place, beat });
    }
    if (output.kind === 'greet') {
      this.#put(to, output.interface, { kind: 'session' });
      return this.#put(from, output.interface, { kind: 'session' });
    }
    if (output.kind !== 'advertise') return;
    const { vip, family, pace, source, counter } = output;
    if (this.filtered.has(vip.interface as Place)) return;
    const advertisement = advert({ vhid: vip.vhid, family, source, ...pace, counter });
    this.#put(to, vip.interface, {
      kind: 'advertisement',
      interface: vip.interface,
      advertisement,
    });
  }

  #put(to: Side, place: string, input: NodeInput): void {
    if (this.cut.has(place as Place) || this[to].node === undefined) return;
    this.#onTheWay.push({ at: this.now + ON_THE_WAY, to, input });
  }

  #deliver(): void {
    for (const parcel of [...this.#onTheWay]) {
      if (parcel.at > this.now) continue;
      this.#onTheWay.splice(this.#onTheWay.indexOf(parcel), 1);
      this[parcel.to].turn(parcel.input);
    }
  }
}

export const advert = (
  said: Pick<ReceivedCarp, 'vhid' | 'family' | 'source' | 'advbase' | 'advskew' | 'counter'>,
): ReceivedCarp => ({
  ...said,
  sourceMac: '00:00:5e:00:01:01',
  fromVirtualMac: true,
  demote: 0,
  digestForm: 'with-link-local',
});

/** A number with the tag of a life: 201 is the first one of the secondary. */
export const stride = (count: number, tag: number): bigint =>
  BigInt(count) * 2n ** 32n + BigInt(tag);

/** Heard for the LAN VIP: of the secondary, and better than anybody, unless said otherwise. */
export const lanAdvert = (
  counter: bigint,
  more: Partial<Pick<ReceivedCarp, 'source' | 'advbase' | 'advskew'>> = {},
): NodeInput => {
  const said = { vhid: 1, family: 4, source: '192.168.1.3', advbase: 0, advskew: 50 } as const;
  const advertisement = advert({ ...said, ...more, counter });
  return { kind: 'advertisement', interface: 'lan', advertisement };
};
