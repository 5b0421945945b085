/**
 * The lease: an nf_tables table that stands between every macvlan and the network.
 *
 *     set lease           device groups whose VIPs this node may use; elements expire by themselves
 *     set linger          device groups whose VIPs it has let go but still forwards for; the same
 *     map vips4, vips6    address of every VIP -> chain of its group
 *     chain <macvlan>-in  ingress: accept when the group of the macvlan is in `lease`; on with
 *                         `lingering` when it is in `linger`; else drop
 *     chain <macvlan>-out egress: the same, but what lingers is sent from the parent's MAC. A frame
 *                         of ethertype 0x88b5 renews the element of `lease`, but only one that
 *                         still stands, and ends at the loopback device
 *     chain <device>-guard  egress of a parent: what carries a VIP as IPv4, IPv6 or ARP source goes
 *                         on with the chain of its group
 *     chain group-<n>     accept when the group is in `lease`; on with `lingering` when it is in
 *                         `linger`; else drop
 *     chain lingering     accept IPv4 and IPv6; drop all that claims or asks for an address: ARP,
 *                         router and neighbour discovery, CARP
 *
 * The kernel finds the group of a macvlan by its link group, so one element serves all VIPs that
 * move together.
 *
 * Where the kernel can (Linux 6.9), the table belongs to our socket: no other process, `nft flush
 * ruleset` included, can change it, and it outlives us. On older kernels it is an ordinary table
 * and its owner watches for changes.
 */
import { constants } from 'node:os';
import type { NetlinkRequest } from '../wire/netlink-message.ts';
import * as nft from '../wire/nf-tables.ts';
import { KernelError } from './kernel-error.ts';
import {
  created,
  groupChainName,
  groupChains,
  hookedChains,
  type LeaseLayout,
  lingeringChain,
  removed,
} from './lease-chains.ts';
import {
  type GroupSpan,
  LEASE_TABLE,
  leaseElements,
  lingerElements,
  newSets,
  type VipOfGroup,
  vipElements,
} from './lease-sets.ts';
import { native } from './native-socket.ts';
import type { NetlinkSocket } from './netlink-socket.ts';

const { EINVAL, ENOENT, EOPNOTSUPP, EPERM } = constants.errno;

/**
 * Shortest linger the kernel is asked for, milliseconds: the longest tick of a kernel (HZ=100).
 * Older ones take less than a tick for no limit.
 */
const SHORTEST_LINGER = 10;

export class LeaseTable {
  readonly #socket: NetlinkSocket;
  #owned: boolean;
  #installed: LeaseLayout | undefined;
  /** Until when a group may be in the set, microseconds of the monotonic clock. */
  readonly #lingers = new Map<number, number>();

  /** `owned` false: an ordinary table, as kernels before 6.9 give it. */
  constructor(socket: NetlinkSocket, owned = true) {
    this.#socket = socket;
    this.#owned = owned;
  }

  /** True while nobody else can change the table. */
  get owned(): boolean {
    return this.#owned;
  }

  /** Throws when another process, which is alive, holds the table. */
  demand(): void {
    const owner = this.#owner();
    if (owner === undefined || owner === 0 || owner === this.#socket.port) return;
    const reason = 'another process holds it: is this node running already?';
    throw new KernelError({
      code: 'lease-refused',
      errno: EPERM,
      what: 'take the lease table',
      reason,
    });
  }

  /** The table may not be what was installed: the next `install` writes it anew. */
  doubt(): void {
    this.#installed = undefined;
  }

  /**
   * Makes the table equal to the layout. What did not change is not touched; when all of it must be
   * replaced, `standing` leases go on, in the same transaction.
   */
  install(layout: LeaseLayout, standing: readonly GroupSpan[]): void {
    if (this.#installed !== undefined && this.#amend(this.#installed, layout)) return;
    this.#installed = undefined;
    this.#replace(layout, standing);
    this.#installed = layout;
  }

  /** Takes the lease of a group for its whole length; it does not linger any more. */
  claim(group: number): void {
    if (this.#installed === undefined) {
      throw new KernelError({ code: 'lease-refused', errno: 0, what: 'claim without lease table' });
    }
    const what = `claim the lease of group ${group}`;
    const taken = nft.newElements(leaseElements([{ group }]));
    if (this.#stopsLingering(group)) {
      // Refused as a whole when the linger ends right now.
      if (this.#change([lingerEnd(group), taken], what)) return;
    }
    this.#socket.transact([taken], { code: 'lease-refused', what });
  }

  /** Ends the lease of a group at once, and its linger. */
  release(group: number): void {
    if (this.#stopsLingering(group)) {
      this.#change([lingerEnd(group)], `end the linger of group ${group}`);
    }
    this.#change([leaseEnd(group)], `release the lease of group ${group}`);
  }

  /**
   * Ends the lease of a group; what is under way passes for so long. False when there was no lease:
   * then nothing passes.
   */
  linger(group: number, microseconds: number): boolean {
    const milliseconds = Math.floor(microseconds / 1000);
    if (milliseconds < SHORTEST_LINGER || this.#isLingering(group)) {
      this.release(group);
      return false;
    }
    const begin = nft.newElements(lingerElements([{ group, milliseconds }]));
    if (!this.#change([leaseEnd(group), begin], `let group ${group} linger`)) return false;
    this.#lingers.set(group, native.monotonic() + microseconds);
    return true;
  }

  /** Removes the table, if it is ours. */
  remove(): void {
    if (this.#installed === undefined) return;
    this.#installed = undefined;
    const what = 'remove the lease table';
    const asked = { code: 'lease-refused', what, tolerated: [ENOENT] } as const;
    this.#socket.transact([nft.deleteTable(LEASE_TABLE)], asked);
  }

  /**
   * True when a linger is to be ended. One that is over has ended by itself; to ask for its end
   * would cost the kernel an aborted transaction, 10 ms.
   */
  #stopsLingering(group: number): boolean {
    const lingers = this.#isLingering(group);
    this.#lingers.delete(group);
    return lingers;
  }

  #isLingering(group: number): boolean {
    return native.monotonic() < (this.#lingers.get(group) ?? 0);
  }

  /** One transaction. False when something that was to end had ended: then nothing was done. */
  #change(requests: readonly NetlinkRequest[], what: string): boolean {
    try {
      this.#socket.transact(requests, { code: 'lease-refused', what });
      return true;
    } catch (error) {
      if (error instanceof KernelError && error.errno === ENOENT) return false;
      throw error;
    }
  }

  /** Lingers that are not over, should the table have to be replaced. */
  #standingLingers(): GroupSpan[] {
    const now = native.monotonic();
    return [...this.#lingers].flatMap(([group, until]) => {
      const milliseconds = Math.floor((until - now) / 1000);
      return milliseconds < SHORTEST_LINGER ? [] : [{ group, milliseconds }];
    });
  }

  /** Changes only what differs. False when that cannot be done. */
  #amend(old: LeaseLayout, layout: LeaseLayout): boolean {
    if (old.leaseMilliseconds !== layout.leaseMilliseconds) return false;
    const requests = changes(old, layout);
    if (requests.length > 0) {
      try {
        this.#socket.transact(requests, { code: 'lease-refused', what: 'change the lease table' });
      } catch (error) {
        // The kernel removes chains together with their device, some versions do not.
        if (!(error instanceof KernelError)) throw error;
        return false;
      }
    }
    this.#installed = layout;
    return true;
  }

