/**
 * Notices that somebody else removed or changed a macvlan. An event is only a hint: it may be older
 * than what we did since, so the kernel is asked how things are now.
 */
import { constants } from 'node:os';
import { ipFamily } from '../wire/ip-address.ts';
import * as rtnetlink from '../wire/rtnetlink.ts';
import type { LinkEvent, LinkMonitor } from './link-monitor.ts';
import type { NetlinkSocket } from './netlink-socket.ts';
import type { VipInterface, VipInterfaces } from './vip-interfaces.ts';

const { ENODEV } = constants.errno;

export class VipWatch {
  readonly #vips: VipInterfaces;
  readonly #monitor: LinkMonitor;
  readonly #route: NetlinkSocket;
  /** Indexes of macvlans that may have been changed. */
  readonly #suspects = new Set<number>();

  constructor(vips: VipInterfaces, monitor: LinkMonitor, route: NetlinkSocket) {
    this.#vips = vips;
    this.#monitor = monitor;
    this.#route = route;
  }

  /** Reads the link events that wait. */
  read(damaged: (text: string) => void): void {
    const complete = this.#monitor.read((event) => {
      const vip = this.#vips.all.find(({ index }) => index === event.record.index);
      if (vip !== undefined && this.#isSuspect(event, vip)) this.#suspects.add(vip.index);
    });
    if (!complete) damaged('events of links were lost');
  }

  /**
   * Looks at the macvlans that events were about. Not to be called while the kernel is busy with
   * links: it answers only afterwards.
   */
  check(damaged: (text: string) => void): void {
    if (this.#suspects.size === 0) return;
    const vips = this.#vips.all.filter(({ index }) => this.#suspects.has(index));
    this.#suspects.clear();
    const asked = { code: 'link-refused', what: 'read addresses' } as const;
    const addresses = this.#route.dump(rtnetlink.dumpAddresses, rtnetlink.decodeAddress, asked);
    for (const vip of vips) {
      const text = this.#damage(vip, addresses);
      if (text !== undefined) damaged(`${vip.name} on ${vip.device}: ${text}`);
    }
  }

  #isSuspect(event: LinkEvent, vip: VipInterface): boolean {
    if (event.kind === 'address') {
      // IPv6 addresses go when a device is lowered.
      const stays = this.#vips.isRaised(vip.index) || ipFamily(event.record.address) === 4;
      return event.gone && stays;
    }
    return event.gone || this.#linkDamage(event.record, vip) !== undefined;
  }

  #damage(vip: VipInterface, addresses: readonly rtnetlink.AddressRecord[]): string | undefined {
    // It went with its parent, whose own event says so.
    if (this.#monitor.indexOf(vip.device) === undefined) return undefined;
    const asked = {
      code: 'link-refused',
      what: `look at ${vip.name}`,
      tolerated: [ENODEV],
    } as const;
    const link = this.#route.query(rtnetlink.getLink(vip.index), rtnetlink.decodeLink, asked);
    if (link === undefined) return 'removed';
    return (
      this.#linkDamage(link, vip) ?? addressDamage(vip, addresses, this.#vips.isRaised(vip.index))
    );
  }

  #linkDamage(link: rtnetlink.LinkRecord, vip: VipInterface): string | undefined {
    if (link.up !== this.#vips.isRaised(vip.index)) return link.up ? 'raised' : 'lowered';
    if (link.group !== vip.group) return `moved to device group ${link.group}`;
    if (link.name !== vip.name) return `renamed to ${link.name}`;
    return link.mac === vip.mac ? undefined : `given the MAC address ${link.mac}`;
  }
}

function addressDamage(
  vip: VipInterface,
  addresses: readonly rtnetlink.AddressRecord[],
  raised: boolean,
): string | undefined {
  const found = addresses.filter(({ index }) => index === vip.index);
  const missing = vip.addresses.find(
    ({ address }) =>
      (raised || ipFamily(address) === 4) && !found.some((each) => each.address === address),
  );
  return missing === undefined ? undefined : `address ${missing.address} removed`;
}
