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
import type { Kernel, KernelEvent, NetworkPlan, PlannedVip, PlanProblem } from './kernel.ts';
import { KernelError } from './kernel-error.ts';
import { LeaseRenewal } from './lease-renewal.ts';
import { LeaseTable } from './lease-table.ts';
import { LeaseWatch } from './lease-watch.ts';
import { LinkMonitor } from './link-monitor.ts';
import { native } from './native-socket.ts';
import { type Asked, NetlinkSocket, protocols } from './netlink-socket.ts';
import { PacketSockets } from './packet-sockets.ts';
import { addRealAddresses } from './real-addresses.ts';
import { forwardsPackets } from './sysctls.ts';
import { type SeenNetwork, VipInterfaces } from './vip-interfaces.ts';
import { VipWatch } from './vip-watch.ts';
import { WaitSet } from './wait-set.ts';

const { ENOENT } = constants.errno;

/** Microseconds from the release of a lease, which silences, to the lowering of its macvlans. */
const LOWERING_DELAY = 100_000;

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
  readonly #vips = new VipInterfaces(this.#route);
  readonly #vipWatch = new VipWatch(this.#vips, this.#monitor, this.#route);
  readonly #lease = new LeaseTable(this.#netfilter);
  readonly #leaseWatch = new LeaseWatch(this.#lease, this.#netfilter.port);
  readonly #renewal = new LeaseRenewal();
  readonly #sockets = new PacketSockets();
  readonly #waitSet = new WaitSet();
  /** Events that came up between two waits. */
  #pending: KernelEvent[] = [];
  /** Indexes of the macvlans that each held lease is for. */
  readonly #serving = new Map<number, ReadonlySet<number>>();
  /** Groups with macvlans that may be still to be lowered, and from when on. */
  readonly #lowering = new Map<number, number>();
  /** When each lease was last renewed. */
  readonly #renewedAt = new Map<number, number>();
  #leaseMicroseconds = 0;
  #plan: NetworkPlan | undefined;

  constructor(options: LinuxKernelOptions) {
    this.#options = options;
  }

  now(): number {
    return native.monotonic();
  }

  random(length: number): Uint8Array {
    return randomBytes(length);
  }

  apply(plan: NetworkPlan): readonly PlanProblem[] {
    this.#lease.demand();
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
    const busy = this.#tidyOne() || this.#pending.length > 0;
    const until = Math.min(deadline ?? Infinity, ...this.#lowering.values());
    this.#waitSet.wait(until === Infinity ? undefined : until, busy);
    const events = this.#pending;
    this.#pending = [];
    const { route, netfilter, wake } = this.#waitSet.found;
    const damaged = (text: string): void => void events.push({ kind: 'damaged', text });
    if (route) this.#vipWatch.read(damaged);
    if (netfilter) this.#leaseWatch.read(damaged);
    this.#monitor.takeStates(false, (link) => events.push({ kind: 'link', link }));
    const take = (device: string, bytes: Uint8Array): void =>
      void events.push({ kind: 'frame', device, bytes });
    for (const listener of this.#sockets.listeners) {
      if (this.#waitSet.isReady(listener.fd) && listener.receive(take))
        events.push({ kind: 'more' });
    }
    if (wake) this.#takeMessages(events);
    return events;
  }

  claim(group: number, vips?: readonly Pick<PlannedVip, 'device' | 'vhid'>[]): void {
    const members = this.#vips.ofGroup(group).filter((each) => {
      return vips?.some((vip) => vip.device === each.device && vip.vhid === each.vhid) ?? true;
    });
    try {
      if (members.length === 0) {
        const what = `claim group ${group}: none of its interfaces is there`;
        throw new KernelError({ code: 'lease-refused', errno: 0, what });
      }
      const now = this.now();
      this.#serving.set(group, new Set(members.map(({ index }) => index)));
      this.#lowering.set(group, now);
      this.#lease.claim(group);
      this.#renewedAt.set(group, now);
      this.#vips.raise(members, () => this.#mustRenew(group));
    } catch (error) {
      this.release(group);
      throw error;
    }
  }

  renew(group: number): boolean {
    const now = this.now();
    for (const { index, renewal } of this.#vips.ofGroup(group)) {
      if (!this.#vips.isRaised(index)) continue;
      const outcome = this.#renewal.send(renewal);
      if (outcome === 'unusable') continue;
      if (outcome === 'renewed') this.#renewedAt.set(group, now);
      return outcome === 'renewed';
    }
    return false;
  }

  release(group: number): void {
    this.#renewedAt.delete(group);
    this.#serving.delete(group);
    // Silent at once; lowering takes long, and the peer waits for our good-byes.
    this.#lowering.set(group, this.now() + LOWERING_DELAY);
    this.#lease.release(group);
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
    this.#vips.removeAll();
    this.#lease.remove();
    this.#sockets.close();
    this.#renewal.close();
    this.#leaseWatch.close();
    this.#monitor.close();
    this.#waitSet.close();
    this.#netfilter.close();
    this.#route.close();
  }

  /** One piece of slow work that nobody waits for. False when there is none. */
  #tidyOne(): boolean {
    if (this.#lowering.size === 0 && !this.#vips.hasStrays) return false;
    const now = this.now();
    const due = [...this.#lowering].filter(([, at]) => at <= now).map(([group]) => group);
    if (due.length === 0 && !this.#vips.hasStrays) return false;
    // It takes half a lease; the leases of other groups begin anew just before.
    for (const held of this.#renewedAt.keys()) this.renew(held);
    for (const group of due) {
      if (this.#vips.lowerOne(group, this.#serving.get(group))) return true;
      this.#lowering.delete(group);
    }
    if (!this.#vips.removeStray()) return false;
    if (!this.#vips.hasStrays && this.#plan !== undefined) this.#installLease(this.#plan);
    return true;
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
    const standing = this.#standingLeases(plan.leaseMilliseconds);
    this.#leaseMicroseconds = plan.leaseMilliseconds * 1000;
    try {
      this.#lease.install(layout, standing);
      return [];
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      const device = plan.vips[0]?.device ?? '';
      return [{ code: 'unsupported', device, text: `no VIP can be used: ${error.message}` }];
    }
  }

  /** What is left of each lease, should the table have to be replaced. */
  #standingLeases(longest: number): { group: number; milliseconds: number }[] {
    const now = this.now();
    return [...this.#renewedAt].flatMap(([group, renewedAt]) => {
      const left = Math.floor((renewedAt + this.#leaseMicroseconds - now) / 1000);
      return left < 1 ? [] : [{ group, milliseconds: Math.min(left, longest) }];
    });
  }

  #listen({ interfaces }: NetworkPlan): PlanProblem[] {
    return this.#sockets.listen(
      interfaces.flatMap(({ device, families }) => {
        const index = this.#monitor.indexOf(device);
        return index === undefined ? [] : [{ device, index, families }];
      }),
    );
  }

  #pollWhatIsOpen(): void {
    this.#leaseWatch.update();
    this.#waitSet.set({
      wake: this.#options.wakeFd,
      route: this.#monitor.fd,
      netfilter: this.#leaseWatch.fd,
      listeners: [...this.#sockets.listeners].map(({ fd }) => fd),
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

  #mustRenew(group: number): void {
    if (this.renew(group)) return;
    const what = `claim the lease of group ${group}: it ran out while the VIPs were raised`;
    throw new KernelError({ code: 'lease-lapsed', errno: 0, what });
  }
}
