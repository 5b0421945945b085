/**
 * What VIPs were before a change, for as long as the peer may not have made it.
 *
 * The two nodes of a pair never change a VIP in the same instant. The digest covers the addresses
 * and the password, so without a grace time they would stop hearing each other, and both become
 * MASTER. Until it is over a node takes the former digest as well as the new one, and as a MASTER
 * sends both: so the pair goes on hearing each other whichever node is changed first.
 */
import type { VipConfiguration } from '../configuration/pair-configuration.ts';
import { after, type Duration, type Instant, seconds } from '../time.ts';

/** For how long a former digest is sent: longer than a roll-out to both nodes takes. */
export const SENDING_GRACE = seconds(60);
/** For how long it is taken: a peer that was changed at the end of ours sends it as long again. */
export const HEARING_GRACE = seconds(120);

interface Former {
  readonly vip: VipConfiguration;
  readonly changedAt: Instant;
}

export class FormerVips {
  readonly #former = new Map<string, readonly Former[]>();

  /** A VIP, named by what it is on the wire, has been changed. */
  change(id: string, before: VipConfiguration, vip: VipConfiguration, now: Instant): void {
    if (hasSameDigest(before, vip)) return;
    const others = this.#changedSince(id, now, HEARING_GRACE);
    const all = [{ vip: before, changedAt: now }, ...others];
    const isOther = (one: Former, index: number): boolean =>
      !hasSameDigest(one.vip, vip) &&
      all.findIndex((each) => hasSameDigest(each.vip, one.vip)) === index;
    this.#former.set(id, all.filter(isOther));
  }

  /** What is still to be said, newest first. */
  toSend(id: string, now: Instant): readonly VipConfiguration[] {
    return this.#changedSince(id, now, SENDING_GRACE).map(({ vip }) => vip);
  }

  /** What may still be heard, newest first. */
  toHear(id: string, now: Instant): readonly VipConfiguration[] {
    return this.#changedSince(id, now, HEARING_GRACE).map(({ vip }) => vip);
  }

  #changedSince(id: string, now: Instant, grace: Duration): readonly Former[] {
    const all = this.#former.get(id) ?? [];
    return all.filter(({ changedAt }) => now < after(changedAt, grace));
  }
}

function hasSameDigest(one: VipConfiguration, other: VipConfiguration): boolean {
  return digested(one) === digested(other);
}

/** The order of the addresses and their prefix lengths are not in the digest. */
function digested({ addresses, password }: VipConfiguration): string {
  return [...addresses.map(({ address }) => address).sort(), password.join()].join(' ');
}
