/**
 * The twin of the Linux kernel room: what kernel.ts promises, for one process on a simulated
 * machine.
 *
 * `wait` never blocks: the process that owns it runs a turn when there is something to read, when
 * the deadline has come, or when it is scheduled again after a stall.
 */
import type {
  Kernel,
  KernelEvent,
  LinkState,
  NetworkPlan,
  PlannedVip,
  PlanProblem,
} from '../../firmware/kernel/kernel.ts';
import { KernelError } from '../../firmware/kernel/kernel-error.ts';
import { CARP_PROTOCOL } from '../../firmware/wire/carp-frame.ts';
import { BROADCAST_MAC } from '../../firmware/wire/ethernet-frame.ts';
import { ipFamily } from '../../firmware/wire/ip-address.ts';
import { DatagramFrame, FrameRoute } from './datagram-frame.ts';
import { EncodedFrame, type Frame } from './frame.ts';
import type { Prng } from './prng.ts';
import { type Macvlan, SimulatedDevice, type SimulatedMachine } from './simulated-machine.ts';
import { isFull, SocketQueue } from './socket-queue.ts';
import type { FrameEnds } from './udp-frame.ts';

const ACCESS_DENIED = 1;

const refusal = (code: 'lease-refused' | 'link-refused', what: string): KernelError =>
  new KernelError({ code, errno: ACCESS_DENIED, what });

/** What whoever runs the process wants to know of it. */
export interface KernelWatch {
  /** It has sent a frame to the network. */
  transmitted(device: string, frame: Uint8Array): void;
  /** It is about to do something: the moment to take the processor away from it. */
  entered?(): void;
}

interface PlannedDevice {
  /** Undefined when there is none. */
  readonly port: SimulatedDevice | undefined;
  /** In which datagrams are received. */
  readonly families: readonly (4 | 6)[];
}

export class SimulatedKernel implements Kernel {
  readonly machine: SimulatedMachine;
  readAt = 0;
  readonly #prng: Prng;
  readonly #watch: KernelWatch;
  readonly #queue = new SocketQueue();
  /** Ways that datagrams have gone, by destination. */
  readonly #routes = new Map<string, FrameRoute>();
  /** What was told of each device, and in words, for comparing. */
  readonly #told = new Map<string, { readonly text: string; readonly link: LinkState }>();
  /** By device of the plan. */
  readonly #planned = new Map<string, PlannedDevice>();
  #linkVersion = -1;
  #isFirstPlan = true;

  constructor(machine: SimulatedMachine, prng: Prng, watch: KernelWatch) {
    this.machine = machine;
    this.#prng = prng;
    this.#watch = watch;
  }

  now(): number {
    this.#watch.entered?.();
    return this.machine.clock;
  }

  random(length: number): Uint8Array {
    return this.#prng.bytes(length);
  }

  /** A frame has arrived on the device. */
  receive(device: string, frame: Frame): void {
    const planned = this.#planned.get(device);
    if (planned === undefined) return;
    const isCarp = frame.protocol === CARP_PROTOCOL;
    const socket = this.#queue.socket(isCarp ? 'frame' : 'datagram', device);
    if (socket !== undefined && isFull(socket)) return;
    if (isCarp) return this.#queue.receive({ kind: 'frame', device, bytes: frame.bytes }, socket);
    const { datagram } = frame;
    if (datagram === undefined || !planned.families.includes(datagram.family)) return;
    if (planned.port?.hasAddress(datagram.destination) !== true) return;
    const { source, bytes } = datagram;
    this.#queue.receive({ kind: 'datagram', device, source, bytes }, socket);
  }

  /** A frame of protocol 112. */
  enqueue(device: string, frame: Uint8Array): void {
    if (this.#planned.has(device)) {
      this.#queue.receive({ kind: 'frame', device, bytes: frame });
    }
  }

  damage(text: string): void {
    this.#queue.push({ kind: 'damaged', text });
  }

  /** When there will be something to read, on the machine's clock; undefined while nothing is. */
  get readableAt(): number | undefined {
    return this.#queue.readableAt(this.machine.clock);
  }

  /** Events not read yet. */
  get queued(): number {
    return this.#queue.length;
  }

