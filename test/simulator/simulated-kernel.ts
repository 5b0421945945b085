/**
 * The twin of the Linux kernel room: what kernel.ts promises, for one process on a simulated
 * machine.
 *
 * `wait` never blocks: the node that owns it runs a turn when there is something to read, when the
 * deadline has come, or when a stalled process is scheduled again.
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
import type { Prng } from './prng.ts';
import type { Macvlan, SimulatedMachine } from './simulated-machine.ts';

const ACCESS_DENIED = 1;
/** Frames of one device that one wait returns at most. */
const FRAMES_AT_ONCE = 16;

const refusal = (code: 'lease-refused' | 'link-refused', what: string): KernelError =>
  new KernelError({ code, errno: ACCESS_DENIED, what });

/** What it does to the network, for whoever keeps the log. */
export interface KernelWatch {
  transmitted(device: string, frame: Uint8Array): void;
}

export class SimulatedKernel implements Kernel {
  readonly machine: SimulatedMachine;
  readonly #prng: Prng;
  readonly #watch: KernelWatch;
  readonly #queue: KernelEvent[] = [];
  readonly #seen = new Map<string, string>();
  /** Devices of the plan. */
  readonly #planned = new Set<string>();
  #isFirstPlan = true;

  constructor(machine: SimulatedMachine, prng: Prng, watch: KernelWatch) {
    this.machine = machine;
    this.#prng = prng;
    this.#watch = watch;
  }

  now(): number {
    return this.machine.clock;
  }

  random(length: number): Uint8Array {
    return this.#prng.bytes(length);
  }

  /** A frame has arrived on the device. */
  enqueue(device: string, frame: Uint8Array): void {
    if (this.#planned.has(device)) this.#queue.push({ kind: 'frame', device, bytes: frame });
  }

  damage(text: string): void {
    this.#queue.push({ kind: 'damaged', text });
  }

  get hasEvents(): boolean {
    return this.#queue.length > 0;
  }

  wait(): readonly KernelEvent[] {
    for (const device of this.#planned) this.#lookAt(device, false);
    const counts = new Map<string, number>();
    const left: KernelEvent[] = [];
    const events = this.#queue.splice(0).filter((event) => {
      if (event.kind !== 'frame') return true;
      const count = (counts.get(event.device) ?? 0) + 1;
      counts.set(event.device, count);
      if (count > FRAMES_AT_ONCE) left.push(event);
      return count <= FRAMES_AT_ONCE;
    });
    this.#queue.push(...left);
    return left.length === 0 ? events : [...events, { kind: 'more' }];
  }

  apply(plan: NetworkPlan): readonly PlanProblem[] {
    if (this.machine.refusesPlans) throw refusal('link-refused', 'apply');
    const problems: PlanProblem[] = [];
    this.machine.leaseMilliseconds = plan.leaseMilliseconds;
    this.#planned.clear();
    for (const { device, addresses } of plan.interfaces) {
      this.#planned.add(device);
      const found = this.machine.devices.get(device);
      if (found?.present !== true) {
        problems.push({ code: 'no-device', device, text: `${device}: no such device` });
        continue;
      }
      const known = new Set(found.addresses.map(({ address }) => address));
      found.addresses.push(...addresses.filter(({ address }) => !known.has(address)));
      this.#lookAt(device, true);
    }
    this.#makeMacvlans(plan.vips);
    this.#isFirstPlan = false;
    this.machine.onChange();
    return problems;
  }

  claim(group: number, vips?: readonly Pick<PlannedVip, 'device' | 'vhid'>[]): void {
    if (this.machine.refusesClaims) {
      this.machine.release(group);
      throw refusal('lease-refused', 'claim');
    }
    this.machine.claim(group, vips && new Set(vips.map((vip) => `${vip.device}/${vip.vhid}`)));
  }

  renew(group: number): boolean {
    return this.machine.renew(group);
  }

  release(group: number): void {
    if (this.machine.refusesReleases) throw refusal('lease-refused', 'release');
    this.machine.release(group);
  }

  transmit(device: string, frame: Uint8Array): boolean {
    const port = this.machine.devices.get(device);
    if (port === undefined || !this.#planned.has(device)) return false;
    if (!port.carrier || port.sendFails) return false;
    this.#watch.transmitted(device, frame);
    port.segment.transmit(port, frame);
    return true;
  }

  transmitFromVip(device: string, vhid: number, frame: Uint8Array): boolean {
    return this.machine.answers(device, vhid) && this.transmit(device, frame);
  }

  forwards(): boolean {
    return true;
  }

  neighbour(device: string, address: string): string | undefined {
    const port = this.machine.devices.get(device);
    for (const other of port?.segment.ports ?? []) {
      if (!('addresses' in other) || !('mac' in other) || !port?.segment.joins(port, other))
        continue;
      const addresses = other.addresses as readonly { address: string }[];
      if (addresses.some((each) => each.address === address)) return other.mac as string;
    }
    return undefined;
  }

  retire(): void {
    this.machine.loseMacvlans();
    this.#planned.clear();
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
    if (!always && this.#seen.get(device) === text) return;
    this.#seen.set(device, text);
    this.#queue.push({ kind: 'link', link });
  }

  #linkState(device: string): LinkState {
    const found = this.machine.devices.get(device);
    if (found?.present !== true) {
      return { device, present: false, carrier: false, addresses: [], mac: undefined };
    }
    const { carrier, mac } = found;
    const linkLocal = { address: `fe80::${mac.slice(-5).replace(':', '')}`, prefix: 64 };
    return { device, present: true, carrier, addresses: [...found.addresses, linkLocal], mac };
  }
}
