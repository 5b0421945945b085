/**
 * The macvlan of every VHID: mode bridge, virtual MAC, all addresses of the VHID, link group =
 * failover group. Made equal to the plan, whatever an earlier life of the process left; raised and
 * lowered as groups.
 *
 * A macvlan that is down must not make its addresses ours, or a BACKUP could not reach the VIP of
 * the MASTER. IPv4: the kernel keeps the local route of an address on a device that is down, so the
 * route is removed on lowering; raising makes the kernel install it again. IPv6: the kernel drops
 * all addresses when a device goes down, so they are added on raising, in the same system call.
 */
import { constants } from 'node:os';
import { ipFamily, isIpv6LinkLocal } from '../wire/ip-address.ts';
import type { NetlinkRequest } from '../wire/netlink-message.ts';
import * as rtnetlink from '../wire/rtnetlink.ts';
import type { PlannedAddress, PlannedVip, PlanProblem } from './kernel.ts';
import type { HookedMacvlan } from './lease-chains.ts';
import { type RenewalFrame, renewalFrame } from './lease-renewal.ts';
import type { Errand, LinkErrand } from './link-errand.ts';
import { native } from './native-socket.ts';
import type { Asked, NetlinkSocket } from './netlink-socket.ts';
import { ParentSettings } from './parent-settings.ts';
import { forwardAsParent, hasIpv6, spoiledSettings, tuneMacvlan } from './sysctls.ts';
import { isOwn, isRight, type WantedVip, wantedVips } from './wanted-vips.ts';

const { EADDRNOTAVAIL, ENODEV, ENOENT, ESRCH } = constants.errno;

/** A macvlan vanishes with its parent at any moment; its event says so. */
const VANISHED = [ENODEV];
const NO_ROUTE = [ENODEV, ESRCH, ENOENT];

/** Raised in one system call, about 2 ms; the lease is renewed between two of these. */
const LINKS_AT_ONCE = 16;

/** A device group that never holds a lease ("yoke"): what is in it is silent. */
const NOBODY = 0x796f6b65;

export interface VipInterface {
  readonly name: string;
  readonly index: number;
  readonly vhid: number;
  readonly mac: string;
  /** The device below, and its index. */
  readonly device: string;
  readonly parent: number;
  readonly parentMac: string | undefined;
  readonly group: number;
  readonly addresses: readonly PlannedAddress[];
  readonly renewal: RenewalFrame;
}

/** The links and addresses of the machine, as they were just read. */
export interface SeenNetwork {
  readonly links: readonly rtnetlink.LinkRecord[];
  readonly addresses: readonly rtnetlink.AddressRecord[];
}

const asked = (what: string, tolerated: readonly number[] = []): Asked => ({
  code: 'link-refused',
  what,
  tolerated,
});

const LOWERING = asked('lower VIPs', NO_ROUTE);

export class VipInterfaces {
  readonly #route: NetlinkSocket;
  readonly #errand: LinkErrand;
  readonly #meanwhile: () => void;
  readonly #parents = new ParentSettings();
  #all: readonly VipInterface[] = [];
  #groups = new Map<number, VipInterface[]>();
  #raised = new Set<number>();
  /** Indexes of those that were set up in full. */
  #tuned = new Set<number>();
  #strays: rtnetlink.LinkRecord[] = [];

  /**
   * `errand`: for what takes the kernel long; `meanwhile`: called again and again while a plan is
   * carried out.
   */
  constructor(route: NetlinkSocket, errand: LinkErrand, meanwhile: () => void) {
    this.#route = route;
    this.#errand = errand;
    this.#meanwhile = meanwhile;
  }

  get all(): readonly VipInterface[] {
    return this.#all;
  }

  ofGroup(group: number): readonly VipInterface[] {
    return this.#groups.get(group) ?? [];
  }

  find(device: string, vhid: number): VipInterface | undefined {
    return this.#all.find((each) => each.device === device && each.vhid === vhid);
  }

