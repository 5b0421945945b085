/**
 * All paths to the peer: the sync cable first, then every other segment both nodes are on.
 *
 * Beats run fast on the sync cable while both ends hear each other there. When they do not, or it
 * has no carrier, they run fast on all others, so that a second fault is noticed as soon as a first
 * one.
 */
import { compareIpAddresses } from '../../wire/ip-address.ts';
import type { BeatPath } from '../../wire/peer-beat.ts';
import type { Duration, Instant } from '../time.ts';
import { PeerPath } from './peer-path.ts';

export interface PathPlan {
  readonly interface: string;
  readonly device: string;
  /** Configured address of the peer: this is the sync cable. */
  readonly peer: string | undefined;
}

export class PathTable {
  #paths: ReadonlyMap<string, PeerPath> = new Map();

  configure(plans: readonly PathPlan[]): void {
    const known = this.#paths;
    this.#paths = new Map(
      plans.map((plan) => {
        const former = known.get(plan.interface);
        const path =
          former?.device === plan.device ? former : new PeerPath(plan.interface, plan.device);
        path.configuredPeer = plan.peer;
        return [plan.interface, path];
      }),
    );
  }

  get all(): Iterable<PeerPath> {
    return this.#paths.values();
  }

  get(place: string): PeerPath | undefined {
    return this.#paths.get(place);
  }

  get open(): readonly PeerPath[] {
    return [...this.#paths.values()].filter((path) => path.open);
  }

  get hasOpen(): boolean {
    return this.open.length > 0;
  }

  /** The node with the lower address on the sync cable begins each session. */
  get begins(): boolean {
    const { ownAddress, configuredPeer } = this.#sync ?? {};
    if (ownAddress === undefined || configuredPeer === undefined) return true;
    return compareIpAddresses(ownAddress, configuredPeer) < 0;
  }

  /** Both ends are up, and nothing of the peer arrives. */
  broken(now: Instant): readonly PeerPath[] {
    return [...this.#paths.values()].filter((path) => {
      const at = path.brokenAt();
      return path.far?.usable !== false && at !== undefined && now >= at;
    });
  }

  /** What the peer says of its ends. */
  told(ends: readonly BeatPath[]): void {
    for (const end of ends) {
      const path = this.#paths.get(end.interface);
      if (path !== undefined) path.far = end;
    }
  }

  tell(span: Duration, now: Instant): readonly BeatPath[] {
    return [...this.#paths.values()].map((path) => path.told(span, now));
  }

  isFast(path: PeerPath, span: Duration, now: Instant): boolean {
    return path === this.#sync || !this.#isSyncGood(span, now);
  }

  /** The sync cable was how we heard of the peer, and it cannot carry any more. */
  isSevered(span: Duration, now: Instant): boolean {
    return this.#sync !== undefined && !this.#sync.usable && !this.#hearsElsewhere(span, now);
  }

  get #sync(): PeerPath | undefined {
    return [...this.#paths.values()].find((path) => path.configuredPeer !== undefined);
  }

  #isSyncGood(span: Duration, now: Instant): boolean {
    const sync = this.#sync;
    return sync?.open === true && sync.hearsWithin(span, now) && sync.far?.hears !== false;
  }

  #hearsElsewhere(span: Duration, now: Instant): boolean {
    return [...this.#paths.values()].some((path) => path.hearsWithin(span, now));
  }
}