  #replace(layout: LeaseLayout, standing: readonly GroupSpan[]): void {
    try {
      this.#write(layout, standing);
    } catch (error) {
      const refused = error instanceof KernelError ? error.errno : 0;
      if (!this.#owned || (refused !== EOPNOTSUPP && refused !== EINVAL)) throw error;
      this.#owned = false;
      this.#write(layout, standing);
    }
  }

  #write(layout: LeaseLayout, standing: readonly GroupSpan[]): void {
    const former = this.#owner() === undefined ? [] : [nft.deleteTable(LEASE_TABLE)];
    const flags = this.#owned ? nft.tableFlags.owner | nft.tableFlags.persist : 0;
    const lingers = this.#standingLingers();
    const requests = [
      ...former,
      nft.newTable(LEASE_TABLE, flags),
      ...newSets(layout.leaseMilliseconds),
      ...[
        lingeringChain,
        ...groupChains(layout).values(),
        ...hookedChains(layout).values(),
      ].flatMap(created),
      ...vipElements(layout.vips, groupChainName).map(nft.newElements),
      ...(standing.length === 0 ? [] : [nft.newElements(leaseElements(standing))]),
      ...(lingers.length === 0 ? [] : [nft.newElements(lingerElements(lingers))]),
    ];
    this.#socket.transact(requests, { code: 'lease-refused', what: 'write the lease table' });
  }

  /** Port of the socket the table belongs to, 0 for none; undefined when there is no table. */
  #owner(): number | undefined {
    const asked = {
      code: 'lease-refused',
      what: 'read the lease table',
      tolerated: [ENOENT],
    } as const;
    return this.#socket.query(nft.getTable(LEASE_TABLE), nft.decodeTableOwner, asked);
  }
}

function leaseEnd(group: number): NetlinkRequest {
  return nft.deleteElements(leaseElements([{ group }]));
}

function lingerEnd(group: number): NetlinkRequest {
  return nft.deleteElements(lingerElements([{ group }]));
}

/** In an order in which nothing is named before it exists or after it is gone. */
function changes(old: LeaseLayout, layout: LeaseLayout): NetlinkRequest[] {
  const hooked = difference(hookedChains(old), hookedChains(layout));
  const groups = difference(groupChains(old), groupChains(layout));
  const vips = difference(vipsByKey(old), vipsByKey(layout));
  return [
    ...hooked.gone.flatMap(removed),
    ...groups.come.flatMap(created),
    ...vipElements(vips.gone, groupChainName).map(nft.deleteElements),
    ...vipElements(vips.come, groupChainName).map(nft.newElements),
    ...groups.gone.flatMap(removed),
    ...hooked.come.flatMap(created),
  ];
}

function difference<Value>(
  old: ReadonlyMap<string, Value>,
  wanted: ReadonlyMap<string, Value>,
): { gone: Value[]; come: Value[] } {
  const without = (map: ReadonlyMap<string, Value>, other: ReadonlyMap<string, Value>) =>
    [...map].filter(([key]) => !other.has(key)).map(([, value]) => value);
  return { gone: without(old, wanted), come: without(wanted, old) };
}

function vipsByKey({ vips }: LeaseLayout): Map<string, VipOfGroup> {
  return new Map(vips.map((vip) => [`${vip.address} ${vip.group}`, vip]));
}