  /** True when we raised the macvlan of this index. */
  isRaised(index: number): boolean {
    return this.#raised.has(index);
  }

  /**
   * Makes the macvlans of a plan: those that are right stay as they are, new ones are down. What
   * must go is silenced now and deleted by `strayRemoval`.
   */
  reconcile(plan: readonly PlannedVip[], seen: SeenNetwork): PlanProblem[] {
    this.#parents.recall(seen.links);
    const wanted = wantedVips(plan, seen.links);
    const problems: PlanProblem[] = [];
    this.#clear(wanted, seen);
    for (const each of wanted) {
      if (!seen.links.some((link) => isRight(link, each))) problems.push(...this.#create(each));
      this.#meanwhile();
    }
    const ready = wanted.flatMap((each) => {
      const index = native.interfaceIndex(each.name);
      return index > 0 ? [{ ...each, index }] : [];
    });
    for (const each of ready) {
      // Once in the life of a device and of ours: it takes long with many.
      if (!this.#tuned.has(each.index)) problems.push(...tuneMacvlan(each.name));
      problems.push(...forwardAsParent(each.name, each.vip.device));
      this.#mark(each.index, each, seen);
      this.#meanwhile();
    }
    const devices = new Set(wanted.map(({ vip }) => vip.device));
    // After the marks, which say what the settings were.
    problems.push(...[...devices].flatMap(spoiledSettings), ...this.#parents.tune(devices));
    this.#adopt(ready, seen);
    return problems;
  }

  /**
   * Gives the macvlans their addresses. Only after the parents are tuned and the lease rules stand:
   * until then the kernel would answer for a new address with the parent's own MAC.
   */
  address(plan: readonly PlannedVip[], seen: SeenNetwork): PlanProblem[] {
    return plan.flatMap((vip) => {
      const found = this.find(vip.device, vip.vhid);
      if (found === undefined) return [];
      const problems = this.#address(found.index, vip, seen);
      if (!this.#raised.has(found.index)) this.#dropLocalRoutes([found]);
      this.#meanwhile();
      return problems;
    });
  }

  /** Every macvlan that is there, also those that must go: none may be without its rules. */
  get hooked(): readonly HookedMacvlan[] {
    const strays = this.#strays.map(({ name, index }) => ({ name, index, parentMac: undefined }));
    return [...this.#all, ...strays];
  }

  /**
   * The deletion of one macvlan that must go; undefined when there is none. `cleared` is called
   * after the last.
   */
  strayRemoval(cleared: () => void): Errand | undefined {
    const [stray] = this.#strays;
    if (stray === undefined) return undefined;
    return {
      requests: [rtnetlink.deleteLink(stray.index)],
      asked: asked('delete a macvlan', VANISHED),
      over: () => {
        this.#strays = this.#strays.filter((each) => each !== stray);
        if (this.#strays.length === 0) cleared();
      },
    };
  }

  /**
   * Raises macvlans. `between` is called after each part of them, because raising very many may
   * take longer than a lease lasts.
   */
  raise(members: readonly VipInterface[], between: () => void): void {
    for (let at = 0; at < members.length; at += LINKS_AT_ONCE) {
      const part = members.slice(at, at + LINKS_AT_ONCE);
      for (const { index } of part) this.#raised.add(index);
      const requests = part.flatMap(({ index, addresses }) => [
        rtnetlink.raiseLink(index),
        ...addresses.filter(isIpv6).map((each) => newAddress(index, each)),
      ]);
      this.#raise(requests, asked('raise VIPs', VANISHED));
      between();
    }
  }

  /**
   * The lowering of one macvlan of a group that is still up and not to be kept; from now on it
   * counts as down. Undefined when none is left.
   */
  lowering(group: number, keep?: ReadonlySet<number>): Errand | undefined {
    const member = this.ofGroup(group).find(({ index }) => {
      return this.#raised.has(index) && keep?.has(index) !== true;
    });
    if (member === undefined) return undefined;
    this.#raised.delete(member.index);
    return { requests: lowered([member]), asked: LOWERING };
  }

  /** Removes all macvlans and undoes the settings of their parents. */
  removeAll(): void {
    const what = asked('delete macvlans', VANISHED);
    const requests = this.hooked.map(({ index }) => rtnetlink.deleteLink(index));
    this.#route.perform(requests, what);
    this.#strays = [];
    this.#parents.tune(new Set());
    this.#all = [];
    this.#groups.clear();
    this.#raised.clear();
  }

  #lower(members: readonly Pick<VipInterface, 'index' | 'addresses'>[]): void {
    for (const { index } of members) this.#raised.delete(index);
    this.#errand.run(lowered(members), LOWERING);
  }

  #dropLocalRoutes(members: readonly Pick<VipInterface, 'index' | 'addresses'>[]): void {
    const routes = members.flatMap(localRoutesGone);
    this.#route.perform(routes, asked('remove local routes of VIPs', NO_ROUTE));
  }

  /** A refused address does not keep the others from being used; the next plan reports it. */
  #raise(requests: readonly NetlinkRequest[], what: Asked): void {
    const outcomes = this.#route.attempt(requests, what);
    const refusal = outcomes.find(
      (each, at) => each !== undefined && requests[at]?.type === rtnetlink.routeTypes.setLink,
    );
    if (refusal !== undefined) throw refusal;
  }

  /** Silences what the plan does not want; deletes what stands in the way of it. */
  #clear(wanted: readonly WantedVip[], { links, addresses }: SeenNetwork): void {
    const own = links.filter(isOwn);
    const strays = own.filter((link) => !wanted.some((each) => isRight(link, each)));
    const silenced = strays.flatMap(({ index }) => [
      rtnetlink.setGroup(index, NOBODY),
      ...addresses
        .filter((each) => each.index === index)
        .map((each) => rtnetlink.deleteAddress(index, each)),
    ]);
    this.#route.perform(silenced, asked('silence macvlans', [ENODEV, EADDRNOTAVAIL]));
    const names = new Set(wanted.map(({ name }) => name));
    const inTheWay = strays.filter(({ name }) => names.has(name));
    const deleted = inTheWay.map(({ index }) => rtnetlink.deleteLink(index));
    this.#errand.run(deleted, asked('delete macvlans', VANISHED));
    this.#strays = strays.filter((link) => !inTheWay.includes(link));
  }

  #create({ vip, parent, name, mac }: WantedVip): PlanProblem[] {
    const { group, device, vhid } = vip;
    const request = rtnetlink.createMacvlan({ name, parent: parent.index, mac, group });
    const [refusal] = this.#route.attempt([request], asked(`create macvlan for VHID ${vhid}`));
    if (refusal === undefined) return [];
    return [{ code: 'vip-refused', device, text: `${device}: ${refusal.message}` }];
  }

  /** Group, alias and address generation; the last cannot be given at creation. */
  #mark(index: number, { vip }: WantedVip, { links }: SeenNetwork): void {
    const alias = this.#parents.note(vip.device);
    const ipv6 = hasIpv6();
    const found = links.find((link) => link.index === index);
    const isMarked =
      found !== undefined &&
      found.group === vip.group &&
      found.alias === alias &&
      (found.generatesNoAddress || !ipv6);
    if (isMarked) return;
    // Another group: whoever holds that one raises it again.
    if (found?.up && found.group !== vip.group) this.#lower([{ index, addresses: vip.addresses }]);
    const request = rtnetlink.markLink(index, { group: vip.group, alias, ipv6 });
    this.#route.perform([request], asked(`set up the macvlan of VHID ${vip.vhid}`, VANISHED));
  }

