/**
 * The leases this node holds, and when each was prolonged.
 *
 * The election prolongs them, and each time tells the peer that it lives. Work that takes the
 * machine long prolongs them too, so that they do not run out under it, but only for a while after
 * the election did so last: a node that is not heard must have lost its leases before the peer
 * takes over.
 */
import { LeaseRenewal } from './lease-renewal.ts';
import type { GroupSpan } from './lease-sets.ts';
import { native } from './native-socket.ts';
import type { VipInterfaces } from './vip-interfaces.ts';

interface HeldLease {
  /** Microseconds of the monotonic clock. */
  renewedAt: number;
  /** When the election asked for it last. */
  askedAt: number;
}

export class HeldLeases {
  readonly #vips: VipInterfaces;
  readonly #renewal = new LeaseRenewal();
  readonly #held = new Map<number, HeldLease>();
  /** Length of a lease, microseconds. */
  #length = 0;
  /** For how long after the election asked last a lease is prolonged here, microseconds. */
  #keep = 0;

  constructor(vips: VipInterfaces) {
    this.#vips = vips;
  }

  /** What is left of each lease, and the length of all from now on. */
  change(milliseconds: number, keepMilliseconds: number): GroupSpan[] {
    const now = native.monotonic();
    const standing = [...this.#held].flatMap(([group, { renewedAt }]) => {
      const left = Math.floor((renewedAt + this.#length - now) / 1000);
      return left < 1 ? [] : [{ group, milliseconds: Math.min(left, milliseconds) }];
    });
    this.#length = milliseconds * 1000;
    this.#keep = keepMilliseconds * 1000;
    return standing;
  }

  /**
   * The lease of a group was taken, not before `now`. `before`: until when that was allowed; it was
   * announced so much earlier as a lease is prolonged here, and counts from then.
   */
  begin(group: number, now: number, before: number): void {
    this.#held.set(group, { renewedAt: now, askedAt: Math.min(now, before - this.#keep) });
  }

  holds(group: number): boolean {
    return this.#held.has(group);
  }

  end(group: number): void {
    this.#held.delete(group);
  }

  /** Prolongs a lease for the election; false when it had lapsed. */
  renew(group: number, before: number): boolean {
    const now = native.monotonic();
    if (!this.#prolong(group)) return false;
    this.begin(group, now, before);
    return true;
  }

  /**
   * Prolongs a lease in the midst of long work, as far as that may be; false when it had lapsed.
   */
  keep(group: number): boolean {
    const held = this.#held.get(group);
    if (held === undefined) return false;
    const now = native.monotonic();
    // What is left of it may do; else the election finds it lapsed.
    if (now > held.askedAt + this.#keep) return true;
    if (!this.#prolong(group)) return false;
    held.renewedAt = now;
    return true;
  }

  /** `keep` for those of which a quarter is used up. */
  keepAll(): void {
    const now = native.monotonic();
    for (const [group, { renewedAt }] of this.#held) {
      if (now > renewedAt + this.#length / 4) this.keep(group);
    }
  }

  close(): void {
    this.#renewal.close();
  }

  #prolong(group: number): boolean {
    for (const { index, renewal } of this.#vips.ofGroup(group)) {
      if (!this.#vips.isRaised(index)) continue;
      const outcome = this.#renewal.send(renewal);
      if (outcome !== 'unusable') return outcome === 'renewed';
    }
    return false;
  }
}
