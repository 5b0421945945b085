/** The node's machine on a stage: fed by hand, drained after each input. */
import type { PairConfiguration } from '../../../firmware/core/configuration/pair-configuration.ts';
import { FailoverNode } from '../../../firmware/core/node/failover-node.ts';
import type {
  NodeInput,
  NodeOutput,
  NodeProblem,
  SeenInterface,
} from '../../../firmware/core/node/node-io.ts';
import { type Instant, instant } from '../../../firmware/core/time.ts';
import type { ReceivedCarp } from '../../../firmware/wire/carp-reception.ts';
import {
  nodeConfiguration,
  type PairPlan,
  PLAIN_PAIR,
  pairVips,
} from '../../simulator/pair-plan.ts';

/** Addresses as found on a device; their prefix lengths do not matter here. */
export const found = (...addresses: string[]): SeenInterface['addresses'] =>
  addresses.map((address) => ({ address, prefix: 24 }));

export const UP: SeenInterface = {
  present: true,
  carrier: true,
  addresses: found('192.168.1.2', '2001:db8:1::2', '198.51.100.201', '172.16.1.1', 'fe80::2'),
  mac: '02:00:00:00:00:01',
};

export class NodeStage {
  readonly node: FailoverNode;
  readonly started: readonly NodeOutput[];
  now: Instant = instant(1_000_000);
  /** What the kernel says to each plan. */
  problems: readonly NodeProblem[] = [];
  /** Whether the kernel says anything. */
  verdicts = true;

  constructor(pair: Partial<PairPlan> = {}, maintenance = false) {
    const configuration = configurationOf(pair);
    let seed = 0n;
    const random64 = (): bigint => {
      seed += 1_000_000n;
      return seed;
    };
    const start = { configuration, maintenance, random64, bootId: 1n, counterTag: 1 };
    this.node = new FailoverNode(start, this.now);
    this.started = this.#drain();
  }

  /** Hands one input in and returns what came of it, with what came of claims and plans. */
  feed(input: NodeInput): NodeOutput[] {
    this.node.handle(input, this.now);
    const outputs = this.#drain();
    return [...outputs, ...outputs.flatMap((output) => this.#follow(output))];
  }

  turn(...inputs: NodeInput[]): NodeOutput[] {
    const all: NodeInput[] = [{ kind: 'wake' }, ...inputs, { kind: 'settled' }];
    return all.flatMap((input) => this.feed(input));
  }

  wait(span: number): this {
    this.now = instant(this.now + span);
    return this;
  }

  /** Every interface seen up. */
  boot(): this {
    this.turn(...['wan', 'lan', 'sync'].map((name) => seen(name, UP)));
    return this;
  }

  /** Booted, and alone long enough to serve. */
  serve(): this {
    this.boot().wait(3_000_000).turn();
    return this;
  }

  #follow(output: NodeOutput): NodeOutput[] {
    if (!this.verdicts) return [];
    if (output.kind === 'apply') return this.feed({ kind: 'problems', problems: this.problems });
    return output.kind === 'claim' ? this.feed({ kind: 'claimed', group: output.group }) : [];
  }

  #drain(): NodeOutput[] {
    const outputs: NodeOutput[] = [];
    for (let each = this.node.poll(); each !== undefined; each = this.node.poll())
      outputs.push(each);
    return outputs;
  }
}

export function configurationOf(pair: Partial<PairPlan> = {}): PairConfiguration {
  const plan = { ...PLAIN_PAIR, ...pair };
  return nodeConfiguration({ role: 'primary', pair: plan, vips: pairVips(plan) });
}

export const seen = (name: string, what: Partial<SeenInterface>): NodeInput => ({
  kind: 'interface',
  interface: name,
  seen: { ...UP, ...what },
});

export const heard = (place: string, pace: string, { fromVirtualMac = true } = {}): NodeInput => {
  const [advbase = 0, advskew = 0] = pace.split('/').map(Number);
  const advertisement: ReceivedCarp = {
    vhid: place === 'wan' ? 200 : 1,
    family: 4,
    source: place === 'wan' ? '198.51.100.202' : '192.168.1.3',
    sourceMac: fromVirtualMac ? '00:00:5e:00:01:01' : '02:00:00:00:00:03',
    fromVirtualMac,
    advbase,
    advskew,
    demote: 0,
    counter: 7n,
    digestForm: 'with-link-local',
  };
  return { kind: 'advertisement', interface: place, advertisement };
};

/** Events in words: `alert: lan: no carrier`. */
export const events = (outputs: readonly NodeOutput[]): string[] =>
  outputs.flatMap((output) =>
    output.kind === 'event' ? [`${output.event.kind}: ${output.event.text}`] : [],
  );

/** What is done to the network, in order, without events. */
export const deeds = (outputs: readonly NodeOutput[]): string[] =>
  outputs.flatMap((output) => {
    switch (output.kind) {
      case 'event':
        return [];
      case 'advertise':
        return [`advertise ${output.vip.name} ${output.pace.advbase}/${output.pace.advskew}`];
      case 'announce':
        return [`announce ${output.vip.name}`];
      case 'claim':
      case 'renew':
      case 'release':
        return [`${output.kind} ${output.group}`];
      default:
        return [output.kind];
    }
  });
