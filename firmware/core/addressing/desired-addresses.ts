/**
 * From the configuration to what must exist in the kernel: real addresses, macvlans, lease groups.
 *
 * Desired, not done: the kernel room compares it with what it sees and changes the difference, so
 * that a VIP is right after any crash and not only after the right history.
 */
import { type Cidr, ipFamily, prefixContains } from '../../wire/ip-address.ts';
import { RENEWAL_SLACK } from '../configuration/lease-length.ts';
import type {
  InterfaceConfiguration,
  PairConfiguration,
  VipConfiguration,
} from '../configuration/pair-configuration.ts';
import { type Duration, toMilliseconds } from '../time.ts';

export interface DesiredAddresses {
  readonly interfaces: readonly {
    readonly device: string;
    readonly addresses: readonly Cidr[];
    readonly families: readonly (4 | 6)[];
    /** Families in which beats of the peer may arrive; none when there are no beats. */
    readonly beats: readonly (4 | 6)[];
  }[];
  readonly vips: readonly {
    readonly vhid: number;
    readonly device: string;
    readonly group: number;
    readonly addresses: readonly (Cidr & { readonly ownsSubnet: boolean })[];
  }[];
  readonly leaseMilliseconds: number;
  readonly keepMilliseconds: number;
}

/** IP families of a VIP's addresses, IPv4 first. */
export function familiesOf(addresses: readonly Cidr[]): readonly (4 | 6)[] {
  const found = new Set(addresses.map(({ address }) => ipFamily(address)));
  return ([4, 6] as const).filter((family) => found.has(family));
}

/** `groupOf` gives the lease group of a VIP by name; `lease` is the length of a lease. */
export function desiredAddresses(
  configuration: PairConfiguration,
  groupOf: (vip: VipConfiguration) => number,
  lease: Duration,
): DesiredAddresses {
  const byName = new Map(configuration.interfaces.map((each) => [each.name, each]));
  return {
    interfaces: configuration.interfaces.map((each) => {
      const { name, device, addresses } = each;
      const here = configuration.vips.filter((vip) => vip.interface === name);
      const vips = here.flatMap((vip) => vip.addresses);
      const beats =
        configuration.beats === undefined
          ? []
          : familiesOf(addresses.length > 0 ? addresses : vips);
      return { device, addresses, families: familiesOf(vips), beats };
    }),
    vips: configuration.vips.flatMap((vip) => {
      const parent = byName.get(vip.interface);
      if (parent === undefined) return [];
      const addresses = vip.addresses.map((cidr) => withSubnet(cidr, parent));
      return [{ vhid: vip.vhid, device: parent.device, group: groupOf(vip), addresses }];
    }),
    leaseMilliseconds: Math.floor(toMilliseconds(lease)),
    keepMilliseconds: toMilliseconds(configuration.beats === undefined ? lease : RENEWAL_SLACK),
  };
}

/** A VIP whose subnet no real address covers must bring the connected route along. */
function withSubnet(cidr: Cidr, parent: InterfaceConfiguration): Cidr & { ownsSubnet: boolean } {
  const covered = parent.addresses.some((real) => prefixContains(real, cidr.address));
  return { ...cidr, ownsSubnet: !covered };
}
