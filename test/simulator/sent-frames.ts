/** Tells the chronicle what a node sends to its segments, in words. */
import type { PairConfiguration } from '../../firmware/core/configuration/pair-configuration.ts';
import { decodeAddressClaim } from '../../firmware/wire/address-claim.ts';
import { CARP_PROTOCOL } from '../../firmware/wire/carp-frame.ts';
import { ETHERNET_HEADER_BYTES } from '../../firmware/wire/ethernet-frame.ts';
import { ipHeaderBytes } from '../../firmware/wire/ip-packet.ts';
import type { Chronicle } from './chronicle.ts';
import { frameProtocol, isIpv4 } from './udp-frame.ts';

/** Where they are in an advertisement. */
const [VHID, ADVSKEW, ADVBASE] = [1, 2, 5] as const;

export function tellFrame(
  chronicle: Chronicle,
  configuration: PairConfiguration,
  device: string,
  frame: Uint8Array,
): void {
  const { node, interfaces } = configuration;
  const place = interfaces.find((each) => each.device === device)?.name;
  if (frameProtocol(frame) !== CARP_PROTOCOL) {
    const claim = decodeAddressClaim(frame);
    if (claim === undefined) return;
    const vhid = Number.parseInt(claim.mac.slice(-2), 16);
    return chronicle.sent(node, 'announces', vipName(configuration, place, vhid));
  }
  // What has just been written needs no check.
  const carp = ETHERNET_HEADER_BYTES + ipHeaderBytes(isIpv4(frame) ? 4 : 6);
  const [vhid = 0, advskew] = [frame[carp + VHID], frame[carp + ADVSKEW]];
  const advbase = frame[carp + ADVBASE];
  const isGoodbye = advbase === 255 && advskew === 255;
  const what = isGoodbye ? 'good-bye' : `advertises ${advbase}/${advskew}`;
  chronicle.sent(node, what, vipName(configuration, place, vhid));
}

function vipName({ vips }: PairConfiguration, place: string | undefined, vhid: number): string {
  const vip = vips.find((each) => each.interface === place && each.vhid === vhid);
  return vip?.name ?? `${place}/${vhid}`;
}
