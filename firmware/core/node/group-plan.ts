/**
 * Which VIPs move together: the failover groups of a configuration, and their lease numbers.
 */

import { familiesOf } from '../addressing/desired-addresses.ts';
import { leaseLength } from '../configuration/lease-length.ts';
import type { PairConfiguration, VipConfiguration } from '../configuration/pair-configuration.ts';
import type { Member } from '../election/membership.ts';
import type { Duration } from '../time.ts';

export interface PlannedGroup {
  /** `node`, or that of its VIP. */
  readonly id: string;
  /** For people: `node` or `vip:NAME`. */
  readonly name: string;
  readonly members: readonly Member[];
}

/** What a VIP is on the wire and in the kernel, whatever it and its interface are called. */
export function vipId({ interfaces }: PairConfiguration, vip: VipConfiguration): string {
  const device = interfaces.find(({ name }) => name === vip.interface)?.device;
  return `${device ?? vip.interface}/${vip.vhid}`;
}

export function plannedGroups(configuration: PairConfiguration): readonly PlannedGroup[] {
  const members = configuration.vips.map((vip) => member(vipId(configuration, vip), vip));
  if (members.length === 0) return [];
  if (configuration.failover === 'node') return [{ id: 'node', name: 'node', members }];
  return members.map((each) => ({ id: each.id, name: `vip:${each.name}`, members: [each] }));
}

/** The id of the group a VIP belongs to. */
export function groupId(configuration: PairConfiguration, vip: VipConfiguration): string {
  return configuration.failover === 'node' ? 'node' : vipId(configuration, vip);
}

/** One lease length for the node: short enough for its most impatient VHID and the beats. */
export function leaseOf(configuration: PairConfiguration): Duration {
  return leaseLength(
    configuration.vips.flatMap(({ advbase, advskew, peerAdvskew }) => [
      { advbase, advskew },
      { advbase, advskew: peerAdvskew },
    ]),
    configuration.beats,
  );
}

/** Gives each group a lease number that stays its own as long as the process lives. */
export class GroupNumbers {
  readonly #numbers = new Map<string, number>();

  of(id: string): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#numbers.set(id, number);
    return number;
  }
}

function member(id: string, vip: VipConfiguration): Member {
  return {
    id,
    name: vip.name,
    interface: vip.interface,
    vhid: vip.vhid,
    families: familiesOf(vip.addresses),
    pace: { advbase: vip.advbase, advskew: vip.advskew },
    peerPace: { advbase: vip.advbase, advskew: vip.peerAdvskew },
    ties: vip.ties,
  };
}
