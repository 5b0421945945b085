/**
 * Connections through a simulated pair: whoever serves its VIPs sees their packets, and both nodes
 * replicate them over the simulated sync cable, with the machine that ships.
 *
 * The promise: what the node that serves has been told the other one has (all is acknowledged), a
 * takeover does not lose, whatever befell the pair. And when all is mended both have the same.
 *
 * As in the firmware each life of a node waits for the connections of its peer before it serves.
 */
import { FlowAlerts } from '../../firmware/core/flows/flow-alerts.ts';
import { established, type FlowNode, FlowStage, singular, TICK } from '../core/flows/flow-stage.ts';
import { Prng } from './prng.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { Simulation } from './simulation.ts';

const FLOW_IDS = 200;
/** Ticks between two looks when nothing happens: a transition is heard of within that. */
const IDLE_TICKS = 5;
const BURST_PAUSE = 60_000;
const CRASH_PAUSE = 12_000_000;
const LONGEST_CRASH = 900_000;
const LATENCY = 300;

/** One box: what the simulation knows of it, and what replicates its connections. */
interface Carrier {
  readonly node: SimulatedNode;
  readonly flows: FlowNode;
  /** Established flows that it has for certain. */
  readonly acknowledged: Set<number>;
  restartAt: number | undefined;
  alerts: FlowAlerts;
  /** Which life of the election's process has been told that the peer's flows are here. */
  readyAt: number | undefined;
}

export class CarriedFlows {
  readonly failures: string[] = [];
  /** Takeovers in which something was at stake. */
  takeovers = 0;
  readonly #simulation: Simulation;
  readonly #stage: FlowStage;
  readonly #prng: Prng;
  readonly #carriers: readonly [Carrier, Carrier];
  /** Flows that clients have not ended, whatever the kernels believe. */
  readonly #living = new Set<number>();
  /** Those of them whose packets the node that serves has seen since it does. */
  readonly #seen = new Set<number>();
  #server: Carrier | undefined;
  #burstAt = 0;
  /** What has been acknowledged since the last burst is known. */
  #isNoted = false;
  #crashAt = CRASH_PAUSE;

