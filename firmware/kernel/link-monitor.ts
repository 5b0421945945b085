/**
 * What the planned devices are like: there or not, carrier, addresses, MAC. From rtnetlink events,
 * and for the carrier from the kernel's own counter, because events about it may be 1.5 s late.
 *
 * Reading `carrier` in sysfs takes the kernel's one lock for all links (rtnl), which a driver may
 * hold for a second while it brings a port up; `carrier_changes` takes none. Each change adds one,
 * so the carrier is what rtnetlink last said, turned around when the counter has moved by an odd
 * number.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Cidr } from '../wire/ip-address.ts';
import type { NetlinkMessage } from '../wire/netlink-message.ts';
import * as rtnetlink from '../wire/rtnetlink.ts';
import type { LinkState } from './kernel.ts';
import { native } from './native-socket.ts';
import { NetlinkSocket, protocols } from './netlink-socket.ts';
import type { SeenNetwork } from './vip-interfaces.ts';

const { link, ipv4Address, ipv6Address } = rtnetlink.routeGroups;

/** A change of a link or an address, whoever made it. */
export type LinkEvent =
  | { readonly kind: 'link'; readonly gone: boolean; readonly record: rtnetlink.LinkRecord }
  | { readonly kind: 'address'; readonly gone: boolean; readonly record: rtnetlink.AddressRecord };

/** One planned device. */
class WatchedLink {
  readonly device: string;
  record: rtnetlink.LinkRecord | undefined;
  readonly addresses = new Map<string, Cidr>();
  #counter: number | undefined;
  #received: number | undefined;
  /** What was last reported. */
  #reported = '';

  constructor(device: string) {
    this.device = device;
  }

  /** Takes in what rtnetlink says about the device; undefined when it is gone. */
  see(record: rtnetlink.LinkRecord | undefined): void {
    if (record?.index !== this.record?.index) {
      this.addresses.clear();
      this.close();
      if (record !== undefined) this.#open(record.index);
    }
    this.record = record;
  }

  seeAddress(gone: boolean, { address, prefix, unusable }: rtnetlink.AddressRecord): void {
    const key = `${address}/${prefix}`;
    if (gone || unusable) this.addresses.delete(key);
    else this.addresses.set(key, { address, prefix });
  }

  /** The state when it differs from the last one taken, or always. */
  takeState(always: boolean, scratch: Uint8Array): LinkState | undefined {
    const carrier = this.#carrier(scratch);
    const mac = this.record?.mac;
    const addresses = [...this.addresses.keys()].sort().join(' ');
    const summary = `${this.record?.index} ${carrier} ${mac} ${addresses}`;
    if (!always && summary === this.#reported) return undefined;
    this.#reported = summary;
    return {
      device: this.device,
      present: this.record !== undefined,
      carrier,
      addresses: [...this.addresses.values()],
      mac,
    };
  }

  /** Frames it has received; 0 when there is no device, or /sys does not tell. */
  receivedFrames(scratch: Uint8Array): number {
    if (this.#received === undefined) return 0;
    const length = native.readAt(this.#received, scratch, 0);
    return length <= 0 ? 0 : decimal(scratch, length);
  }

  close(): void {
    for (const fd of [this.#counter, this.#received]) if (fd !== undefined) closeSync(fd);
    this.#counter = undefined;
    this.#received = undefined;
  }

  #open(index: number): void {
    this.#counter = openCounter(this.device, index, 'carrier_changes');
    this.#received = openCounter(this.device, index, 'statistics/rx_packets');
  }

  #carrier(scratch: Uint8Array): boolean {
    const { record } = this;
    if (record === undefined || !record.up) return false;
    const carrier = record.carrier ?? true;
    if (this.#counter === undefined || record.carrierChanges === undefined) return carrier;
    const length = native.readAt(this.#counter, scratch, 0);
    // The device is going; its event follows.
    if (length <= 0) return false;
    const moved = (decimal(scratch, length) - record.carrierChanges) & 1;
    return moved === 0 ? carrier : !carrier;
  }
}

/** Undefined where /sys shows another network namespace than ours, or nothing. */
function openCounter(device: string, index: number, name: string): number | undefined {
  const directory = `/sys/class/net/${device}`;
  try {
    if (Number(readFileSync(`${directory}/ifindex`, 'latin1')) !== index) return undefined;
    return openSync(`${directory}/${name}`, 'r');
  } catch {
    return undefined; // rtnetlink events remain
  }
}

function decimal(text: Uint8Array, length: number): number {
  let value = 0;
  for (let at = 0; at < length; at++) {
    const digit = (text[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

export class LinkMonitor {
  readonly #events: NetlinkSocket;
  readonly #watched = new Map<string, WatchedLink>();
  readonly #scratch = new Uint8Array(32);

  constructor() {
    this.#events = new NetlinkSocket(protocols.route, [link, ipv4Address, ipv6Address]);
  }

  get fd(): number {
    return this.#events.fd;
  }

  /** Watches exactly these devices, beginning with what was just read. */
  watch(devices: readonly string[], { links, addresses }: SeenNetwork): void {
    for (const [device, watched] of this.#watched) {
      if (devices.includes(device)) continue;
      watched.close();
      this.#watched.delete(device);
    }
    for (const device of devices) {
      const watched = this.#watched.get(device) ?? new WatchedLink(device);
      this.#watched.set(device, watched);
      watched.see(links.find(({ name }) => name === device));
      watched.addresses.clear();
      for (const address of addresses) {
        if (address.index === watched.record?.index) watched.seeAddress(false, address);
      }
    }
  }

  /** Index of a watched device; undefined when it is not there. */
  indexOf(device: string): number | undefined {
    return this.#watched.get(device)?.record?.index;
  }

  /** Frames a watched device has received since it exists; 0 when it is not there. */
  receivedFrames(device: string): number {
    return this.#watched.get(device)?.receivedFrames(this.#scratch) ?? 0;
  }

  /**
   * Reads the events that wait and hands them on, our own changes included. False when some were
   * lost: then everything must be read again.
   */
  read(take: (event: LinkEvent) => void): boolean {
    return this.#events.readEvents((message) => {
      const event = linkEvent(message);
      if (event === undefined) return;
      this.#see(event);
      take(event);
    });
  }

  /** States of devices that changed since they were last taken; of all devices when `always`. */
  takeStates(always: boolean, take: (state: LinkState) => void): void {
    for (const watched of this.#watched.values()) {
      const state = watched.takeState(always, this.#scratch);
      if (state !== undefined) take(state);
    }
  }

  close(): void {
    for (const watched of this.#watched.values()) watched.close();
    this.#watched.clear();
    this.#events.close();
  }

  #see(event: LinkEvent): void {
    for (const watched of this.#watched.values()) {
      const isIndex = watched.record?.index === event.record.index;
      if (event.kind === 'address') {
        if (isIndex) watched.seeAddress(event.gone, event.record);
      } else if (!event.gone && event.record.name === watched.device) {
        watched.see(event.record);
      } else if (isIndex) {
        // Gone, moved to another namespace, or renamed.
        watched.see(undefined);
      }
    }
  }
}

function linkEvent(message: NetlinkMessage): LinkEvent | undefined {
  const record = rtnetlink.decodeLink(message);
  if (record !== undefined) {
    return { kind: 'link', gone: message.type === rtnetlink.routeTypes.deleteLink, record };
  }
  const address = rtnetlink.decodeAddress(message);
  if (address === undefined) return undefined;
  const gone = message.type === rtnetlink.routeTypes.deleteAddress;
  return { kind: 'address', gone, record: address };
}
