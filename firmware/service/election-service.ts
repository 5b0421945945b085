/**
 * Joins the node's machine to the kernel: one turn reads what arrived, hands it in, and carries out
 * what comes of it. The same service runs on a device, in the rack and in the simulator.
 */
import type {
  PairConfiguration,
  VipConfiguration,
} from '../core/configuration/pair-configuration.ts';
import { unreachable } from '../core/invariant.ts';
import type { DemotionReport } from '../core/node/external-demotions.ts';
import { FailoverNode } from '../core/node/failover-node.ts';
import type { NodeEvent, NodeInput, NodeOutput } from '../core/node/node-io.ts';
import { type Instant, instant } from '../core/time.ts';
import type { Kernel, KernelEvent, LinkState, NetworkPlan } from '../kernel/kernel.ts';
import { KernelError } from '../kernel/kernel-error.ts';
import type { NoisePrimitives } from '../wire/noise-crypto.ts';
import { Advertiser } from './advertiser.ts';
import { PeerLink } from './peer-link.ts';
import { Reception } from './reception.ts';

/** About a thousand frames: more than the sockets hold after the longest stop. */
const INCOMPLETE_AT_MOST = 64;

export interface ElectionHooks {
  onEvent(event: NodeEvent): void;
  onMessage(message: unknown): void;
  /** Maintenance must survive a restart. */
  onRemember(maintenance: boolean): void;
  /** Once for each `handOver`, in their order; `text` is one line for people. */
  onHandoverEnded(ok: boolean, text: string): void;
  onStopped(): void;
}

export interface ElectionStart {
  readonly kernel: Kernel;
  readonly configuration: PairConfiguration;
  readonly maintenance: boolean;
  readonly hooks: ElectionHooks;
  /** What beats are sealed with. Default: the real one. */
  readonly primitives?: NoisePrimitives;
}

export class ElectionService {
  readonly node: FailoverNode;
  readonly #kernel: Kernel;
  readonly #advertiser: Advertiser;
  readonly #peerLink: PeerLink;
  readonly #hooks: ElectionHooks;
  /** By device. */
  readonly #receptions = new Map<string, Reception>();
  readonly #results: NodeInput[] = [];
  /** Logical name of each device. */
  #names: ReadonlyMap<string, string> = new Map();
  #incompleteTurns = 0;

