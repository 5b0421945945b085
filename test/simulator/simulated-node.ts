/**
 * A box of the pair: a machine and, while it runs, the election service that ships, driven by
 * simulated time. It can be stalled, killed, stopped, and lose its power.
 */
import type { PairConfiguration } from '../../firmware/core/configuration/pair-configuration.ts';
import type { NodeEvent } from '../../firmware/core/node/node-io.ts';
import { ElectionService } from '../../firmware/service/election-service.ts';
import { decodeAddressClaim } from '../../firmware/wire/address-claim.ts';
import { decodeCarpFrame } from '../../firmware/wire/carp-frame.ts';
import type { Chronicle } from './chronicle.ts';
import type { Prng } from './prng.ts';
import type { Schedule } from './schedule.ts';
import { SimulatedKernel } from './simulated-kernel.ts';
import { SimulatedDevice, SimulatedMachine } from './simulated-machine.ts';
import type { SimulatedSegment } from './simulated-segment.ts';

/** The kernel tells of carrier changes this late to those who do not look themselves. */
const LINK_REPORT = 1_000_000;
/** More turns than this in one instant are a busy loop. */
const TURNS_PER_INSTANT = 1_000;

export interface NodeSurroundings {
  readonly schedule: Schedule;
  readonly prng: Prng;
  readonly chronicle: Chronicle;
  readonly segments: ReadonlyMap<string, SimulatedSegment>;
  /** Longest time from the moment a process could run to the moment it does, microseconds. */
  readonly wakeLatency: number;
}

export class SimulatedNode {
  readonly name: string;
  readonly machine: SimulatedMachine;
  configuration: PairConfiguration;
  #maintenance = false;
  #service: ElectionService | undefined;
  #kernel: SimulatedKernel | undefined;
  readonly #around: NodeSurroundings;
  #poweredOff: readonly SimulatedDevice[] = [];
  #stalledUntil = 0;
  /** Counts lives and turns: a wake-up planned before the last turn is not for now. */
  #generation = 0;
  #turnAt = Number.POSITIVE_INFINITY;
  #turnsNow = { at: 0, count: 0 };

  constructor(configuration: PairConfiguration, around: NodeSurroundings) {
    this.name = configuration.node;
    this.configuration = configuration;
    this.#around = around;
    this.machine = new SimulatedMachine(
      this.name,
      around.schedule,
      around.prng.between(1, 9_999_999),
    );
    for (const { name, device } of configuration.interfaces) this.#addDevice(name, device);
  }

  get service(): ElectionService | undefined {
    return this.#service;
  }

  get isRunning(): boolean {
    return this.#service !== undefined;
  }

  get isStalled(): boolean {
    return this.#stalledUntil > this.#around.schedule.now;
  }

