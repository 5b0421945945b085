/**
 * One random life of two nodes that replicate flows: cables, processes and boxes fail, mastership
 * moves, kernels lose events. Every step is judged; in the end, when all is quiet and one node
 * serves, both kernels must have the same.
 */
import {
  closing,
  established,
  type FlowNode,
  FlowStage,
  singular,
} from '../core/flows/flow-stage.ts';

const FLOW_IDS = 400;
const MEMORY_AT_MOST = 8 * 2 ** 20;
const SETTLING_MS = 3_000;
/** Some rounds of digests. */
const QUIET_MS = 45_000;
const OPTIONS = { frameBytes: 1_100, backlogBytes: 16 * 1024, flowsAtMost: 4_096 };

interface Deed {
  /** Chance per millisecond. */
  readonly rate: number;
  readonly act: (life: FlowLife) => void;
}

const DEEDS: Readonly<Record<string, Deed>> = {
  weather: { rate: 1 / 1_500, act: (life) => life.changeWeather() },
  cable: { rate: 1 / 3_000, act: (life) => life.pullCable() },
  process: { rate: 1 / 3_000, act: (life) => life.killProcess() },
  handover: { rate: 1 / 3_000, act: (life) => life.handOver() },
  power: { rate: 1 / 6_000, act: (life) => life.losePower() },
  split: { rate: 1 / 8_000, act: (life) => life.split() },
  overrun: { rate: 1 / 5_000, act: (life) => life.master.overrun() },
  lapse: { rate: 1 / 100, act: (life) => life.lapseCopy() },
  stall: { rate: 1 / 3_000, act: (life) => life.stallKernel() },
  barrier: { rate: 1 / 700, act: (life) => life.raiseBarrier() },
};

export type DeedName = keyof typeof DEEDS;

interface Barrier {
  readonly node: FlowNode;
  readonly machine: unknown;
  readonly versions: ReadonlyMap<number, number>;
}

export class FlowLife {
  readonly stage: FlowStage;
  readonly deeds: readonly string[];
  master: FlowNode;
  readonly log: string[] = [];
  readonly wrongs: string[] = [];
  /** Boxes that died when the other one had acknowledged everything. */
  acknowledgedDeaths = 0;
  #plans: { readonly at: number; readonly act: () => void }[] = [];
  #turn = 0;
  #isBusy = false;
  /** Words of the time before a handover may still be under way until then. */
  #settledAt = 0;
  #churnAt = 0;
  readonly #barriers = new Map<number, Barrier>();
  #barrierIds = 0;
  #heard = new Map<FlowNode, number>();

  constructor(seed: number, deeds: readonly string[] = Object.keys(DEEDS)) {
    this.stage = new FlowStage(seed, {
      ...OPTIONS,
      firstNumber: seed % 3 === 0 ? 0xffff_fff0 : 1,
    });
    this.deeds = deeds;
    this.master = this.stage.a;
    // Under faults a flow may reach a node by two ways, and after a split there are two truths.
    if (deeds.includes('split') || deeds.includes('handover') || deeds.includes('power')) {
      this.stage.judgeOlder = () => undefined;
    }
  }

  get backup(): FlowNode {
    return this.master === this.stage.a ? this.stage.b : this.stage.a;
  }