  /** Adds before it removes: an address that only changes its flags is the exception. */
  #address(index: number, vip: PlannedVip, { addresses: seen }: SeenNetwork): PlanProblem[] {
    const here = seen.filter((each) => each.index === index);
    const wanted = this.#raised.has(index)
      ? vip.addresses
      : vip.addresses.filter((each) => !isIpv6(each));
    const isGood = (found: rtnetlink.AddressRecord, planned: PlannedAddress) =>
      isSame(found, planned) &&
      found.withoutRoute !== needsRoute(planned) &&
      (found.unchecked || !isIpv6(found));
    const missing = wanted.filter((each) => !here.some((found) => isGood(found, each)));
    const gone = here.filter((found) => !wanted.some((each) => isGood(found, each)));
    const changed = gone.filter((found) => missing.some((each) => isSame(found, each)));
    const dropped = gone.filter((found) => !changed.includes(found));
    const remove = (each: rtnetlink.AddressRecord) => rtnetlink.deleteAddress(index, each);
    const what = asked(`set the addresses of VHID ${vip.vhid}`, [ENODEV, EADDRNOTAVAIL]);
    this.#route.perform(changed.map(remove), what);
    const outcomes = this.#route.attempt(
      missing.map((each) => newAddress(index, each)),
      asked(`set an address of VHID ${vip.vhid}`),
    );
    this.#route.perform(dropped.map(remove), what);
    return outcomes.flatMap((refusal, position) => {
      const { address = '', prefix = 0 } = missing[position] ?? {};
      if (refusal === undefined) return [];
      const text = `${vip.device}: VIP ${address}/${prefix}: ${refusal.message}`;
      return [{ code: 'address-refused', device: vip.device, text }];
    });
  }

  /** What was raised by us and is still in its group stays up; all else is down. */
  #adopt(ready: readonly (WantedVip & { readonly index: number })[], { links }: SeenNetwork): void {
    this.#all = ready.map(({ vip, name, mac, index, parent }) => ({
      name,
      index,
      vhid: vip.vhid,
      mac,
      device: vip.device,
      parent: parent.index,
      parentMac: parent.mac,
      group: vip.group,
      addresses: vip.addresses,
      renewal: renewalFrame(index, mac),
    }));
    this.#tuned = new Set(this.#all.map(({ index }) => index));
    this.#groups = Map.groupBy(this.#all, ({ group }) => group);
    const up = new Set(links.filter(({ up }) => up).map(({ index }) => index));
    const stays = ({ index }: VipInterface) => up.has(index) && this.#raised.has(index);
    this.#raised = new Set(this.#all.filter(stays).map(({ index }) => index));
    this.#lower(this.#all.filter((each) => up.has(each.index) && !stays(each)));
  }
}

