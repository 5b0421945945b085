/**
 * The devices by which the packets of a logical interface come and go: the device itself, and the
 * macvlans of the VIPs on it. What is sent to a VIP comes in by its macvlan; what is sent to the
 * node's own address, and most of what leaves, passes the device.
 */
import type { PairConfiguration } from '../configuration/pair-configuration.ts';

/** Macvlans are called `vip<VHID>.<index of the device>`, and the kernel chooses the index. */
const vipDevices = (vhid: number): string => `vip${vhid}.*`;

/** As nftables matches names: a `*` at the end stands for anything. */
export function zoneDevices(
  { interfaces, vips }: Pick<PairConfiguration, 'interfaces' | 'vips'>,
  name: string,
): readonly string[] {
  const devices = interfaces.filter((each) => each.name === name).map(({ device }) => device);
  const here = vips.filter((vip) => vip.interface === name).map(({ vhid }) => vipDevices(vhid));
  return [...devices, ...here];
}

/** Name of the set with the devices of an interface. */
export const zoneSet = (name: string): string => `zone_${name}`;