  /** Lives for so long, then waits until all is quiet, and is judged. */
  live(milliseconds: number): readonly string[] {
    this.stage.run(300);
    this.stage.run(milliseconds, () => this.#step());
    this.#say('quiet');
    this.stage.run(5_000, () => this.#doPlanned());
    this.#heal();
    this.stage.run(QUIET_MS, () => this.#watch());
    this.#judgeEnd();
    return [...this.wrongs, ...this.stage.wrongs];
  }

  changeWeather(): void {
    const { prng } = this.stage;
    const loss = prng.pick([0, 0, 0.01, 0.1, 0.3]);
    this.stage.faults = {
      loss,
      repeat: prng.pick([0, 0.05]),
      delay: prng.pick([300, 3_000, 20_000]),
    };
    this.#say(`weather ${JSON.stringify(this.stage.faults)}`);
  }

  pullCable(): void {
    if (!this.stage.isJoined) return;
    this.#say('cable out');
    this.stage.isJoined = false;
    this.#later(this.stage.prng.between(5, 3_000), () => {
      this.#say('cable in');
      this.stage.isJoined = true;
    });
  }

  killProcess(): void {
    const node = this.stage.prng.pick(this.stage.nodes);
    if (!node.isRunning) return;
    this.#say(`kill ${this.#name(node)}`);
    node.isRunning = false;
    this.#later(this.stage.prng.between(1, 800), () => {
      this.#say(`start ${this.#name(node)}`);
      this.#start(node);
    });
  }

  /** A process that comes back learns a little later that its node serves. */
  #start(node: FlowNode): void {
    const { serving } = node;
    node.serving = 'none';
    node.restart();
    node.serving = serving;
    this.#later(this.stage.prng.between(0, 20), () => {
      if (node.serving !== 'none' && node.isRunning) this.#serve(node, 'all');
    });
  }

  /** The new MASTER serves first, then the old one stops, as the accord has it. */
  handOver(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const [from, to] = [this.master, this.backup];
    this.#say(`handover to ${this.#name(to)}`);
    this.#serve(to, 'all');
    this.master = to;
    this.#later(this.stage.prng.between(0, 20), () => {
      this.#serve(from, 'none');
      this.#isBusy = false;
      this.#settledAt = this.#turn + SETTLING_MS;
    });
  }

  losePower(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    // Clients pause, so that what is acknowledged can be told from what is under way.
    this.#churnAt = this.#turn + 100;
    this.#later(this.stage.prng.between(0, 100), () => this.#die(this.master, this.backup));
  }

  #die(dead: FlowNode, heir: FlowNode): void {
    this.#judgeAcknowledged(dead, heir);
    this.#say(`power lost on ${this.#name(dead)}`);
    dead.isRunning = false;
    dead.kernel.clear();
    dead.live.clear();
    dead.serving = 'none';
    this.master = heir;
    this.#later(40, () => this.#serve(heir, 'all'));
    this.#later(this.stage.prng.between(200, 2_000), () => {
      this.#say(`power back on ${this.#name(dead)}`);
      dead.reboot();
      this.#isBusy = false;
    });
  }

  /** Both serve, and neither hears the other; then one yields. */
  split(): void {
    if (this.#isBusy || !this.stage.isJoined) return;
    this.#isBusy = true;
    this.#say('split');
    this.stage.isJoined = false;
    this.#serve(this.backup, 'all');
    this.#later(this.stage.prng.between(20, 3_000), () => {
      this.#say('healed');
      this.stage.isJoined = true;
      this.#later(this.stage.prng.between(0, 30), () => {
        const loser = this.stage.prng.pick(this.stage.nodes);
        this.master = loser === this.stage.a ? this.stage.b : this.stage.a;
        this.#serve(loser, 'none');
        this.#isBusy = false;
        this.#settledAt = this.#turn + SETTLING_MS;
      });
    });
  }

  lapseCopy(): void {
    const copies = [...this.backup.kernel.keys()];
    if (this.backup.serving === 'none' && copies.length > 0) {
      this.backup.end(this.stage.prng.pick(copies));
    }
  }

  stallKernel(): void {
    const node = this.backup;
    // Whoever is about to serve injects first.
    if (this.#isBusy) return;
    node.injects = false;
    node.walksFail = true;
    this.#later(this.stage.prng.between(1, 500), () => {
      node.injects = true;
      node.walksFail = false;
    });
  }

  /** What the MASTER has now the other must have when the barrier is reached. */
  raiseBarrier(): void {
    const node = this.master;
    if (!node.isRunning || this.#isBusy || this.#turn < this.#settledAt) return;
    node.turn(this.stage.now);
    this.#barrierIds += 1;
    const versions = new Map<number, number>();
    for (const [id, { version, flags }] of node.kernel) {
      if (flags === established) versions.set(id, version);
    }
    this.#barriers.set(this.#barrierIds, { node, machine: node.machine, versions });
    node.machine.handle({ kind: 'barrier', id: this.#barrierIds }, this.stage.now);
  }

  #step(): void {
    this.#churn();
    for (const name of this.deeds) {
      const deed = DEEDS[name];
      if (deed !== undefined && this.stage.prng.chance(deed.rate)) deed.act(this);
    }
    this.#doPlanned();
    this.#watch();
  }

  #churn(): void {
    if (this.#turn < this.#churnAt) return;
    const { prng } = this.stage;
    for (const node of this.stage.nodes) {
      if (node.serving === 'none') continue;
      for (let count = prng.between(0, 4); count > 0; count -= 1) {
        // In a split each side has its own clients.
        const id = prng.between(0, FLOW_IDS - 1);
        const what = prng.unit();
        if (what < 0.2) node.end(id);
        else if (what < 0.3) node.change(id, prng.pick([0, established | closing]));
        else node.change(id, prng.pick([established, established | singular]));
      }
    }
  }

  #doPlanned(): void {
    this.#turn += 1;
    const due = this.#plans.filter(({ at }) => at <= this.#turn);
    this.#plans = this.#plans.filter(({ at }) => at > this.#turn);
    for (const { act } of due) act();
  }

  #later(milliseconds: number, act: () => void): void {
    this.#plans.push({ at: this.#turn + milliseconds, act });
  }

  #serve(node: FlowNode, serving: 'all' | 'none'): void {
    this.#say(`${this.#name(node)} serves ${serving}`);
    node.serve(serving);
  }

  #heal(): void {
    this.stage.faults = { loss: 0, repeat: 0, delay: 300 };
    this.stage.isJoined = true;
    for (const node of this.stage.nodes) {
      node.injects = true;
      node.walksFail = false;
      if (!node.isRunning) node.restart();
    }
    this.#serve(this.master, 'all');
    this.#serve(this.backup, 'none');
  }

  #watch(): void {
    for (const node of this.stage.nodes) {
      if (!node.isRunning) continue;
      const { memoryBytes } = node.machine.status(this.stage.now);
      if (memoryBytes > MEMORY_AT_MOST) this.wrongs.push(`${memoryBytes} bytes`);
      const from = this.#heard.get(node) ?? 0;
      for (const output of node.outputs.slice(from)) {
        if (output.kind === 'barrier') this.#judgeBarrier(output.id);
      }
      this.#heard.set(node, node.outputs.length);
    }
  }

  #judgeBarrier(id: number): void {
    const barrier = this.#barriers.get(id);
    this.#barriers.delete(id);
    if (barrier === undefined || barrier.node !== this.master || this.#isBusy) return;
    if (barrier.machine !== barrier.node.machine) return;
    this.#judgeCopies(barrier.node, barrier.versions, `barrier ${id}`);
  }

  /** When nothing is under way, all is acknowledged; that must survive. */
  #judgeAcknowledged(dead: FlowNode, heir: FlowNode): void {
    const hasCopied = dead.outputs.some(({ kind }) => kind === 'copied');
    if (!dead.isRunning || !heir.isRunning || !hasCopied || this.#turn < this.#settledAt) return;
    dead.turn(this.stage.now);
    const status = dead.machine.status(this.stage.now);
    if (!status.caughtUp || status.peerOwn !== 0) return;
    this.acknowledgedDeaths += 1;
    const versions = [...dead.kernel].flatMap(([id, { version, flags }]) =>
      flags === established ? [[id, version] as const] : [],
    );
    this.#judgeCopies(dead, new Map(versions), 'power loss');
  }

  #judgeCopies(node: FlowNode, versions: ReadonlyMap<number, number>, what: string): void {
    const other = node === this.stage.a ? this.stage.b : this.stage.a;
    for (const [id, version] of versions) {
      // What has ended or lapsed since then is another story.
      if (node.kernel.get(id)?.version !== version || other.lapsed.has(id)) continue;
      const copy = other.kernel.get(id);
      if (copy === undefined || copy.version < version) {
        this.wrongs.push(`${what}: flow ${id} of ${version} is ${copy?.version}`);
      }
    }
  }

  #judgeEnd(): void {
    const [owner, copies] = [this.master.kernel, this.backup.kernel];
    for (const [id, { flags, version }] of owner) {
      const copy = copies.get(id);
      if (flags === established && copy === undefined) this.wrongs.push(`flow ${id} is missing`);
      const isExact = this.stage.judgeOlder.length > 0;
      if (isExact && copy !== undefined && copy.version !== version) {
        this.wrongs.push(`flow ${id} is ${copy.version}, not ${version}`);
      }
    }
    for (const id of copies.keys()) {
      if (!owner.has(id)) this.wrongs.push(`flow ${id} is surplus`);
    }
    const [a, b] = [this.master, this.backup].map((node) => node.machine.status(this.stage.now));
    if (a === undefined || b === undefined) return;
    const counts = [a.own, b.copies, b.own, a.copies].join(' ');
    if (a.own !== b.copies || b.own + a.copies !== 0 || a.own !== owner.size) {
      this.wrongs.push(`tables count ${counts}, kernels ${owner.size} ${copies.size}`);
    }
    if (Object.keys(a.stopped).length + Object.keys(b.stopped).length > 0) {
      this.wrongs.push(`stopped: ${JSON.stringify([a.stopped, b.stopped])}`);
    }
  }

  #name(node: FlowNode): string {
    return node === this.stage.a ? 'a' : 'b';
  }

  #say(text: string): void {
    this.log.push(`${this.#turn} ${text}`);
  }
}