function isSame(found: rtnetlink.AddressRecord, planned: PlannedAddress): boolean {
  return found.address === planned.address && found.prefix === planned.prefix;
}

/**
 * The parent's route serves every subnet but the link-local one, which each device has for itself.
 */
function needsRoute({ address, ownsSubnet }: PlannedAddress): boolean {
  return ownsSubnet || isIpv6LinkLocal(address);
}

/** Takes the device down, and with it the addresses. */
function lowered(members: readonly Pick<VipInterface, 'index' | 'addresses'>[]): NetlinkRequest[] {
  const links = members.map(({ index }) => rtnetlink.lowerLink(index));
  return [...links, ...members.flatMap(localRoutesGone)];
}

function localRoutesGone({
  index,
  addresses,
}: Pick<VipInterface, 'index' | 'addresses'>): NetlinkRequest[] {
  const ipv4 = addresses.filter((each) => !isIpv6(each));
  return ipv4.map(({ address }) => rtnetlink.deleteLocalRoute(index, address));
}

function newAddress(index: number, planned: PlannedAddress): NetlinkRequest {
  return rtnetlink.addAddress({
    index,
    address: planned.address,
    prefix: planned.prefix,
    withoutRoute: !needsRoute(planned),
    // Its last owner may still defend it; that it is ours was decided by the election.
    unchecked: true,
  });
}

function isIpv6({ address }: { readonly address: string }): boolean {
  return ipFamily(address) === 6;
}
