/**
 * The kernel room's one door for the election, on Linux: joins macvlans, lease table, sockets and
 * link events. Meant for a thread of its own with real-time priority, because `wait` blocks.
 *
 * Nothing here starts a process or touches the event loop. After SIGKILL the next life finds
 * macvlans and table as they were left, silent, and makes them right again.
 */

import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import * as rtnetlink from '../wire/rtnetlink.ts';
import { DatagramSockets } from './datagram-sockets.ts';
import { HeldLeases } from './held-leases.ts';
import type { Kernel, KernelEvent, NetworkPlan, PlannedVip, PlanProblem } from './kernel.ts';
import { KernelError } from './kernel-error.ts';
import { LeaseTable } from './lease-table.ts';
import { LeaseWatch } from './lease-watch.ts';
import { LinkErrand } from './link-errand.ts';
import { LinkMonitor } from './link-monitor.ts';
import { ListenerSet } from './listener-set.ts';
import { native } from './native-socket.ts';
import { type Asked, NetlinkSocket, protocols } from './netlink-socket.ts';
import { PacketSockets } from './packet-sockets.ts';
import { addRealAddresses } from './real-addresses.ts';
import { forwardsPackets } from './sysctls.ts';
import { type SeenNetwork, type VipInterface, VipInterfaces } from './vip-interfaces.ts';
import { VipWatch } from './vip-watch.ts';
import { WaitSet } from './wait-set.ts';

const { ENOENT } = constants.errno;

/** Microseconds from the release of a lease, which silences, to the lowering of its macvlans. */
const LOWERING_DELAY = 100_000;

/** Microseconds for which macvlans that were raised for a claim wait for it. */
const PREPARED_FOR = 2_000_000;

export interface LinuxKernelOptions {
  /** eventfd by which another thread says that a message waits (see WakeSignal). */
  readonly wakeFd: number;
  /** Fetches a message, undefined when there is none. */
  readonly receive: () => unknown;
}

const read = (what: string, tolerated: readonly number[] = []): Asked => ({
  code: 'link-refused',
  what,
  tolerated,
});

