/**
 * A switch: carries real frames between its ports, learns where MAC addresses are, and can be
 * broken in the ways switches and cables break.
 */
import type { Frame } from './frame.ts';
import { LearnedPorts } from './learned-ports.ts';
import type { Prng } from './prng.ts';
import type { Schedule } from './schedule.ts';

/** Time a frame takes from port to port. */
const LATENCY = 100;
/** A frame that is overtaken comes this much later at most. */
export const HELD_BACK = 5_000;
/** Longest time in which a socket is read empty after a flood. */
const FLOOD_WAKE = 100_000;

export interface Port {
  /** Name of the box it belongs to. */
  readonly owner: string;
  /** Its Ethernet address as a number; undefined for a port that hears everything. */
  readonly ethernetAddress?: number;
  receive(frame: Frame): void;
  /** Its carrier may have changed. */
  carrierChanged(): void;
}

/** True for frames that the switch is to lose. */
export type FrameFilter = (frame: Uint8Array, from: Port) => boolean;

/** What goes wrong with frames on their way; shares are 0 to 1, times microseconds. */
export interface Trouble {
  readonly loss: number;
  /** Share of frames that arrive twice. */
  readonly duplication: number;
  /** Share of frames that are overtaken by later ones. */
  readonly reorder: number;
  readonly delay: number;
  /** Beyond `delay`, at random; frames overtake each other when it is more than their distance. */
  readonly jitter: number;
}

/** A queue that fills: each datagram waits a little longer than the one before. */
interface Congestion {
  readonly from: number;
  /** At most, microseconds. */
  readonly delay: number;
}

/** Microseconds of delay that are added in a microsecond: less than would look like silence. */
export const CONGESTION_RISE = 0.4;

const NO_TROUBLE: Trouble = { loss: 0, duplication: 0, reorder: 0, delay: 0, jitter: 0 };

export class SimulatedSegment {
  readonly name: string;
  /** A loop: everything comes back to its sender too. */
  echoes = false;
  filter: FrameFilter | undefined;
  /** Until then sockets may still be full of garbage, and beats be lost for it. */
  floodedUntil = 0;
  /** Frames on their way. */
  inFlight = 0;
  /** When the last frame will have arrived that others could overtake. */
  lateUntil = 0;
  #trouble: Trouble = NO_TROUBLE;
  /** How the delay of the pair's own datagrams grows, while all other frames are in time. */
  #congestion: Congestion | undefined;
  /** Called when something changed about who reaches whom. */
  onChange: () => void = () => undefined;
  readonly #schedule: Schedule;
  readonly #prng: Prng;
  readonly #ports = new Set<Port>();
  readonly #unplugged = new Set<Port>();
  /** Ports cut off from the rest, together. */
  readonly #apart = new Set<Port>();
  /** From one port to those that do not hear it. */
  readonly #deaf = new Map<Port, Set<Port>>();
  readonly #learned = new LearnedPorts();
  #powered = true;

  constructor(name: string, schedule: Schedule, prng: Prng) {
    this.name = name;
    this.#schedule = schedule;
    this.#prng = prng;
  }

  attach(port: Port): void {
    this.#ports.add(port);
  }

  get ports(): ReadonlySet<Port> {
    return this.#ports;
  }

  /** Frames are lost, late, doubled or overtaken. */
  get isTroubled(): boolean {
    return this.#trouble !== NO_TROUBLE;
  }

  get trouble(): Trouble {
    return this.#trouble;
  }

  /** What goes wrong from now on, besides what already does. */
  addTrouble(trouble: Partial<Trouble>): void {
    this.#trouble = { ...this.#trouble, ...trouble };
    this.onChange();
  }

  /** The pair's own datagrams come later and later, up to a delay. */
  congest(delay: number): void {
    this.#congestion = { from: this.#schedule.now, delay };
    this.onChange();
  }

  get isCongested(): boolean {
    return this.#congestion !== undefined;
  }

  /** Frames arrive once, in order, without delay. */
  calm(): void {
    this.#trouble = NO_TROUBLE;
    this.#congestion = undefined;
    this.onChange();
  }

  /** Somebody sends more than the boxes can read. */
  flood(): void {
    this.floodedUntil = this.#schedule.now + FLOOD_WAKE;
  }

