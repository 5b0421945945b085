/**
 * What a plan wants of macvlans, and which links are such: made by us, or by an earlier life of the
 * process.
 */
import { virtualMac } from '../wire/ethernet-frame.ts';
import type { LinkRecord } from '../wire/rtnetlink.ts';
import type { PlannedVip } from './kernel.ts';

/** Macvlans of this name and a virtual MAC are ours, from whatever time. */
const OWN_NAME = /^vip\d+\.\d+$/;
const OWN_MAC = '00:00:5e:00:01:';

export interface WantedVip {
  readonly vip: PlannedVip;
  readonly parent: LinkRecord;
  readonly name: string;
  readonly mac: string;
}

/** Those whose parent is there. */
export function wantedVips(plan: readonly PlannedVip[], links: readonly LinkRecord[]): WantedVip[] {
  return plan.flatMap((vip) => {
    const parent = links.find(({ name }) => name === vip.device);
    if (parent === undefined) return [];
    const name = `vip${vip.vhid}.${parent.index}`;
    return [{ vip, parent, name, mac: virtualMac(vip.vhid) }];
  });
}

/** True for every macvlan that a process like this one has made. */
export function isOwn({ kind, name, mac }: LinkRecord): boolean {
  return kind === 'macvlan' && OWN_NAME.test(name) && mac?.startsWith(OWN_MAC) === true;
}

/** True when the link is what is wanted, but for its group and addresses. */
export function isRight(link: LinkRecord, { name, mac, parent }: WantedVip): boolean {
  return (
    isOwn(link) &&
    link.name === name &&
    link.mac === mac &&
    link.bridgeMode &&
    link.parent === parent.index
  );
}
