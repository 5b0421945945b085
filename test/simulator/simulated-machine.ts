/**
 * What of a box outlives a process: devices with their addresses, macvlans, the lease table.
 *
 * Leases behave as in nf_tables at HZ=250: an element's timeout is rounded up to whole ticks of
 * 4 ms and counted from the last tick, so it lapses up to a tick before or after the asked time; a
 * lapsed element is gone and can only be added anew.
 */
import { virtualMac } from '../../firmware/wire/ethernet-frame.ts';
import type { Cidr } from '../../firmware/wire/ip-address.ts';
import type { Schedule } from './schedule.ts';
import type { Port, SimulatedSegment } from './simulated-segment.ts';

export const TICK = 4_000;

export class SimulatedDevice implements Port {
  readonly owner: string;
  readonly device: string;
  readonly segment: SimulatedSegment;
  readonly mac: string;
  present = true;
  /** Sending fails while the link is up (a broken driver, a full queue). */
  sendFails = false;
  addresses: Cidr[] = [];
  onFrame: (frame: Uint8Array) => void = () => undefined;
  onCarrier: () => void = () => undefined;

  constructor(owner: string, device: string, segment: SimulatedSegment, mac: string) {
    this.owner = owner;
    this.device = device;
    this.segment = segment;
    this.mac = mac;
    segment.attach(this);
  }

  get carrier(): boolean {
    return this.present && this.segment.hasCarrier(this);
  }

  receive(frame: Uint8Array): void {
    if (this.present) this.onFrame(frame);
  }

  carrierChanged(): void {
    this.onCarrier();
  }
}

/** A VIP in the kernel. */
export interface Macvlan {
  readonly device: string;
  readonly vhid: number;
  group: number;
  addresses: readonly string[];
  up: boolean;
}

export class SimulatedMachine {
  readonly name: string;
  readonly devices = new Map<string, SimulatedDevice>();
  readonly macvlans = new Map<string, Macvlan>();
  leaseMilliseconds = 0;
  /** The kernel refuses claims. */
  refusesClaims = false;
  refusesReleases = false;
  refusesPlans = false;
  /** Called when it may have begun or ceased to answer for a VIP. */
  onChange: () => void = () => undefined;
  readonly #leases = new Map<number, number>();
  readonly #schedule: Schedule;
  /** Its monotonic clock when the simulation began: no two boxes were booted together. */
  readonly #bootOffset: number;

  constructor(name: string, schedule: Schedule, bootOffset: number) {
    this.name = name;
    this.#schedule = schedule;
    this.#bootOffset = bootOffset;
  }

  /** CLOCK_MONOTONIC, microseconds. */
  get clock(): number {
    return this.#schedule.now + this.#bootOffset;
  }

  holds(group: number): boolean {
    return this.clock < (this.#leases.get(group) ?? 0);
  }

  /** `keys` (`device/vhid`): what is raised, all of the group when absent. */
  claim(group: number, keys?: ReadonlySet<string>): void {
    this.#prolong(group);
    for (const [key, macvlan] of this.macvlans) {
      if (macvlan.group === group) macvlan.up = keys?.has(key) ?? true;
    }
    this.onChange();
  }

  renew(group: number): boolean {
    if (!this.holds(group)) return false;
    this.#prolong(group);
    return true;
  }

  release(group: number): void {
    this.#leases.delete(group);
    for (const macvlan of this.macvlans.values()) if (macvlan.group === group) macvlan.up = false;
    this.onChange();
  }

  /** True when it would answer an ARP request for the VHID's addresses on the device. */
  answers(device: string, vhid: number): boolean {
    const macvlan = this.macvlans.get(`${device}/${vhid}`);
    return macvlan?.up === true && this.holds(macvlan.group) && this.#hasCarrier(device);
  }

  /** As `answers`, and the switch sends to it what is for the virtual MAC. */
  serves(device: string, vhid: number): boolean {
    const port = this.devices.get(device);
    if (port === undefined || !this.answers(device, vhid)) return false;
    return port.segment.leadsTo(virtualMac(vhid), port);
  }

  loseMacvlans(device?: string): void {
    for (const [key, macvlan] of this.macvlans) {
      if (device === undefined || macvlan.device === device) this.macvlans.delete(key);
    }
    this.onChange();
  }

  /** Power: everything that was in memory is gone. */
  forget(): void {
    this.#leases.clear();
    this.loseMacvlans();
    for (const device of this.devices.values()) device.addresses = [];
  }

  #hasCarrier(device: string): boolean {
    return this.devices.get(device)?.carrier === true;
  }

  #prolong(group: number): void {
    const ticks = Math.ceil((this.leaseMilliseconds * 1_000) / TICK);
    const expires = Math.floor(this.clock / TICK) * TICK + ticks * TICK;
    const isWatched = this.#leases.has(group);
    this.#leases.set(group, expires);
    if (!isWatched) this.#watch(group, expires);
  }

  /** Says so when the lease lapses. */
  #watch(group: number, expires: number): void {
    this.#schedule.at(expires - this.#bootOffset, () => {
      const now = this.#leases.get(group);
      if (now === undefined) return;
      if (now > this.clock) return this.#watch(group, now);
      this.#leases.delete(group);
      this.onChange();
    });
  }
}
