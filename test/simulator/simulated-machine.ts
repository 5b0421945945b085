/**
 * What of a box outlives a process: devices with their addresses, macvlans, the lease table, the
 * clock.
 *
 * Leases behave as in nf_tables at HZ=250: an element's timeout is rounded up to whole ticks of
 * 4 ms and counted from the last tick, so it lapses up to a tick before or after the asked time; a
 * lapsed element is gone and can only be added anew.
 */
import { macBytes } from '../../firmware/wire/ethernet-frame.ts';
import type { Cidr } from '../../firmware/wire/ip-address.ts';
import { type Frame, macNumber } from './frame.ts';
import type { Schedule } from './schedule.ts';
import type { Port, SimulatedSegment } from './simulated-segment.ts';

export const TICK = 4_000;

/** 00:00:5e:00:01:00, to which the VHID is added. */
const VIRTUAL_MACS = 0x5e00_0100;

/** The virtual MAC of a VHID as the switches know it. */
export const virtualMacNumber = (vhid: number): number => VIRTUAL_MACS + vhid;

export class SimulatedDevice implements Port {
  readonly owner: string;
  readonly device: string;
  readonly segment: SimulatedSegment;
  readonly mac: string;
  readonly ethernetAddress: number;
  /** Sending fails while the link is up (a broken driver, a full queue). */
  sendFails = false;
  /** Frames received since it exists. */
  receivedFrames = 0;
  onFrame: (frame: Frame) => void = () => undefined;
  /** Called when carrier, presence or addresses may have changed. */
  onCarrier: () => void = () => undefined;
  #present = true;
  #addresses: readonly Cidr[] = [];

  constructor(owner: string, device: string, segment: SimulatedSegment, mac: string) {
    this.owner = owner;
    this.device = device;
    this.segment = segment;
    this.mac = mac;
    this.ethernetAddress = macNumber(macBytes(mac), 0);
    segment.attach(this);
  }

  get present(): boolean {
    return this.#present;
  }

  set present(present: boolean) {
    this.#present = present;
    if (!present) this.receivedFrames = 0;
    this.onCarrier();
  }

  get carrier(): boolean {
    return this.#present && this.segment.hasCarrier(this);
  }

  get addresses(): readonly Cidr[] {
    return this.#addresses;
  }

  set addresses(addresses: readonly Cidr[]) {
    this.#addresses = addresses;
    this.onCarrier();
  }

  hasAddress(text: string): boolean {
    for (const { address } of this.#addresses) if (address === text) return true;
    return false;
  }

  receive(frame: Frame): void {
    if (!this.#present) return;
    this.receivedFrames += 1;
    this.onFrame(frame);
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
  /** Link events are lost; carrier can still be read. */
  losesLinkEvents = false;
  /** Counts what may have changed about the devices. */
  linkVersion = 0;
  /** Called when it may have begun or ceased to answer for a VIP. */
  onChange: () => void = () => undefined;
  readonly #leases = new Map<number, number>();
  /** Groups whose lapse is waited for. */
  readonly #watched = new Set<number>();
  /** Until when what still comes for the VIPs of a group is forwarded. */
  readonly #lingers = new Map<number, number>();
  readonly #schedule: Schedule;
  /** Its monotonic clock when the simulation began: no two boxes were booted together. */
  readonly #bootOffset: number;
  readonly #clockRate: number;

  /** `clockRate`: microseconds of its clock in a true one. */
  constructor(name: string, schedule: Schedule, bootOffset: number, clockRate = 1) {
    this.name = name;
    this.#schedule = schedule;
    this.#bootOffset = bootOffset;
    this.#clockRate = clockRate;
  }

  /** CLOCK_MONOTONIC, whole microseconds. */
  get clock(): number {
    return this.#bootOffset + Math.floor(this.#schedule.now * this.#clockRate);
  }

  /** When this clock will show an instant, in the time of the schedule. */
  timeAt(instant: number): number {
    return Math.ceil((instant - this.#bootOffset) / this.#clockRate);
  }

  addDevice(device: SimulatedDevice): void {
    this.devices.set(device.device, device);
    this.linkVersion += 1;
  }

  holds(group: number): boolean {
    return this.clock < (this.#leases.get(group) ?? 0);
  }

  /** `keys` (`device/vhid`): what is raised, all of the group when absent. */
  claim(group: number, keys?: ReadonlySet<string>): void {
    this.#lingers.delete(group);
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
    this.#lingers.delete(group);
    this.#lower(group);
    this.onChange();
  }

  /** Gives the lease up, and goes on forwarding for so many microseconds. */
  linger(group: number, span: number): void {
    if (!this.holds(group)) return this.release(group);
    this.#leases.delete(group);
    const until = this.clock + span;
    this.#lingers.set(group, until);
    this.#schedule.at(this.timeAt(until), () => {
      if (this.#lingers.get(group) === until) this.release(group);
    });
    this.onChange();
  }

  /** True when it would answer an ARP request for the VHID's addresses on the device. */
  answers(device: string, vhid: number): boolean {
    const macvlan = this.macvlans.get(`${device}/${vhid}`);
    return macvlan?.up === true && this.holds(macvlan.group) && this.#hasCarrier(device);
  }

  /** True when it would take and forward a frame to the virtual MAC. */
  forwards(device: string, vhid: number): boolean {
    const macvlan = this.macvlans.get(`${device}/${vhid}`);
    if (macvlan?.up !== true || !this.#hasCarrier(device)) return false;
    return this.holds(macvlan.group) || this.#lingers.has(macvlan.group);
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
    this.#lingers.clear();
    this.loseMacvlans();
    for (const device of this.devices.values()) device.addresses = [];
  }

  #lower(group: number): void {
    for (const macvlan of this.macvlans.values()) if (macvlan.group === group) macvlan.up = false;
  }

  #hasCarrier(device: string): boolean {
    return this.devices.get(device)?.carrier === true;
  }

  #prolong(group: number): void {
    const ticks = Math.ceil((this.leaseMilliseconds * 1_000) / TICK);
    const expires = Math.floor(this.clock / TICK) * TICK + ticks * TICK;
    this.#leases.set(group, expires);
    if (this.#watched.has(group)) return;
    this.#watched.add(group);
    this.#watch(group, expires);
  }

  /** Says so when the lease lapses. */
  #watch(group: number, expires: number): void {
    this.#schedule.at(this.timeAt(expires), () => {
      const now = this.#leases.get(group);
      if (now !== undefined && now > this.clock) return this.#watch(group, now);
      this.#watched.delete(group);
      if (this.#leases.delete(group)) this.onChange();
    });
  }
}
