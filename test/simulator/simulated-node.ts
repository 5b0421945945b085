/**
 * A box of the pair: a machine, a disk and, while it runs, the election process. It can be stalled,
 * killed, stopped, and lose its power.
 */
import type { PairConfiguration } from '../../firmware/core/configuration/pair-configuration.ts';
import type { NodeEvent } from '../../firmware/core/node/node-io.ts';
import { ElectionService } from '../../firmware/service/election-service.ts';
import type { Chronicle } from './chronicle.ts';
import type { Prng } from './prng.ts';
import type { Schedule } from './schedule.ts';
import { tellFrame } from './sent-frames.ts';
import { simulatedCrypto } from './simulated-crypto.ts';
import type { SimulatedKernel } from './simulated-kernel.ts';
import { SimulatedDevice, SimulatedMachine } from './simulated-machine.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedSegment } from './simulated-segment.ts';

/** The run loop reads carrier at least this often, however late the kernel reports it. */
const CARRIER_TICK = 20_000;
/** A process that stopped is started again after this. */
const RESTART = 50_000;

export interface NodeSurroundings {
  readonly schedule: Schedule;
  readonly prng: Prng;
  readonly chronicle: Chronicle;
  readonly segments: ReadonlyMap<string, SimulatedSegment>;
  /** Longest time from the moment a process could run to the moment it does, microseconds. */
  readonly wakeLatency: number;
  /** How much faster than true time the clock of the box is, parts per million. */
  readonly drift?: number;
}

export class SimulatedNode {
  readonly name: string;
  readonly machine: SimulatedMachine;
  configuration: PairConfiguration;
  /** A write takes this long, microseconds, and is lost when the process is killed before. */
  diskDelay = 0;
  /** When this life of the process began; undefined while it does not run. */
  startedAt: number | undefined;
  /** Called when it has begun or ceased to run, to answer, to be able to. */
  onChange: () => void = () => undefined;
  /** When it last said what it had decided on before it stood still. */
  spokeLateAt = 0;
  /** What its operator last commanded, as far as it was carried out or is on the disk. */
  isMaintained = false;
  /** Outcomes of handovers that were commanded. */
  onHandoverEnded: (ok: boolean, text: string) => void = () => undefined;
  /** What is on the disk. */
  #remembered = false;
  #writtenAt = 0;
  /** It has been told to stop. */
  #isLeaving = false;
  #restarts = false;
  #process: SimulatedProcess | undefined;
  readonly #around: NodeSurroundings;
  #poweredOff: readonly SimulatedDevice[] | undefined;

  constructor(configuration: PairConfiguration, around: NodeSurroundings) {
    this.name = configuration.node;
    this.configuration = configuration;
    this.#around = around;
    const bootOffset = around.prng.between(1, 9_999_999);
    const rate = 1 + (around.drift ?? 0) / 1e6;
    this.machine = new SimulatedMachine(this.name, around.schedule, bootOffset, rate);
    this.machine.onChange = () => this.onChange();
    for (const { name, device } of configuration.interfaces) this.#addDevice(name, device);
  }

  get service(): ElectionService | undefined {
    return this.#process?.service;
  }

  get kernel(): SimulatedKernel | undefined {
    return this.#process?.kernel;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  get isStalled(): boolean {
    return this.#process?.isStalled === true;
  }

  /** It runs, is scheduled and was not told to stop. */
  get isAble(): boolean {
    return this.isRunning && !this.isStalled && !this.#isLeaving;
  }

  get isPowered(): boolean {
    return this.#poweredOff === undefined;
  }

  /** Whether the next life will begin in maintenance. */
  get remembersMaintenance(): boolean {
    return this.#remembered;
  }

  /** The device of a logical interface. */
  device(name: string): SimulatedDevice {
    const found = this.configuration.interfaces.find((each) => each.name === name);
    const device = this.machine.devices.get(found?.device ?? '');
    if (device === undefined) throw new Error(`${this.name} has no interface ${name}`);
    return device;
  }