  constructor({ kernel, configuration, maintenance, hooks, primitives }: ElectionStart) {
    this.#kernel = kernel;
    this.#hooks = hooks;
    this.#advertiser = new Advertiser(kernel);
    this.#peerLink = new PeerLink(kernel, primitives);
    const random64 = (): bigint => Buffer.from(kernel.random(8)).readBigUInt64BE();
    const bootId = random64();
    const counterTag = Buffer.from(kernel.random(4)).readUInt32BE();
    const start = { configuration, maintenance, random64, bootId, counterTag };
    this.node = new FailoverNode(start, this.#now());
    this.#receive(configuration);
    this.#drain();
  }

  nextTimeout(): Instant | undefined {
    return this.node.nextTimeout();
  }

  /**
   * One turn of the loop. While more is waiting than could be read, nothing is decided by timers;
   * but a flood of frames does not put that off for ever.
   */
  turn(events: readonly KernelEvent[]): void {
    this.#handle({ kind: 'wake' });
    for (const event of events) this.#take(event);
    const isComplete = !hasMore(events);
    this.#incompleteTurns = isComplete ? 0 : this.#incompleteTurns + 1;
    if (this.#incompleteTurns % (INCOMPLETE_AT_MOST + 1) !== 0) return;
    // As of the moment up to which everything was read: what came later is not silence.
    this.node.handle({ kind: 'settled' }, instant(this.#kernel.readAt));
    this.#drain();
  }

  reconfigure(configuration: PairConfiguration): void {
    this.#receive(configuration);
    this.#handle({ kind: 'configure', configuration });
  }

  maintain(entered: boolean): void {
    this.#handle({ kind: 'maintenance', entered });
  }

  /** Whether the peer's flows are here; until then this node should not become MASTER. */
  takeFlows(ready: boolean): void {
    this.#handle({ kind: 'flows', ready });
  }

  /** What other processes of this node know against it. */
  takeDemotions(report: DemotionReport): void {
    this.#handle({ kind: 'demotions', report });
  }

  /** Gives the VIPs to the peer; the hook `onHandoverEnded` tells what became of it. */
  handOver(): void {
    this.#handle({ kind: 'handover' });
  }

  stop(): void {
    this.#handle({ kind: 'stop' });
  }

  /** Judges frames by a configuration; what is known of the same device stays. */
  #receive({ interfaces, vips, beatKey }: PairConfiguration): void {
    this.#peerLink.configure({ beatKey });
    this.#names = new Map(interfaces.map(({ name, device }) => [device, name]));
    for (const device of this.#receptions.keys()) {
      if (!this.#names.has(device)) this.#receptions.delete(device);
    }
    for (const [device, name] of this.#names) {
      const here = vips.filter((vip) => vip.interface === name);
      const known = this.#receptions.get(device);
      if (known !== undefined) known.reconfigure(here);
      else this.#receptions.set(device, this.#reception(device, here));
    }
  }

  #reception(device: string, vips: readonly VipConfiguration[]): Reception {
    return new Reception(vips, {
      isRecentCounter: (vhid, counter) => this.node.isRecentCounter(device, vhid, counter),
      formerVips: (vhid, now) => this.node.formerVips(device, vhid, now),
    });
  }

  #take(event: KernelEvent): void {
    switch (event.kind) {
      case 'frame':
        return this.#takeFrame(event.device, event.bytes);
      case 'datagram':
        return this.#takeDatagram(event);
      case 'link':
        return this.#takeLink(event.link);
      case 'damaged':
        return this.#handle({ kind: 'damaged', text: event.text });
      case 'message':
        // A message may take long, a new configuration for example: leases must not wait for it.
        this.#handle({ kind: 'wake' });
        return this.#hooks.onMessage(event.message);
      case 'more':
        return;
      default:
        return unreachable(event);
    }
  }

  #takeFrame(device: string, bytes: Uint8Array): void {
    const name = this.#names.get(device);
    const reception = this.#receptions.get(device);
    if (name === undefined || reception === undefined) return;
    const verdict = reception.judge(bytes, this.#now());
    if (!verdict.ok) return this.#handle({ kind: 'refused', interface: name, refusal: verdict });
    this.#handle({ kind: 'advertisement', interface: name, advertisement: verdict.advertisement });
  }

  #takeDatagram(event: Extract<KernelEvent, { kind: 'datagram' }>): void {
    const name = this.#names.get(event.device);
    if (name === undefined) return;
    for (const input of this.#peerLink.receive(event, name)) this.#handle(input);
  }

  #takeLink({ device, present, carrier, addresses, mac }: LinkState): void {
    const name = this.#names.get(device);
    if (name === undefined) return;
    const reception = this.#receptions.get(device);
    if (reception !== undefined) {
      reception.ownAddresses = addresses.map(({ address }) => address);
    }
    const seen = { present, carrier, addresses, mac };
    this.#handle({ kind: 'interface', interface: name, seen });
  }

  #handle(input: NodeInput): void {
    this.node.handle(input, this.#now());
    this.#drain();
  }

  /** Outputs first, then what came of them, until nothing is left. */
  #drain(): void {
    for (;;) {
      for (let output = this.node.poll(); output !== undefined; output = this.node.poll()) {
        this.#carryOut(output);
      }
      const result = this.#results.length === 0 ? undefined : this.#results.shift();
      if (result === undefined) return;
      this.node.handle(result, this.#now());
    }
  }

  #carryOut(output: NodeOutput): void {
    switch (output.kind) {
      case 'apply':
        return this.#apply(output.plan);
      case 'prepare':
        return this.#kernel.prepare(output.group, output.vips);
      case 'claim':
        return this.#claim(output);
      case 'renew':
        return this.#renew(output);
      case 'release':
        return this.#release(output.group);
      case 'linger':
        return this.#linger(output);
      case 'beat':
        return this.#peerLink.beat(output);
      case 'count-frames': {
        const frames = this.#kernel.receivedFrames(output.device);
        this.#results.push({ kind: 'frames', interface: output.interface, frames });
        return;
      }
      case 'greet':
        return this.#peerLink.greet(output);
      case 'advertise': {
        const ok = this.#advertiser.advertise(output.device, output);
        this.#results.push({ kind: 'sent', interface: output.vip.interface, ok });
        return;
      }
      case 'announce':
        return this.#advertiser.announce(output.device, output.vip);
      case 'event':
        return this.#hooks.onEvent(output.event);
      case 'remember':
        return this.#hooks.onRemember(output.maintenance);
      case 'handover-ended':
        return this.#hooks.onHandoverEnded(output.ok, output.text);
      case 'stopped':
        return this.#hooks.onStopped();
      default:
        return unreachable(output);
    }
  }

  #apply(plan: NetworkPlan): void {
    const problems = this.#attempt(
      () => this.#kernel.apply(plan),
      (text) => [{ code: 'plan-refused', device: 'kernel', text }],
    );
    this.#results.push({ kind: 'problems', problems });
  }

  #renew({ group, before }: Extract<NodeOutput, { kind: 'renew' }>): void {
    const held = this.#kernel.renew(group, before);
    const isLate = !held && this.#isPast(before);
    this.#results.push(isLate ? { kind: 'renewal-late', group } : { kind: 'renewed', group, held });
  }

  #claim({ group, vips, before }: Extract<NodeOutput, { kind: 'claim' }>): void {
    const result = this.#attempt<NodeInput, NodeInput>(
      () => {
        this.#kernel.claim(group, vips, before);
        return { kind: 'claimed', group };
      },
      (text) =>
        this.#isPast(before)
          ? { kind: 'claim-late', group }
          : { kind: 'claim-failed', group, text },
    );
    this.#results.push(result);
  }

  #isPast(moment: Instant | undefined): boolean {
    return moment !== undefined && this.#kernel.now() > moment;
  }

  // What follows is a good-bye, and nothing may prevent that.
  #release(group: number): void {
    const failure = this.#attempt(
      () => this.#kernel.release(group),
      (text) => ({ kind: 'release-failed', group, text }) as const,
    );
    if (failure !== undefined) this.#results.push(failure);
  }

  #linger({ group, span }: Extract<NodeOutput, { kind: 'linger' }>): void {
    const failure = this.#attempt(
      () => this.#kernel.linger(group, span),
      (text) => ({ kind: 'release-failed', group, text }) as const,
    );
    if (failure !== undefined) this.#results.push(failure);
    this.#results.push({ kind: 'let-go', group, ok: failure === undefined });
  }

  /** What the machine refuses is told to the node; everything else is our own fault. */
  #attempt<Done, Refused>(act: () => Done, refused: (text: string) => Refused): Done | Refused {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return refused(error.message);
    }
  }

  #now(): Instant {
    return instant(this.#kernel.now());
  }
}

function hasMore(events: readonly KernelEvent[]): boolean {
  for (const { kind } of events) if (kind === 'more') return true;
  return false;
}
