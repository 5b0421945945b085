/**
 * One life of the election process on a simulated machine: the service that ships, its turns, and
 * all the ways in which a scheduler can keep it from running.
 *
 * A turn runs in no time, unless it is stalled inside: then the rest of the world goes on while the
 * process stands between two of its calls to the kernel, as a SIGSTOP or a page fault may leave it.
 */
import type { ElectionService } from '../../firmware/service/election-service.ts';
import type { Prng } from './prng.ts';
import type { Schedule } from './schedule.ts';
import { SimulatedKernel } from './simulated-kernel.ts';
import type { SimulatedMachine } from './simulated-machine.ts';

/** More turns than this in one instant are a busy loop. */
const TURNS_PER_INSTANT = 1_000;

type Command = (service: ElectionService) => void;

export interface ProcessStart {
  readonly machine: SimulatedMachine;
  readonly schedule: Schedule;
  readonly prng: Prng;
  /** Longest time from the moment it could run to the moment it does, microseconds. */
  readonly wakeLatency: number;
  readonly serve: (kernel: SimulatedKernel) => ElectionService;
  readonly transmitted: (device: string, frame: Uint8Array) => void;
  /** A turn is over. */
  readonly onTurn: () => void;
  /** It has begun or ceased to run. */
  readonly onStall: () => void;
  /** It has sent a frame in a turn in which it stood still before. */
  readonly onLateFrame: () => void;
}

/** Unwinds the turn of a process that was killed while it was stalled in it. */
class ProcessEnded extends Error {}

export class SimulatedProcess {
  readonly kernel: SimulatedKernel;
  readonly service: ElectionService;
  readonly #start: ProcessStart;
  readonly #commands: Command[] = [];
  #ended = false;
  #isInTurn = false;
  #isStalledInside = false;
  /** It has stood still in this turn. */
  #wasStalledInside = false;
  #stalledUntil = 0;
  /** Kernel calls until the next stall inside a turn, and its length. */
  #ambush: { calls: number; readonly span: number } | undefined;
  /** Counts planned turns: one planned before the last turn is not for now. */
  #generation = 0;
  #turnAt = Number.POSITIVE_INFINITY;
  readonly #turnsNow = { at: 0, count: 0 };

  constructor(start: ProcessStart) {
    this.#start = start;
    this.kernel = new SimulatedKernel(start.machine, start.prng, {
      transmitted: (device, frame) => {
        start.transmitted(device, frame);
        if (this.#wasStalledInside) start.onLateFrame();
      },
      entered: () => this.#ambushed(),
    });
    this.service = start.serve(this.kernel);
    this.#wakeAt(start.schedule.now);
  }

  get ended(): boolean {
    return this.#ended;
  }

  get isStalled(): boolean {
    return this.#isStalledInside || this.#stalledUntil > this.#start.schedule.now;
  }

  /** Not scheduled for this long. */
  stall(span: number): void {
    const { schedule, onStall } = this.#start;
    this.#stallUntil(Math.max(this.#stalledUntil, schedule.now + span));
    schedule.in(span, onStall);
  }

  /** Not scheduled for this long, from its so-many-th call to the kernel on. */
  stallInside(span: number, calls: number): void {
    this.#ambush = { calls, span };
  }

  /** SIGSTOP; SIGCONT is `proceed`. */
  suspend(): void {
    this.#stallUntil(Number.POSITIVE_INFINITY);
  }

  proceed(): void {
    this.#ambush = undefined;
    this.#stallUntil(0);
    this.#wakeAt(this.#start.schedule.now);
  }

  /** As the election thread does it: a command is a message, handled inside a turn. */
  command(command: Command): void {
    this.#commands.push(command);
    this.#wakeAt(this.#start.schedule.now);
  }

  /** Something may have arrived. */
  poke(): void {
    const at = this.kernel.readableAt;
    if (at !== undefined) this.#wakeAt(this.#start.machine.timeAt(at));
  }

  wake(): void {
    this.#wakeAt(this.#start.schedule.now);
  }

  end(): void {
    this.#ended = true;
    this.#start.onStall();
  }

  #stallUntil(at: number): void {
    this.#stalledUntil = at;
    this.#start.onStall();
  }

  #wakeAt(time: number): void {
    const { schedule, prng, wakeLatency } = this.#start;
    if (this.#ended || this.#isInTurn || this.#stalledUntil === Number.POSITIVE_INFINITY) return;
    const due = Math.max(time, schedule.now, this.#stalledUntil);
    if (due >= this.#turnAt) return;
    const at = wakeLatency === 0 ? due : due + prng.between(0, wakeLatency);
    if (at >= this.#turnAt) return;
    this.#turnAt = at;
    this.#generation += 1;
    const generation = this.#generation;
    schedule.at(at, () => {
      if (generation === this.#generation) this.#turn();
    });
  }

  #turn(): void {
    if (this.#ended) return;
    this.#turnAt = Number.POSITIVE_INFINITY;
    const { now } = this.#start.schedule;
    if (this.#stalledUntil > now) return this.#wakeAt(this.#stalledUntil);
    this.#countTurn(now);
    this.#isInTurn = true;
    this.#wasStalledInside = false;
    try {
      if (this.#commands.length > 0) this.#carryOut(this.#commands.splice(0));
      this.service.turn(this.kernel.wait());
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
    }
    this.#isInTurn = false;
    this.#start.onTurn();
    if (!this.#ended) this.#planNext();
  }

  #carryOut(commands: readonly Command[]): void {
    for (const command of commands) command(this.service);
  }

  #planNext(): void {
    const { machine, schedule } = this.#start;
    if (this.#commands.length > 0) this.#wakeAt(schedule.now);
    this.poke();
    const next = this.service.nextTimeout();
    if (next !== undefined) this.#wakeAt(machine.timeAt(next));
  }

  /** Called by the kernel at each call of the process. */
  #ambushed(): void {
    if (this.#ambush === undefined || !this.#isInTurn) return;
    const { schedule } = this.#start;
    // One box at a time: whoever stalls inside another's stall would prolong that one.
    if (schedule.depth > 1) return;
    this.#ambush.calls -= 1;
    if (this.#ambush.calls > 0) return;
    const { span } = this.#ambush;
    this.#ambush = undefined;
    this.#isStalledInside = true;
    this.#wasStalledInside = true;
    this.stall(span);
    schedule.afterEach();
    while (this.#stalledUntil > schedule.now && !this.#ended) {
      if (!schedule.runNext()) break;
    }
    this.#isStalledInside = false;
    this.#start.onStall();
    if (this.#ended) throw new ProcessEnded();
  }

  #countTurn(now: number): void {
    this.#turnsNow.count = this.#turnsNow.at === now ? this.#turnsNow.count + 1 : 1;
    this.#turnsNow.at = now;
    if (this.#turnsNow.count > TURNS_PER_INSTANT) {
      throw new Error(`${this.#start.machine.name} loops at ${now} us`);
    }
  }
}
