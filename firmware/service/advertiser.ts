/**
 * Turns what the node wants to say into frames and hands them to the kernel.
 */
import type { VipConfiguration } from '../core/configuration/pair-configuration.ts';
import type { NodeOutput } from '../core/node/node-io.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { encodeAddressClaim } from '../wire/address-claim.ts';
import { carpDigest } from '../wire/carp-digest.ts';
import { type CarpAnnouncement, carpFrame, encodeCarpFrame } from '../wire/carp-frame.ts';
import { BROADCAST_MAC, virtualMac } from '../wire/ethernet-frame.ts';
import { ipFamily } from '../wire/ip-address.ts';

type Advertisement = Extract<NodeOutput, { kind: 'advertise' }>;

export class Advertiser {
  readonly #kernel: Kernel;
  /** Addresses without their prefixes, by list. */
  readonly #texts = new WeakMap<VipConfiguration['addresses'], readonly string[]>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Sends one advertisement. False when it did not leave. */
  advertise(device: string, advertisement: Advertisement): boolean {
    const { vip, family, source, sourceMac, pace, counter } = advertisement;
    const [high = 0, low = 0] = this.#kernel.random(2);
    const announcement: CarpAnnouncement = {
      vhid: vip.vhid,
      advbase: pace.advbase,
      advskew: pace.advskew,
      demote: 0,
      counter,
      digest: carpDigest({
        password: vip.password,
        vhid: vip.vhid,
        addresses: this.#textsOf(vip.addresses),
        counter,
        form: 'with-link-local',
      }),
      source,
      identification: high * 256 + low,
    };
    const peer = this.#unicastPeer(device, vip, family);
    const frame = carpFrame(peer === undefined ? announcement : { ...announcement, peer });
    const sent = sourceMac === undefined ? frame : { ...frame, sourceMac };
    return this.#kernel.transmit(device, encodeCarpFrame(sent));
  }

  /** Tells every host and switch of the segment where the VIP's addresses are now. */
  announce(device: string, vip: VipConfiguration): void {
    const mac = virtualMac(vip.vhid);
    for (const { address } of vip.addresses) {
      if (ipFamily(address) === 6) {
        const router = this.#kernel.forwards(6);
        this.#claim(device, vip, { kind: 'neighbour-advertisement', address, mac, router });
        continue;
      }
      this.#claim(device, vip, { kind: 'arp-request', address, mac });
      this.#claim(device, vip, { kind: 'arp-reply', address, mac });
    }
  }

  #textsOf(addresses: VipConfiguration['addresses']): readonly string[] {
    const known = this.#texts.get(addresses);
    if (known !== undefined) return known;
    const texts = addresses.map(({ address }) => address);
    this.#texts.set(addresses, texts);
    return texts;
  }

  // A lost announcement is repeated by the node, so the outcome of one is not looked at.
  #claim(
    device: string,
    vip: VipConfiguration,
    claim: Parameters<typeof encodeAddressClaim>[0],
  ): void {
    this.#kernel.transmitFromVip(device, vip.vhid, encodeAddressClaim(claim));
  }

  #unicastPeer(
    device: string,
    vip: VipConfiguration,
    family: 4 | 6,
  ): { address: string; mac: string } | undefined {
    if (vip.peer === undefined || ipFamily(vip.peer) !== family) return undefined;
    // Until the kernel knows the peer's MAC the frame goes to everybody and is taken by the peer.
    const mac = this.#kernel.neighbour(device, vip.peer) ?? BROADCAST_MAC;
    return { address: vip.peer, mac };
  }
}