export class LinuxKernel implements Kernel {
  readonly #options: LinuxKernelOptions;
  readonly #route = new NetlinkSocket(protocols.route);
  readonly #netfilter = new NetlinkSocket(protocols.netfilter);
  readonly #monitor = new LinkMonitor();
  readonly #errand = new LinkErrand(
    (text) => this.#pending.push({ kind: 'damaged', text }),
    () => this.#held.keepAll(),
  );
  readonly #vips = new VipInterfaces(this.#route, this.#errand, () => this.#held.keepAll());
  readonly #held = new HeldLeases(this.#vips);
  readonly #vipWatch = new VipWatch(this.#vips, this.#monitor, this.#route);
  readonly #lease = new LeaseTable(this.#netfilter);
  readonly #leaseWatch = new LeaseWatch(this.#lease, this.#netfilter.port);
  readonly #sockets = new PacketSockets();
  readonly #datagrams = new DatagramSockets();
  readonly #listeners = new ListenerSet();
  readonly #waitSet = new WaitSet();
  /** Events that came up between two waits. */
  #pending: KernelEvent[] = [];
  /** Indexes of the macvlans that each held lease is for. */
  readonly #serving = new Map<number, ReadonlySet<number>>();
  /** Macvlans of a group that were raised for a claim that may follow. */
  readonly #prepared = new Map<number, ReadonlySet<VipInterface>>();
  /** Groups with macvlans that may be still to be lowered, and from when on. */
  readonly #lowering = new Map<number, number>();
  #plan: NetworkPlan | undefined;
  #readAt = native.monotonic();

  constructor(options: LinuxKernelOptions) {
    this.#options = options;
  }

  now(): number {
    return native.monotonic();
  }

  get readAt(): number {
    return this.#readAt;
  }

  random(length: number): Uint8Array {
    return randomBytes(length);
  }

  apply(plan: NetworkPlan): readonly PlanProblem[] {
    this.#lease.demand();
    this.#prepared.clear();
    this.#errand.settle();
    this.#plan = plan;
    const seen = this.#see();
    const problems = [
      ...addRealAddresses(this.#route, plan.interfaces, seen),
      ...this.#vips.reconcile(plan.vips, seen),
      ...this.#installLease(plan),
      ...this.#vips.address(plan.vips, seen),
    ];
    const devices = plan.interfaces.map(({ device }) => device);
    this.#monitor.watch(devices, this.#see());
    problems.push(...this.#listen(plan));
    this.#pollWhatIsOpen();
    this.#monitor.takeStates(true, (link) => this.#pending.push({ kind: 'link', link }));
    return problems;
  }

  wait(deadline: number | undefined): readonly KernelEvent[] {
    this.#tidy();
    const until = Math.min(deadline ?? Infinity, this.#listeners.nextRead, this.#nextTidying());
    this.#waitSet.wait(until === Infinity ? undefined : until, this.#pending.length > 0);
    this.#readAt = this.now();
    const { route, netfilter, wake, delegated } = this.#waitSet.found;
    if (delegated) this.#errand.conclude();
    const events = this.#pending;
    this.#pending = [];
    const damaged = (text: string): void => void events.push({ kind: 'damaged', text });
    if (route) this.#vipWatch.read(damaged);
    if (!this.#errand.isUnderWay) this.#vipWatch.check(damaged);
    if (netfilter) this.#leaseWatch.read(damaged);
    this.#monitor.takeStates(false, (link) => events.push({ kind: 'link', link }));
    this.#listeners.read(this.#waitSet, this.now(), (event) => events.push(event));
    if (wake) this.#takeMessages(events);
    return events;
  }

  prepare(group: number, vips: readonly Pick<PlannedVip, 'device' | 'vhid'>[]): void {
    if (this.#held.holds(group) || this.#prepared.has(group)) return;
    const members = this.#members(group, vips);
    this.#errand.settle();
    this.#serving.delete(group);
    this.#lowering.set(group, this.now() + PREPARED_FOR);
    try {
      this.#vips.raise(members, () => this.#held.keepAll());
      this.#prepared.set(group, new Set(members));
    } catch (error) {
      // The claim will say so.
      if (!(error instanceof KernelError)) throw error;
    }
  }

  claim(
    group: number,
    vips?: readonly Pick<PlannedVip, 'device' | 'vhid'>[],
    before = Infinity,
  ): void {
    const members = this.#members(group, vips);
    try {
      if (members.length === 0) {
        const what = `claim group ${group}: none of its interfaces is there`;
        throw new KernelError({ code: 'lease-refused', errno: 0, what });
      }
      // It may be lowering one of them.
      this.#errand.settle();
      const now = this.now();
      this.#serving.set(group, new Set(members.map(({ index }) => index)));
      this.#lowering.set(group, now);
      if (this.#held.holds(group)) return this.#extend(group, members, before);
      // Raising may take long, when others hold the kernel's lock. Without the lease it is silent.
      const raised = this.#prepared.get(group);
      this.#prepared.delete(group);
      const lowered = members.filter((each) => raised?.has(each) !== true);
      this.#vips.raise(lowered, () => this.#held.keepAll());
      this.#take(group, before);
    } catch (error) {
      this.release(group);
      throw error;
    }
  }

  #members(
    group: number,
    vips: readonly Pick<PlannedVip, 'device' | 'vhid'>[] | undefined,
  ): readonly VipInterface[] {
    return this.#vips.ofGroup(group).filter((each) => {
      return vips?.some((vip) => vip.device === each.device && vip.vhid === each.vhid) ?? true;
    });
  }

  /** More VIPs under a lease that is held and must not lapse meanwhile. */
  #extend(group: number, members: readonly VipInterface[], before: number): void {
    this.#take(group, before);
    this.#vips.raise(members, () => this.#mustKeep(group));
  }

  #take(group: number, before: number): void {
    const now = this.now();
    if (now > before) {
      const what = `claim the lease of group ${group} in time`;
      throw new KernelError({ code: 'lease-refused', errno: 0, what });
    }
    this.#lease.claim(group);
    this.#held.begin(group, now, before);
  }

  renew(group: number, before = Infinity): boolean {
    return this.now() <= before && this.#held.renew(group, before);
  }

  release(group: number): void {
    this.#letGo(group, LOWERING_DELAY);
    this.#lease.release(group);
  }

  linger(group: number, microseconds: number): void {
    this.#letGo(group, LOWERING_DELAY + microseconds);
    if (!this.#lease.linger(group, microseconds)) this.#letGo(group, LOWERING_DELAY);
  }

  sendDatagram(device: string, destination: string, bytes: Uint8Array): boolean {
    return this.#datagrams.send(device, destination, bytes);
  }

  receivedFrames(device: string): number {
    return this.#monitor.receivedFrames(device);
  }

  transmit(device: string, frame: Uint8Array): boolean {
    const index = this.#monitor.indexOf(device);
    return index !== undefined && this.#sockets.send(index, frame);
  }

  transmitFromVip(device: string, vhid: number, frame: Uint8Array): boolean {
    const vip = this.#vips.find(device, vhid);
    return vip !== undefined && this.#sockets.send(vip.index, frame);
  }

  forwards(family: 4 | 6): boolean {
    return forwardsPackets(family);
  }

  neighbour(device: string, address: string): string | undefined {
    const index = this.#monitor.indexOf(device);
    if (index === undefined) return undefined;
    const request = rtnetlink.getNeighbour(index, address);
    const what = read(`find ${address} on ${device}`, [ENOENT]);
    const found = this.#route.query(request, rtnetlink.decodeNeighbour, what);
    if (found?.confirmed !== true) {
      // A device that is down cannot ask; the caller asks again anyway.
      this.#route.attempt([rtnetlink.askForNeighbour(index, address)], what);
    }
    return found?.mac;
  }

  retire(): void {
    for (const group of new Set(this.#vips.all.map((vip) => vip.group))) this.release(group);
    this.#errand.close();
    this.#vips.removeAll();
    this.#lease.remove();
    this.#sockets.close();
    this.#datagrams.close();
    this.#held.close();
    this.#leaseWatch.close();
    this.#monitor.close();
    this.#waitSet.close();
    this.#netfilter.close();
    this.#route.close();
  }

  /** The macvlans of a group are of no use any more; they are lowered after so long. */
  #letGo(group: number, microseconds: number): void {
    this.#held.end(group);
    this.#prepared.delete(group);
    this.#serving.delete(group);
    // Lowering takes long, and the peer waits for our good-byes.
    this.#lowering.set(group, this.now() + microseconds);
  }

  /** Begins a piece of slow work that nobody waits for, if there is one. */
  #tidy(): void {
    if (this.#errand.isUnderWay) return;
    const now = this.now();
    for (const [group, at] of this.#lowering) {
      if (at > now) continue;
      this.#prepared.delete(group);
      const lowering = this.#vips.lowering(group, this.#serving.get(group));
      if (lowering !== undefined) return this.#errand.start(lowering);
      this.#lowering.delete(group);
    }
    const removal = this.#vips.strayRemoval(() => {
      if (this.#plan !== undefined) this.#installLease(this.#plan);
    });
    if (removal !== undefined) this.#errand.start(removal);
  }

  /** When there will be slow work to begin; the end of an errand ends a wait by itself. */
  #nextTidying(): number {
    return this.#errand.isUnderWay ? Infinity : Math.min(...this.#lowering.values());
  }

  #see(): SeenNetwork {
    return {
      links: this.#route.dump(rtnetlink.dumpLinks, rtnetlink.decodeLink, read('read links')),
      addresses: this.#route.dump(
        rtnetlink.dumpAddresses,
        rtnetlink.decodeAddress,
        read('read addresses'),
      ),
    };
  }

  #installLease(plan: NetworkPlan): PlanProblem[] {
    const indexes = new Map(this.#vips.all.map(({ device, parent }) => [device, parent]));
    const layout = {
      leaseMilliseconds: plan.leaseMilliseconds,
      macvlans: this.#vips.hooked,
      parents: [...indexes].map(([name, index]) => ({ name, index })),
      vips: plan.vips.flatMap(({ group, addresses }) =>
        addresses.map(({ address }) => ({ address, group })),
      ),
    };
    const standing = this.#held.change(plan.leaseMilliseconds, plan.keepMilliseconds);
    try {
      this.#lease.install(layout, standing);
      return [];
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      const device = plan.vips[0]?.device ?? '';
      return [{ code: 'unsupported', device, text: `no VIP can be used: ${error.message}` }];
    }
  }

  #listen({ interfaces }: NetworkPlan): PlanProblem[] {
    const present = interfaces.flatMap((each) => {
      const index = this.#monitor.indexOf(each.device);
      return index === undefined ? [] : [{ ...each, index }];
    });
    return [...this.#sockets.listen(present), ...this.#datagrams.listen(present)];
  }

  #pollWhatIsOpen(): void {
    this.#leaseWatch.update();
    this.#listeners.set([...this.#sockets.listeners, ...this.#datagrams.listeners]);
    this.#waitSet.set({
      wake: this.#options.wakeFd,
      route: this.#monitor.fd,
      netfilter: this.#leaseWatch.fd,
      delegated: this.#errand.fd,
      listeners: this.#listeners.fds,
    });
  }

  #takeMessages(events: KernelEvent[]): void {
    native.drain(this.#options.wakeFd);
    for (;;) {
      const message = this.#options.receive();
      if (message === undefined) return;
      events.push({ kind: 'message', message });
    }
  }

  #mustKeep(group: number): void {
    if (this.#held.keep(group)) return;
    const what = `claim the lease of group ${group}: it ran out while the VIPs were raised`;
    throw new KernelError({ code: 'lease-lapsed', errno: 0, what });
  }
}
