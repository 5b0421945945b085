/**
 * What the node needs to judge the frames of one device: its own addresses, its VHIDs with their
 * passwords and addresses, and for a while after a change those of before (see former-vips.ts).
 */
import type { VipConfiguration } from '../core/configuration/pair-configuration.ts';
import type { Instant } from '../core/time.ts';
import {
  type CarpGroup,
  type CarpScene,
  type CarpVerdict,
  receiveCarp,
} from '../wire/carp-reception.ts';

/** What the node remembers of what it said and was. */
export interface ReceptionMemory {
  isRecentCounter(vhid: number, counter: bigint): boolean;
  formerVips(vhid: number, now: Instant): readonly VipConfiguration[];
}

export class Reception {
  #scene: CarpScene;
  readonly #memory: ReceptionMemory;

  /** `vips`: those on the device. */
  constructor(vips: readonly VipConfiguration[], memory: ReceptionMemory) {
    this.#memory = memory;
    const { isRecentCounter } = memory;
    this.#scene = { ownAddresses: new Set(), groups: carpGroups(vips), isRecentCounter };
  }

  reconfigure(vips: readonly VipConfiguration[]): void {
    this.#scene = { ...this.#scene, groups: carpGroups(vips) };
  }

  set ownAddresses(addresses: readonly string[]) {
    this.#scene = { ...this.#scene, ownAddresses: new Set(addresses) };
  }

  judge(frame: Uint8Array, now: Instant): CarpVerdict {
    const verdict = receiveCarp(frame, this.#scene);
    if (verdict.ok || verdict.refusal !== 'digest') return verdict;
    const peers = this.#scene.groups.get(verdict.vhid)?.peers ?? [];
    for (const vip of this.#memory.formerVips(verdict.vhid, now)) {
      const groups = new Map([[vip.vhid, { ...carpGroup(vip), peers }]]);
      const former = receiveCarp(frame, { ...this.#scene, groups });
      if (former.ok) return former;
    }
    return verdict;
  }
}

function carpGroups(vips: readonly VipConfiguration[]): Map<number, CarpGroup> {
  return new Map(vips.map((vip) => [vip.vhid, carpGroup(vip)]));
}

function carpGroup({ password, addresses, peer }: VipConfiguration): CarpGroup {
  return {
    password,
    addresses: addresses.map(({ address }) => address),
    peers: peer === undefined ? [] : [peer],
  };
}