  get isPowered(): boolean {
    return this.#poweredOff.length === 0;
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
    const { prng, chronicle } = this.#around;
    const transmitted = (device: string, frame: Uint8Array): void =>
      this.#transmitted(device, frame);
    const kernel = new SimulatedKernel(this.machine, prng, { transmitted });
    this.#kernel = kernel;
    this.#stalledUntil = 0;
    const { configuration } = this;
    this.#service = new ElectionService({
      kernel,
      configuration,
      maintenance: this.#maintenance,
      hooks: {
        onEvent: (event) => this.#tell(event),
        onMessage: () => undefined,
        onRemember: (maintenance) => {
          this.#maintenance = maintenance;
        },
        onStopped: () => {
          kernel.retire();
          this.#end();
          chronicle.tell(this.name, 'stopped');
        },
      },
    });
    this.#wakeAt(this.#around.schedule.now);
  }

  /** kill -9: nothing is tidied up. */
  kill(): void {
    if (!this.isRunning) return;
    this.#around.chronicle.tell(this.name, 'is killed');
    this.#end();
  }

  /** SIGTERM. */
  shutDown(): void {
    this.#command((service) => service.stop());
  }

  maintain(entered: boolean): void {
    this.#command((service) => service.maintain(entered));
  }

  reload(configuration: PairConfiguration): void {
    this.configuration = configuration;
    this.#command((service) => service.reconfigure(configuration));
  }

  /** Not scheduled for this long. */
  stall(span: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#around.schedule.now + span);
  }

  /** SIGSTOP; SIGCONT is `proceed`. */
  suspend(): void {
    this.#stalledUntil = Number.POSITIVE_INFINITY;
  }

  proceed(): void {
    this.#stalledUntil = 0;
    if (this.isRunning) this.#wakeAt(this.#around.schedule.now);
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
    for (const device of this.#poweredOff) device.segment.plug(device);
    this.#poweredOff = [];
    this.start();
  }

  /** The device vanishes (a driver is reloaded, a USB adapter pulled) or comes back. */
  setPresent(name: string, present: boolean): void {
    const device = this.device(name);
    device.present = present;
    if (!present) {
      device.addresses = [];
      this.machine.loseMacvlans(device.device);
      this.#kernel?.damage(`the VIPs on ${device.device} are gone`);
    }
    device.carrierChanged();
    this.machine.onChange();
  }

  /** Somebody flushes the tables of this machine. */
  damage(): void {
    this.machine.loseMacvlans();
    this.#kernel?.damage('somebody removed the VIPs');
    if (this.isRunning) this.#wakeAt(this.#around.schedule.now);
  }

  #addDevice(name: string, device: string): void {
    const { segments, prng, schedule } = this.#around;
    const segment = segments.get(name);
    if (segment === undefined) return;
    const mac = `02:00:00:00:${hex(prng.between(0, 255))}:${hex(prng.between(0, 255))}`;
    const port = new SimulatedDevice(this.name, device, segment, mac);
    this.machine.devices.set(device, port);
    port.onFrame = (frame) => {
      this.#kernel?.enqueue(device, frame);
      if (this.#kernel?.hasEvents === true) this.#wakeAt(schedule.now);
    };
    port.onCarrier = () => {
      this.machine.onChange();
      schedule.in(LINK_REPORT, () => this.isRunning && this.#wakeAt(schedule.now));
    };
  }

  #command(run: (service: ElectionService) => void): void {
    const service = this.#service;
    if (service === undefined) return;
    // As the election thread does it: a command is a message, handled inside a turn.
    this.#around.schedule.at(Math.max(this.#around.schedule.now, this.#stalledUntil), () => {
      if (this.#service !== service) return;
      run(service);
      this.#turn(this.#generation);
    });
  }

  #end(): void {
    this.#generation += 1;
    this.#turnAt = Number.POSITIVE_INFINITY;
    this.#service = undefined;
    this.#kernel = undefined;
  }

  #wakeAt(time: number): void {
    const { schedule, prng, wakeLatency } = this.#around;
    const late = wakeLatency === 0 ? 0 : prng.between(0, wakeLatency);
    const at = Math.max(time, schedule.now) + late;
    if (at >= this.#turnAt) return;
    this.#turnAt = at;
    this.#generation += 1;
    const generation = this.#generation;
    schedule.at(at, () => this.#turn(generation));
  }

  #turn(generation: number): void {
    const service = this.#service;
    if (generation !== this.#generation || service === undefined) return;
    const { now } = this.#around.schedule;
    this.#turnAt = Number.POSITIVE_INFINITY;
    if (this.#stalledUntil > now) {
      if (this.#stalledUntil < Number.POSITIVE_INFINITY) this.#wakeAt(this.#stalledUntil);
      return;
    }
    this.#countTurn(now);
    service.turn(this.#kernel?.wait() ?? []);
    this.#around.chronicle.flush(this.name);
    if (this.#service !== service) return;
    const next = service.nextTimeout();
    if (this.#kernel?.hasEvents === true) this.#wakeAt(now);
    else if (next !== undefined) this.#wakeAt(now + next - this.machine.clock);
  }

  #countTurn(now: number): void {
    this.#turnsNow = { at: now, count: this.#turnsNow.at === now ? this.#turnsNow.count + 1 : 1 };
    if (this.#turnsNow.count > TURNS_PER_INSTANT)
      throw new Error(`${this.name} loops at ${now} us`);
  }

  #tell({ kind, text }: NodeEvent): void {
    this.#around.chronicle.tell(this.name, `${kind}: ${text}`);
    if (kind === 'transition') this.#around.chronicle.fresh(this.name);
  }

  #transmitted(device: string, frame: Uint8Array): void {
    const { chronicle } = this.#around;
    const place = this.configuration.interfaces.find((each) => each.device === device);
    const claim = decodeAddressClaim(frame);
    if (claim !== undefined) {
      const vhid = Number.parseInt(claim.mac.slice(-2), 16);
      return chronicle.sent(this.name, 'announces', this.#vipName(place?.name, vhid));
    }
    const advertisement = decodeCarpFrame(frame)?.advertisement;
    if (advertisement === undefined) return;
    const { advbase, advskew, vhid } = advertisement;
    const isGoodbye = advbase === 255 && advskew === 255;
    const what = isGoodbye ? 'good-bye' : `advertises ${advbase}/${advskew}`;
    chronicle.sent(this.name, what, this.#vipName(place?.name, vhid));
  }

  #vipName(place: string | undefined, vhid: number): string {
    const vip = this.configuration.vips.find(
      (each) => each.interface === place && each.vhid === vhid,
    );
    return vip?.name ?? `${place}/${vhid}`;
  }
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
