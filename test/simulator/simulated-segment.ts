/**
 * A switch: carries real frames between its ports, learns where MAC addresses are, and can be
 * broken in the ways switches and cables break.
 */
import { decodeEthernetHeader } from '../../firmware/wire/ethernet-frame.ts';
import type { Prng } from './prng.ts';
import type { Schedule } from './schedule.ts';

/** Time a frame takes from port to port. */
const LATENCY = 100;

export interface Port {
  /** Name of the box it belongs to. */
  readonly owner: string;
  receive(frame: Uint8Array): void;
  /** Its carrier may have changed. */
  carrierChanged(): void;
}

/** True for frames that the switch is to lose. */
export type FrameFilter = (frame: Uint8Array, from: Port) => boolean;

export class SimulatedSegment {
  readonly name: string;
  /** Share of frames lost, 0 to 1. */
  loss = 0;
  /** A loop: everything comes back to its sender too. */
  echoes = false;
  filter: FrameFilter = () => false;
  /** Called when something changed about who reaches whom. */
  onChange: () => void = () => undefined;
  readonly #schedule: Schedule;
  readonly #prng: Prng;
  readonly #ports = new Set<Port>();
  readonly #unplugged = new Set<Port>();
  /** Ports cut off from the rest, together. */
  readonly #apart = new Set<Port>();
  readonly #learned = new Map<string, Port>();
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

  hasCarrier(port: Port): boolean {
    return this.#powered && !this.#unplugged.has(port);
  }

  /** True when a client beside `one` would also reach `other`. */
  joins(one: Port, other: Port): boolean {
    if (!this.hasCarrier(one) || !this.hasCarrier(other)) return false;
    return this.#apart.has(one) === this.#apart.has(other);
  }

  /** True when frames for the MAC address go to the port: learned there, or not known at all. */
  leadsTo(mac: string, port: Port): boolean {
    const learned = this.#learned.get(mac);
    return learned === undefined || learned === port;
  }

  get isWhole(): boolean {
    return this.#apart.size === 0;
  }

  unplug(port: Port): void {
    this.#unplugged.add(port);
    for (const [mac, at] of this.#learned) if (at === port) this.#learned.delete(mac);
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

  transmit(from: Port, frame: Uint8Array): void {
    if (!this.hasCarrier(from)) return;
    const source = decodeEthernetHeader(frame)?.source;
    if (source !== undefined && this.#learned.get(source) !== from) {
      this.#learned.set(source, from);
      this.onChange();
    }
    for (const port of this.#ports) {
      if (port === from ? this.echoes : this.joins(from, port)) this.#carry(frame, from, port);
    }
  }

  #carry(frame: Uint8Array, from: Port, port: Port): void {
    if (this.filter(frame, from) || this.#prng.chance(this.loss)) return;
    const copy = frame.slice();
    this.#schedule.in(LATENCY, () => {
      if (this.hasCarrier(port)) port.receive(copy);
    });
  }

  #changed(ports: Iterable<Port>): void {
    for (const port of ports) port.carrierChanged();
    this.onChange();
  }
}
