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

const NONE: readonly PeerPath[] = [];

export interface PathPlan {
  readonly interface: string;
  readonly device: string;
  /** Configured address of the peer: this is the sync cable. */
  readonly peer: string | undefined;
}

/** Who begins a session between two addresses. */
interface Order {
  readonly own: string;
  readonly peer: string;
  readonly begins: boolean;
}

export class PathTable {
  #paths: ReadonlyMap<string, PeerPath> = new Map();
  #all: readonly PeerPath[] = [];
  /** The sync cable. */
  #sync: PeerPath | undefined;
  #order: Order | undefined;
  /** What was told last: the same again while nothing of it changes. */
  #told: readonly BeatPath[] = [];
  /** What the peer told last. */
  #heard: readonly BeatPath[] | undefined;

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
    this.#all = [...this.#paths.values()];
    this.#heard = undefined;
    this.#sync = this.#all.find((path) => path.configuredPeer !== undefined);
  }

  get all(): readonly PeerPath[] {
    return this.#all;
  }

  get(place: string): PeerPath | undefined {
    return this.#paths.get(place);
  }

  get open(): readonly PeerPath[] {
    return this.#all.filter((path) => path.open);
  }

  get hasOpen(): boolean {
    for (const path of this.#all) if (path.open) return true;
    return false;
  }

  /** The node with the lower address on the sync cable begins each session. */
  get begins(): boolean {
    const own = this.#sync?.ownAddress;
    const peer = this.#sync?.configuredPeer;
    if (own === undefined || peer === undefined) return true;
    if (this.#order?.own !== own || this.#order.peer !== peer) {
      this.#order = { own, peer, begins: compareIpAddresses(own, peer) < 0 };
    }
    return this.#order.begins;
  }

  /** Both ends are up, and nothing of the peer arrives. */
  broken(now: Instant): readonly PeerPath[] {
    let broken: PeerPath[] | undefined;
    for (const path of this.#all) {
      if (!path.isBroken(now)) continue;
      broken ??= [];
      broken.push(path);
    }
    return broken ?? NONE;
  }

  /** What the peer says of its ends. */
  told(ends: readonly BeatPath[]): void {
    if (ends === this.#heard) return;
    this.#heard = ends;
    for (const end of ends) {
      const path = this.#paths.get(end.interface);
      if (path !== undefined) path.far = end;
    }
  }

  tell(span: Duration, now: Instant): readonly BeatPath[] {
    const all = this.#all;
    let isNews = this.#told.length !== all.length;
    for (let index = 0; index < all.length && !isNews; index += 1) {
      isNews = !all[index]!.isAsTold(this.#told[index]!, span, now);
    }
    if (isNews) this.#told = all.map((path) => path.told(span, now));
    return this.#told;
  }

  isFast(path: PeerPath, span: Duration, now: Instant): boolean {
    return path === this.#sync || !this.#isSyncGood(span, now);
  }

  /** The sync cable was how we heard of the peer, and it cannot carry any more. */
  isSevered(span: Duration, now: Instant): boolean {
    return this.#sync !== undefined && !this.#sync.usable && !this.#hearsElsewhere(span, now);
  }

  #isSyncGood(span: Duration, now: Instant): boolean {
    const sync = this.#sync;
    return sync?.open === true && sync.hearsWithin(span, now) && sync.far?.hears !== false;
  }

  #hearsElsewhere(span: Duration, now: Instant): boolean {
    for (const path of this.#all) if (path.hearsWithin(span, now)) return true;
    return false;
  }
}