  hasCarrier(port: Port): boolean {
    return this.#powered && (this.#unplugged.size === 0 || !this.#unplugged.has(port));
  }

  /** True when frames of `one` come to `other`. */
  reaches(one: Port, other: Port): boolean {
    if (!this.hasCarrier(one) || !this.hasCarrier(other)) return false;
    if (this.#apart.size > 0 && this.#apart.has(one) !== this.#apart.has(other)) return false;
    return this.#deaf.size === 0 || this.#deaf.get(one)?.has(other) !== true;
  }

  /** True when a client beside `one` would also reach `other`, and be answered. */
  joins(one: Port, other: Port): boolean {
    return this.reaches(one, other) && this.reaches(other, one);
  }

  /** True when frames for the MAC address go to the port: learned there, or not known at all. */
  leadsTo(mac: number, port: Port): boolean {
    const learned = this.#learned.get(mac);
    return learned === undefined || learned === port;
  }

  unplug(port: Port): void {
    this.#unplugged.add(port);
    this.#learned.forget(port);
    this.#changed([port]);
  }

  plug(port: Port): void {
    this.#unplugged.delete(port);
    this.#changed([port]);
  }

  power(on: boolean): void {
    this.#powered = on;
    this.#learned.clear();
    this.#changed(this.#ports);
  }

  /** Cuts the ports of these boxes off; with none, heals. */
  partition(owners: readonly string[]): void {
    this.#apart.clear();
    for (const port of this.#ports) if (owners.includes(port.owner)) this.#apart.add(port);
    this.#learned.clear();
    this.onChange();
  }

  /** The second box no longer hears the first; it may go on hearing others. */
  deafen(speaker: string, listener: string): void {
    for (const one of this.#ports) {
      if (one.owner !== speaker) continue;
      const deaf = this.#deaf.get(one) ?? new Set();
      for (const other of this.#ports) if (other.owner === listener) deaf.add(other);
      this.#deaf.set(one, deaf);
    }
    this.onChange();
  }

  /** Everybody hears everybody. */
  heal(): void {
    this.#deaf.clear();
    this.partition([]);
  }

  transmit(from: Port, frame: Frame): void {
    if (!this.hasCarrier(from)) return;
    const { source, destination } = frame;
    if (this.#learned.get(source) !== from) {
      this.#learned.set(source, from);
      this.onChange();
    }
    const only = frame.isToGroup ? undefined : this.#learned.get(destination);
    for (const port of this.#ports) {
      if (port === from && !this.echoes) continue;
      if (only !== undefined && port !== only && port.ethernetAddress !== undefined) continue;
      if (port !== from && !this.reaches(from, port)) continue;
      this.#carry(frame, from, port);
    }
  }

  #carry(frame: Frame, from: Port, port: Port): void {
    const trouble = this.#trouble;
    if (this.filter?.(frame.bytes, from) === true) return;
    const queueing = this.#congestion === undefined ? 0 : this.#queueing(this.#congestion, frame);
    if (trouble === NO_TROUBLE) return this.#deliver(frame, port, LATENCY + queueing);
    const prng = this.#prng;
    if (prng.chance(trouble.loss)) return;
    let late = LATENCY + trouble.delay + queueing;
    if (trouble.jitter > 0) late += prng.between(0, trouble.jitter);
    if (prng.chance(trouble.reorder)) late += prng.between(0, HELD_BACK);
    this.#deliver(frame, port, late);
    if (prng.chance(trouble.duplication)) {
      this.#deliver(frame, port, late + prng.between(0, HELD_BACK));
    }
  }

  #queueing({ from, delay }: Congestion, { datagram }: Frame): number {
    if (datagram === undefined) return 0;
    return Math.min(delay, Math.round(CONGESTION_RISE * (this.#schedule.now - from)));
  }

  #deliver(frame: Frame, port: Port, late: number): void {
    if (late > LATENCY) this.lateUntil = Math.max(this.lateUntil, this.#schedule.now + late);
    this.inFlight += 1;
    this.#schedule.in(late, () => {
      this.inFlight -= 1;
      if (this.hasCarrier(port)) port.receive(frame);
    });
  }

  #changed(ports: Iterable<Port>): void {
    for (const port of ports) port.carrierChanged();
    this.onChange();
  }
}
