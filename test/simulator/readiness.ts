/**
 * Which nodes could serve a VIP, and since when: whom an outage may be held against.
 */
import { LINK_RETURN, LINK_SEEN } from './contact.ts';
import type { WatchedVip } from './service-watch.ts';
import type { SimulatedDevice } from './simulated-machine.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { Simulation } from './simulation.ts';

interface State {
  isAble: boolean;
  isLinked: boolean;
  ableAt: number;
  /** When it ceased to be able the last time. */
  unableAt: number;
  linkedAt: number;
  /** A device has vanished while link events are lost: carrier is read, addresses are not. */
  isBlind: boolean;
}

export class Readiness {
  readonly #simulation: Simulation;
  readonly #states = new Map<string, State>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Something may have changed. */
  look(now: number): void {
    for (const vip of this.#simulation.watch.vips) {
      for (const node of this.#simulation.nodes.values()) this.#lookAt(vip, node, now);
    }
  }

  /** Since when the node could serve the VIP; undefined while it could not. */
  since(vip: WatchedVip, node: SimulatedNode): number | undefined {
    const state = this.#states.get(`${vip.name} ${node.name}`);
    if (state?.isAble !== true || !state.isLinked) return undefined;
    return Math.max(state.ableAt, state.linkedAt + LINK_RETURN, this.#allowedAt(node));
  }

  /** When the node last began or ceased to be able: its peer then begins to judge it anew. */
  turnedAt(vip: WatchedVip, node: SimulatedNode): number {
    const state = this.#states.get(`${vip.name} ${node.name}`);
    if (state === undefined) return 0;
    return state.isAble ? state.ableAt : state.unableAt;
  }

  #lookAt(vip: WatchedVip, node: SimulatedNode, now: number): void {
    const key = `${vip.name} ${node.name}`;
    const isAble = node.isAble && !node.machine.refusesClaims;
    const known = this.#states.get(key);
    const ports = this.#places(vip).map((place) => node.device(place));
    const isAbsent = ports.some(({ present }) => !present);
    const isBlind = node.machine.losesLinkEvents && (isAbsent || known?.isBlind === true);
    const isLinked =
      !isBlind && ports.every((port) => port.carrier && !port.sendFails && !this.#isDeaf(port));
    const state = known ?? {
      isAble,
      isLinked,
      ableAt: 0,
      unableAt: 0,
      linkedAt: -LINK_RETURN,
      isBlind,
    };
    if (!isAble && state.isAble) state.unableAt = now;
    // What befell its links while it did not run, or a moment before, it sees only now.
    const missed = isAble && !state.isAble && state.linkedAt + LINK_SEEN >= state.unableAt;
    if (!isAble || !state.isAble) state.ableAt = now;
    if (!isLinked || !state.isLinked || missed) state.linkedAt = now;
    Object.assign(state, { isAble, isLinked, isBlind });
    this.#states.set(key, state);
  }

  /** It hears none of the other boxes there, and may be blamed for it. */
  #isDeaf(port: SimulatedDevice): boolean {
    const { segment } = port;
    const others = [...segment.ports].filter((other) => other.owner !== port.owner);
    const speakers = others.filter((other) => segment.hasCarrier(other));
    return speakers.length > 0 && !speakers.some((other) => segment.reaches(other, port));
  }

  /**
   * After the kernel has refused, or a lease was lost at once, a node waits for a second, and for
   * up to a minute with what another one serves: each try would interrupt that.
   */
  #allowedAt(node: SimulatedNode): number {
    const stretches = [...this.#simulation.watch.now.values()];
    const isHeld = stretches.some(({ names }) => names.some((name) => name !== node.name));
    const freeSince = Math.max(
      0,
      ...stretches.filter(({ names }) => names.length === 0).map(({ from }) => from),
    );
    const times = [...(node.service?.node.groups.values() ?? [])].map(({ backoff }) => {
      const time = (at: number | undefined) => (at === undefined ? 0 : node.machine.timeAt(at));
      const held = time(backoff.untilHeld);
      return isHeld ? held : Math.max(time(backoff.untilFree), Math.min(held, freeSince));
    });
    return Math.max(0, ...times);
  }

  #places(vip: WatchedVip): readonly string[] {
    if (this.#simulation.pair.failover === 'vip') return [vip.segment.name];
    return this.#simulation.watch.vips.map(({ segment }) => segment.name);
  }
}