  start(): void {
    if (this.isRunning || !this.isPowered) return;
    const { schedule, prng, chronicle, wakeLatency } = this.#around;
    this.startedAt = schedule.now;
    this.isMaintained = this.#remembered;
    this.#isLeaving = false;
    this.#restarts = false;
    this.#process = new SimulatedProcess({
      machine: this.machine,
      schedule,
      prng,
      wakeLatency,
      serve: (kernel) => this.#serve(kernel),
      transmitted: (device, frame) => tellFrame(chronicle, this.configuration, device, frame),
      onTurn: () => chronicle.flush(this.name),
      onStall: () => this.onChange(),
      onLateFrame: () => {
        this.spokeLateAt = schedule.now;
      },
    });
    this.onChange();
  }

  /** kill -9: nothing is tidied up. */
  kill(): void {
    if (!this.isRunning) return;
    this.#around.chronicle.tell(this.name, 'is killed');
    this.#end();
  }

  /** SIGTERM. */
  shutDown(): void {
    this.#isLeaving = this.isRunning;
    this.#process?.command((service) => service.stop());
    this.onChange();
  }

  /** Whatever befell it, it runs again; when it is about to stop, right after that. */
  revive(): void {
    this.proceed();
    this.powerOn();
    this.start();
    this.#restarts = this.#isLeaving;
  }

  maintain(entered: boolean): void {
    this.#process?.command((service) => {
      if (this.#isLeaving) return;
      service.maintain(entered);
      this.isMaintained = entered;
    });
  }

  handOver(): void {
    this.#process?.command((service) => service.handOver());
  }

  reload(configuration: PairConfiguration): void {
    this.configuration = configuration;
    this.#process?.command((service) => service.reconfigure(configuration));
  }

  /** Not scheduled for this long. */
  stall(span: number): void {
    this.#process?.stall(span);
  }

  /** Not scheduled for this long, from its so-many-th call to the kernel on. */
  stallInside(span: number, calls: number): void {
    this.#process?.stallInside(span, calls);
  }

  /** SIGSTOP; SIGCONT is `proceed`. */
  suspend(): void {
    this.#process?.suspend();
  }

  proceed(): void {
    this.#process?.proceed();
  }

  powerOff(): void {
    if (!this.isPowered) return;
    this.#around.chronicle.tell(this.name, 'loses power');
    this.#end();
    this.#poweredOff = [...this.machine.devices.values()].filter((device) => device.carrier);
    for (const device of this.#poweredOff) device.segment.unplug(device);
    this.machine.forget();
  }

  powerOn(): void {
    for (const device of this.#poweredOff ?? []) device.segment.plug(device);
    this.#poweredOff = undefined;
    this.start();
  }

  /** The device vanishes (a driver is reloaded, a USB adapter pulled) or comes back. */
  setPresent(name: string, present: boolean): void {
    const device = this.device(name);
    device.present = present;
    if (!present) {
      device.addresses = [];
      this.machine.loseMacvlans(device.device);
      this.kernel?.damage(`the VIPs on ${device.device} are gone`);
    }
    this.machine.onChange();
  }

  /** Somebody flushes the tables of this machine. */
  damage(): void {
    this.machine.loseMacvlans();
    this.kernel?.damage('somebody removed the VIPs');
    this.#process?.wake();
  }

  #addDevice(name: string, device: string): void {
    const { segments, prng, schedule } = this.#around;
    const segment = segments.get(name);
    if (segment === undefined) return;
    const mac = `02:00:00:00:${hex(prng.between(0, 255))}:${hex(prng.between(0, 255))}`;
    const port = new SimulatedDevice(this.name, device, segment, mac);
    this.machine.addDevice(port);
    port.onFrame = (frame) => {
      this.kernel?.receive(device, frame);
      this.#process?.poke();
    };
    port.onCarrier = () => {
      this.machine.linkVersion += 1;
      this.machine.onChange();
      schedule.in(CARRIER_TICK, () => this.#process?.wake());
    };
  }

  #serve(kernel: SimulatedKernel): ElectionService {
    return new ElectionService({
      kernel,
      configuration: this.configuration,
      maintenance: this.#remembered,
      primitives: simulatedCrypto,
      hooks: {
        onEvent: (event) => this.#tell(event),
        onMessage: () => undefined,
        onRemember: (maintenance) => this.#remember(maintenance),
        onHandoverEnded: (ok, text) => {
          this.#around.chronicle.tell(this.name, `handover ${ok ? 'ok' : 'refused'}: ${text}`);
          this.onHandoverEnded(ok, text);
        },
        onStopped: () => {
          kernel.retire();
          this.#end();
          this.#around.chronicle.tell(this.name, 'stopped');
          if (this.#restarts) this.#around.schedule.in(RESTART, () => this.start());
        },
      },
    });
  }

  #remember(maintenance: boolean): void {
    const { schedule } = this.#around;
    // Writes are done in their order.
    this.#writtenAt = Math.max(this.#writtenAt, schedule.now + this.diskDelay);
    if (this.#writtenAt === schedule.now) {
      this.#remembered = maintenance;
      return;
    }
    const process = this.#process;
    schedule.at(this.#writtenAt, () => {
      if (this.#process === process) this.#remembered = maintenance;
    });
  }

  #end(): void {
    this.startedAt = undefined;
    this.#process?.end();
    this.#process = undefined;
    this.onChange();
  }

  #tell({ kind, text }: NodeEvent): void {
    this.#around.chronicle.tell(this.name, `${kind}: ${text}`);
    if (kind === 'transition') this.#around.chronicle.fresh(this.name);
  }
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