  constructor(simulation: Simulation, seed: number) {
    this.#simulation = simulation;
    this.#prng = new Prng(seed * 31 + 7);
    const options = { frameBytes: 1_100, backlogBytes: 16 * 1024, flowsAtMost: 4_096 };
    this.#stage = new FlowStage(seed, options, 'none');
    // In the lives of two that part there are two truths; what may not be lost is judged here.
    this.#stage.judgeOlder = () => undefined;
    const carrier = (name: string, flows: FlowNode): Carrier => {
      const node = simulation.node(name);
      node.awaitsFlows = true;
      const alerts = new FlowAlerts(this.#stage.now);
      const acknowledged = new Set<number>();
      return { node, flows, acknowledged, restartAt: undefined, alerts, readyAt: undefined };
    };
    this.#carriers = [carrier('primary', this.#stage.a), carrier('secondary', this.#stage.b)];
    this.#plan(TICK);
  }

  /** Clients pause, and no process dies any more. */
  rest(): void {
    this.#burstAt = Number.POSITIVE_INFINITY;
    this.#crashAt = Number.POSITIVE_INFINITY;
  }

  /** When everything is mended and has rested: both kernels have the same. */
  judgeEnd(): void {
    const [a, b] = this.#carriers.map(({ flows }) => flows.kernel);
    const differing = [...(a?.keys() ?? []), ...(b?.keys() ?? [])].filter(
      (id) => a?.get(id)?.flags !== b?.get(id)?.flags,
    );
    if (differing.length > 0) this.#fail(`at the end flow ${differing[0]} differs`);
    for (const { flows, node } of this.#carriers) {
      for (const wrong of flows.wrongs) this.#fail(`${node.name}: ${wrong}`);
    }
  }

  #plan(span: number): void {
    this.#simulation.schedule.in(span, () => {
      this.#step(span);
      this.#plan(this.#stage.isQuiet ? IDLE_TICKS * TICK : TICK);
    });
  }

  #step(span: number): void {
    const { now } = this.#simulation.schedule;
    for (const carrier of this.#carriers) this.#follow(carrier, now);
    this.#followCable();
    this.#crash(now);
    const server = this.#serving;
    if (server !== undefined) {
      if (server !== this.#server) {
        this.#judgeTakeover(server);
        this.#seen.clear();
      }
      this.#server = server;
      if (now >= this.#burstAt) this.#burst(server, now);
    }
    this.#stage.step(span);
    for (const carrier of this.#carriers) this.#tellReady(carrier);
    if (server !== undefined && !this.#isNoted) this.#noteAcknowledged(server);
  }

  /** Power, the process that replicates, and what it hears of the election. */
  #follow(carrier: Carrier, now: number): void {
    const { node, flows } = carrier;
    if (!node.isPowered) {
      if (flows.isRunning || flows.kernel.size > 0) this.#losePower(carrier);
      carrier.restartAt = now;
      return;
    }
    const serving = node.service?.node.state === 'MASTER' ? 'all' : 'none';
    if (serving === 'none') flows.live.clear();
    if (!flows.isRunning && now >= (carrier.restartAt ?? now)) {
      carrier.restartAt = undefined;
      // It does not know yet whether its node serves.
      flows.serving = 'none';
      flows.restart();
      carrier.alerts = new FlowAlerts(this.#stage.now);
    }
    if (flows.isRunning && serving !== flows.serving) flows.serve(serving);
    // Nobody else could: it serves before it has been told anything.
    if (serving === 'all' && carrier.readyAt !== node.startedAt) this.#forgetBeyond(flows);
  }

  /** Told once to each life of the election's process, as the firmware does. */
  #tellReady(carrier: Carrier): void {
    const { node, flows, alerts } = carrier;
    const { now } = this.#stage;
    for (const output of flows.outputs.splice(0)) alerts.take(output, now);
    if (!flows.isRunning || !alerts.isReady(now) || carrier.readyAt === node.startedAt) return;
    carrier.readyAt = node.startedAt;
    node.takeFlows();
  }

  #losePower({ flows, acknowledged }: Carrier): void {
    flows.isRunning = false;
    flows.kernel.clear();
    flows.live.clear();
    acknowledged.clear();
    if (this.#server?.flows === flows) this.#server = undefined;
  }

  #followCable(): void {
    const stage = this.#stage;
    const sync = this.#simulation.segment('sync');
    const { loss, duplication, delay, jitter } = sync.trouble;
    stage.faults = { loss, repeat: duplication, delay: LATENCY + delay + jitter };
    stage.mute.clear();
    const [one, other] = this.#carriers;
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const [port, far] = [from.node.device('sync'), to.node.device('sync')];
      const isWhole = port.present && far.present && !port.sendFails && sync.reaches(port, far);
      if (!isWhole) stage.mute.add(from.flows);
    }
  }

  /** Now and then the process that replicates dies by itself. */
  #crash(now: number): void {
    if (now < this.#crashAt) return;
    this.#crashAt = now + this.#prng.between(CRASH_PAUSE / 4, CRASH_PAUSE);
    const carrier = this.#prng.pick(this.#carriers);
    carrier.flows.isRunning = false;
    carrier.restartAt = now + this.#prng.between(1_000, LONGEST_CRASH);
  }

  /** The one box that clients reach by all VIPs. */
  get #serving(): Carrier | undefined {
    const stretches = [...this.#simulation.watch.now.values()];
    const [first] = stretches;
    const name = first?.names[0];
    const isOne = stretches.every(({ names, misled }) => {
      return !misled && names.length === 1 && names[0] === name;
    });
    return isOne ? this.#carriers.find(({ node }) => node.name === name) : undefined;
  }

  #burst({ flows }: Carrier, now: number): void {
    this.#isNoted = false;
    this.#burstAt = now + this.#prng.between(BURST_PAUSE / 4, BURST_PAUSE);
    for (let count = this.#prng.between(1, 6); count > 0; count -= 1) {
      const id = this.#prng.between(0, FLOW_IDS - 1);
      if (this.#prng.chance(0.3)) {
        flows.end(id);
        this.#living.delete(id);
        this.#seen.delete(id);
        for (const { acknowledged } of this.#carriers) acknowledged.delete(id);
      } else {
        flows.change(id, this.#prng.pick([established, established, established | singular]));
        this.#living.add(id);
        this.#seen.add(id);
      }
    }
  }

  #judgeTakeover({ node, flows, acknowledged }: Carrier): void {
    if (acknowledged.size > 0) this.takeovers += 1;
    for (const id of acknowledged) {
      if (!flows.kernel.has(id)) this.#fail(`${node.name} takes over without flow ${id}`);
    }
    this.#forgetBeyond(flows);
  }

  /** What a box that had lost its power, and had to serve, does not have is over everywhere. */
  #forgetBeyond({ kernel }: FlowNode): void {
    for (const { acknowledged } of this.#carriers) {
      for (const id of acknowledged) if (!kernel.has(id)) acknowledged.delete(id);
    }
  }

  /** All that the node that serves has is with the other one, by its acknowledgements. */
  #noteAcknowledged(server: Carrier): void {
    const other = this.#carriers.find((carrier) => carrier !== server);
    if (other === undefined || !server.flows.isRunning || !other.flows.isRunning) return;
    // Of two that serve neither promises anything.
    if (server.flows.serving !== 'all' || other.flows.serving !== 'none') return;
    if (other.flows.machine.status(this.#stage.now).own > 0) return;
    const { caughtUp, own, copies } = server.flows.machine.status(this.#stage.now);
    if (!caughtUp || copies > 0 || own !== server.flows.kernel.size) return;
    this.#isNoted = true;
    for (const [id, { flags }] of server.flows.kernel) {
      if (flags !== established || !this.#living.has(id)) continue;
      // What it has inherited from a time of two masters the digests may still have to tell.
      if (!this.#seen.has(id) && !other.flows.kernel.has(id)) continue;
      for (const { acknowledged } of this.#carriers) acknowledged.add(id);
    }
  }

  #fail(text: string): void {
    const at = (this.#simulation.schedule.now / 1e6).toFixed(6);
    this.failures.push(`${at} s: flows: ${text}`);
  }
}
