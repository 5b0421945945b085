/**
 * All gateways of a node: their monitors, what their groups use now, and what people and the
 * election are told of it.
 */
import type {
  GatewayConfiguration,
  GatewayGroup,
  GatewayMember,
  RoutingConfiguration,
} from '../configuration/routing-configuration.ts';
import type { Machine } from '../machine.ts';
import { earliest, type Instant } from '../time.ts';
import { gatewayChoice } from './gateway-choice.ts';
import { GatewayMonitor, type MonitorInput } from './gateway-monitor.ts';
import type { GatewayReport, GatewayState } from './gateway-states.ts';

export type WatchInput =
  | { readonly kind: 'configure'; readonly routing: RoutingConfiguration | undefined }
  | { readonly kind: 'wake' }
  | (Exclude<MonitorInput, { kind: 'wake' }> & { readonly gateway: string });

export type WatchOutput =
  /** Send an echo request to the monitor of the gateway. */
  | {
      readonly kind: 'probe';
      readonly gateway: GatewayConfiguration;
      readonly sequence: number;
    }
  /** A gateway's state is another one; the text is for people. */
  | {
      readonly kind: 'state';
      readonly gateway: string;
      readonly from: GatewayState;
      readonly to: GatewayState;
      readonly text: string;
    }
  /** Groups use other gateways than before. */
  | { readonly kind: 'choice'; readonly choice: GroupChoice };

/** Names of the gateways each group uses, by name of the group. */
export type GroupChoice = ReadonlyMap<string, readonly string[]>;

export class GatewayWatch implements Machine<WatchInput, WatchOutput> {
  readonly #monitors = new Map<string, GatewayMonitor>();
  readonly #states = new Map<string, GatewayState>();
  #groups: readonly GatewayGroup[] = [];
  #chosen = new Map<string, readonly GatewayMember[]>();
  readonly #outputs: WatchOutput[] = [];

  handle(input: WatchInput, now: Instant): void {
    switch (input.kind) {
      case 'configure':
        return this.#configure(input.routing, now);
      case 'wake':
        for (const monitor of this.#monitors.values()) this.#tell(monitor, input, now);
        return this.#choose();
      default: {
        const monitor = this.#monitors.get(input.gateway);
        if (monitor === undefined) return;
        this.#tell(monitor, input, now);
        this.#choose();
      }
    }
  }

  poll(): WatchOutput | undefined {
    return this.#outputs.shift();
  }

  nextTimeout(): Instant | undefined {
    let next: Instant | undefined;
    for (const monitor of this.#monitors.values()) next = earliest(next, monitor.nextTimeout());
    return next;
  }

  get reports(): readonly GatewayReport[] {
    return [...this.#monitors.values()].map(({ report }) => report);
  }

  get choice(): GroupChoice {
    return new Map(
      [...this.#chosen].map(([name, members]) => [name, members.map(({ gateway }) => gateway)]),
    );
  }

  /** Gateways that are down and have a weight in the election. */
  get demotions(): readonly { readonly gateway: string; readonly weight: number }[] {
    return [...this.#monitors.values()].flatMap(({ state, configuration: { name, demotion } }) =>
      state === 'down' && demotion > 0 ? [{ gateway: name, weight: demotion }] : [],
    );
  }

  /** What is known of a gateway that did not change stays known. */
  #configure(routing: RoutingConfiguration | undefined, now: Instant): void {
    const wanted = new Map(routing?.gateways.map((each) => [each.name, each]));
    for (const [name, { configuration }] of [...this.#monitors]) {
      if (JSON.stringify(configuration) === JSON.stringify(wanted.get(name))) continue;
      this.#monitors.delete(name);
      this.#states.delete(name);
    }
    for (const [name, configuration] of wanted) {
      if (!this.#monitors.has(name))
        this.#monitors.set(name, new GatewayMonitor(configuration, now));
    }
    this.#groups = routing?.groups ?? [];
    for (const name of [...this.#chosen.keys()]) {
      if (!this.#groups.some((group) => group.name === name)) this.#chosen.delete(name);
    }
    this.#choose();
  }

  #tell(monitor: GatewayMonitor, input: MonitorInput, now: Instant): void {
    const { configuration } = monitor;
    monitor.handle(input, now);
    for (let output = monitor.poll(); output !== undefined; output = monitor.poll()) {
      const { sequence } = output;
      this.#outputs.push({ kind: 'probe', gateway: configuration, sequence });
    }
    const from = this.#states.get(configuration.name) ?? 'unknown';
    const to = monitor.state;
    if (from === to) return;
    this.#states.set(configuration.name, to);
    const text = `gateway ${configuration.name}: ${from} -> ${to}: ${figures(monitor.report)}`;
    this.#outputs.push({ kind: 'state', gateway: configuration.name, from, to, text });
  }

  #choose(): void {
    const reports = new Map(this.reports.map((report) => [report.name, report]));
    let changed = false;
    for (const group of this.#groups) {
      const former = this.#chosen.get(group.name);
      const chosen = gatewayChoice(group, reports, former);
      changed ||= namesOf(former) !== namesOf(chosen);
      this.#chosen.set(group.name, chosen);
    }
    if (changed) this.#outputs.push({ kind: 'choice', choice: this.choice });
  }
}

function namesOf(members: readonly GatewayMember[] | undefined): string {
  return (members ?? []).map(({ gateway }) => gateway).join(' ');
}

function figures({ loss, latencyMs }: GatewayReport): string {
  const lost = loss === null ? 'no request yet' : `${Math.round(loss * 100)} % lost`;
  return latencyMs === null ? lost : `${lost}, ${latencyMs.toFixed(1)} ms`;
}