  wait(): readonly KernelEvent[] {
    this.readAt = this.machine.clock;
    const { linkVersion } = this.machine;
    if (linkVersion !== this.#linkVersion) {
      this.#linkVersion = linkVersion;
      for (const device of this.#planned.keys()) this.#lookAt(device, false);
    }
    return this.#queue.take(this.machine.clock);
  }

  apply(plan: NetworkPlan): readonly PlanProblem[] {
    this.#watch.entered?.();
    if (this.machine.refusesPlans) throw refusal('link-refused', 'apply');
    const problems: PlanProblem[] = [];
    this.machine.leaseMilliseconds = plan.leaseMilliseconds;
    this.#planned.clear();
    for (const { device, addresses, beats } of plan.interfaces) {
      const found = this.machine.devices.get(device);
      this.#planned.set(device, { port: found, families: beats });
      if (found?.present !== true) {
        problems.push({ code: 'no-device', device, text: `${device}: no such device` });
        continue;
      }
      const missing = addresses.filter(({ address }) => !found.hasAddress(address));
      if (missing.length > 0) found.addresses = [...found.addresses, ...missing];
      this.#lookAt(device, true);
    }
    this.#makeMacvlans(plan.vips);
    this.#isFirstPlan = false;
    this.machine.onChange();
    return problems;
  }

  /** Macvlans without a lease are silent, up or not. */
  prepare(): void {}

  claim(
    group: number,
    vips?: readonly Pick<PlannedVip, 'device' | 'vhid'>[],
    before = Number.POSITIVE_INFINITY,
  ): void {
    this.#watch.entered?.();
    if (this.machine.refusesClaims || this.now() > before) {
      this.machine.release(group);
      throw refusal('lease-refused', 'claim');
    }
    this.machine.claim(group, vips && new Set(vips.map((vip) => `${vip.device}/${vip.vhid}`)));
  }

  renew(group: number, before = Number.POSITIVE_INFINITY): boolean {
    this.#watch.entered?.();
    return this.now() <= before && this.machine.renew(group);
  }

  release(group: number): void {
    this.#watch.entered?.();
    if (this.machine.refusesReleases) throw refusal('lease-refused', 'release');
    this.machine.release(group);
  }

  linger(group: number, microseconds: number): void {
    this.#watch.entered?.();
    if (this.machine.refusesReleases) throw refusal('lease-refused', 'linger');
    this.machine.linger(group, microseconds);
  }

  sendDatagram(device: string, destination: string, bytes: Uint8Array): boolean {
    this.#watch.entered?.();
    const port = this.#sender(device);
    if (port === undefined) return false;
    const source = addressOf(port, ipFamily(destination));
    if (source === undefined) return false;
    // As long as nobody answers the ARP request the kernel keeps the datagram, and then drops it.
    const destinationMac = this.#macOf(port, destination) ?? BROADCAST_MAC;
    const ends = { sourceMac: port.mac, destinationMac, source, destination };
    port.segment.transmit(port, new DatagramFrame(this.#route(ends), bytes));
    return true;
  }

  receivedFrames(device: string): number {
    return this.machine.devices.get(device)?.receivedFrames ?? 0;
  }

  transmit(device: string, frame: Uint8Array): boolean {
    this.#watch.entered?.();
    const port = this.#sender(device);
    if (port === undefined) return false;
    this.#watch.transmitted(device, frame);
    port.segment.transmit(port, new EncodedFrame(frame));
    return true;
  }

  transmitFromVip(device: string, vhid: number, frame: Uint8Array): boolean {
    this.#watch.entered?.();
    return this.machine.answers(device, vhid) && this.transmit(device, frame);
  }

  forwards(): boolean {
    return true;
  }

  neighbour(device: string, address: string): string | undefined {
    const port = this.machine.devices.get(device);
    return port && this.#macOf(port, address);
  }

  retire(): void {
    this.machine.loseMacvlans();
    this.#planned.clear();
  }

  #sender(device: string): SimulatedDevice | undefined {
    const port = this.#planned.get(device)?.port;
    if (port === undefined) return undefined;
    return port.carrier && !port.sendFails ? port : undefined;
  }

  #route(ends: FrameEnds): FrameRoute {
    const known = this.#routes.get(ends.destination);
    if (known !== undefined && areSame(known.ends, ends)) return known;
    const route = new FrameRoute(ends);
    this.#routes.set(ends.destination, route);
    return route;
  }

  #macOf(port: SimulatedDevice, address: string): string | undefined {
    for (const other of port.segment.ports) {
      if (!(other instanceof SimulatedDevice) || !other.hasAddress(address)) continue;
      if (port.segment.joins(port, other)) return other.mac;
    }
    return undefined;
  }

  #makeMacvlans(vips: readonly PlannedVip[]): void {
    const { macvlans, devices } = this.machine;
    const wanted = new Set(vips.map(({ device, vhid }) => `${device}/${vhid}`));
    for (const key of macvlans.keys()) if (!wanted.has(key)) macvlans.delete(key);
    for (const { device, vhid, group, addresses } of vips) {
      if (devices.get(device)?.present !== true) continue;
      const known = macvlans.get(`${device}/${vhid}`);
      const texts = addresses.map(({ address }) => address);
      // What an earlier life of the process left up is lowered; what this life raised stays.
      const up = known !== undefined && known.group === group && known.up && !this.#isFirstPlan;
      const macvlan: Macvlan = { device, vhid, group, addresses: texts, up };
      macvlans.set(`${device}/${vhid}`, macvlan);
    }
  }

  /** Queues what is new about a device; everything when `always`. */
  #lookAt(device: string, always: boolean): void {
    const link = this.#linkState(device);
    const text = JSON.stringify(link);
    if (!always && this.#told.get(device)?.text === text) return;
    this.#told.set(device, { text, link });
    this.#queue.push({ kind: 'link', link });
  }

  #linkState(device: string): LinkState {
    const found = this.machine.devices.get(device);
    const told = this.#told.get(device)?.link;
    // Carrier is read directly; all else is known from events only.
    if (this.machine.losesLinkEvents && told !== undefined) {
      return { ...told, carrier: told.present && found?.carrier === true };
    }
    if (found?.present !== true) {
      return { device, present: false, carrier: false, addresses: [], mac: undefined };
    }
    const { carrier, mac } = found;
    const linkLocal = { address: `fe80::${mac.slice(-5).replace(':', '')}`, prefix: 64 };
    return { device, present: true, carrier, addresses: [...found.addresses, linkLocal], mac };
  }
}

function addressOf({ addresses }: SimulatedDevice, family: 4 | 6): string | undefined {
  for (const { address } of addresses) if (ipFamily(address) === family) return address;
  return undefined;
}

function areSame(one: FrameEnds, other: FrameEnds): boolean {
  if (one.source !== other.source || one.destination !== other.destination) return false;
  return one.sourceMac === other.sourceMac && one.destinationMac === other.destinationMac;
}
