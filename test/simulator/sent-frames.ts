/** Tells the chronicle what a node sends to its segments, in words. */
import type { PairConfiguration } from '../../firmware/core/configuration/pair-configuration.ts';
import { decodeAddressClaim } from '../../firmware/wire/address-claim.ts';
import { decodeCarpFrame } from '../../firmware/wire/carp-frame.ts';
import type { Chronicle } from './chronicle.ts';

export function tellFrame(
  chronicle: Chronicle,
  configuration: PairConfiguration,
  device: string,
  frame: Uint8Array,
): void {
  const { node, interfaces } = configuration;
  const place = interfaces.find((each) => each.device === device)?.name;
  const claim = decodeAddressClaim(frame);
  if (claim !== undefined) {
    const vhid = Number.parseInt(claim.mac.slice(-2), 16);
    return chronicle.sent(node, 'announces', vipName(configuration, place, vhid));
  }
  const advertisement = decodeCarpFrame(frame)?.advertisement;
  if (advertisement === undefined) return;
  const { advbase, advskew, vhid } = advertisement;
  const isGoodbye = advbase === 255 && advskew === 255;
  const what = isGoodbye ? 'good-bye' : `advertises ${advbase}/${advskew}`;
  chronicle.sent(node, what, vipName(configuration, place, vhid));
}

function vipName({ vips }: PairConfiguration, place: string | undefined, vhid: number): string {
  const vip = vips.find((each) => each.interface === place && each.vhid === vhid);
  return vip?.name ?? `${place}/${vhid}`;
}
