/**
 * What a refused frame means for the people who run the pair, if it means anything to them.
 *
 * Every refusal is counted. These are the ones behind which somebody's mistake or attack stands.
 */
import type { CarpRefusal } from '../../wire/carp-reception.ts';

export interface RefusalAlert {
  readonly code: string;
  readonly text: string;
}

/** `vhids`: the VHIDs this node uses on the interface. */
export function refusalAlert(
  place: string,
  refusal: CarpRefusal,
  vhids: Pick<ReadonlySet<number>, 'has'>,
): RefusalAlert | undefined {
  switch (refusal.refusal) {
    case 'own-source':
    case 'own-counter':
      return {
        code: `loop:${place}`,
        text:
          `our own advertisements come back to us on ${place}: a layer-2 loop or a second node ` +
          `with our address (from ${refusal.sourceMac})`,
      };
    case 'digest':
      return {
        code: `digest:${place}`,
        text:
          `VHID ${refusal.vhid} on ${place}: wrong hash from ${refusal.source}: its password ` +
          'or VIP addresses differ, or another group uses this VHID',
      };
    case 'ttl':
      return {
        code: `ttl:${place}`,
        text:
          `advertisement for VHID ${refusal.vhid} from ${refusal.source} on ${place} has TTL ` +
          `${refusal.hopLimit}, expected 255: it was forwarded or forged`,
      };
    case 'destination':
    case 'not-peer':
      return {
        code: `destination:${place}`,
        text:
          `advertisement for VHID ${refusal.vhid} from ${refusal.source} to ` +
          `${refusal.destination} on ${place}: multicast and unicast are mixed, or the peer ` +
          'address differs',
      };
    case 'vrrp2':
    case 'vrrp3':
      return vrrpAlert(place, refusal, vhids);
    default:
      return undefined;
  }
}

function vrrpAlert(
  place: string,
  refusal: Extract<CarpRefusal, { refusal: 'vrrp2' | 'vrrp3' }>,
  vhids: Pick<ReadonlySet<number>, 'has'>,
): RefusalAlert {
  const who = `VRRP router ${refusal.source} (id ${refusal.vrid}, priority ${refusal.priority})`;
  if (!vhids.has(refusal.vrid)) {
    return { code: `vrrp:${place}`, text: `${who} lives on ${place}; its id is not one of ours` };
  }
  return {
    code: `vrrp-conflict:${place}`,
    text:
      `${who} on ${place} uses our VHID ${refusal.vrid}: with a virtual MAC both would claim ` +
      'the same one; change one of the ids',
  };
}
