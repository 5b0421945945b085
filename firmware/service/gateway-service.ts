/**
 * Gateways on this machine: asks for echoes, moves routes when groups use other gateways, ends the
 * connections of a gateway that is down, tells the election what is unreachable from here.
 *
 * It is driven by its owner (yoke-agent): `engine` is one of the engines that a roll-out applies,
 * `configure` follows each configuration that has been applied.
 */
import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import type {
  GatewayConfiguration,
  RoutingConfiguration,
} from '../core/configuration/routing-configuration.ts';
import { GATEWAY_MARK_MASK, gatewayMarks } from '../core/gateways/gateway-marks.ts';
import {
  GatewayWatch,
  type GroupChoice,
  type WatchInput,
  type WatchOutput,
} from '../core/gateways/gateway-watch.ts';
import { routePlan } from '../core/gateways/route-plan.ts';
import { routeText } from '../core/gateways/route-text.ts';
import type { GatewaySnapshot } from '../core/telemetry/gateway-table.ts';
import type { AlertSnapshot } from '../core/telemetry/snapshot.ts';
import { type Instant, instant, toMilliseconds } from '../core/time.ts';
import { EchoSocket } from '../kernel/echo-socket.ts';
import { RouteEngine } from '../kernel/engines/routes.ts';
import { KernelError } from '../kernel/kernel-error.ts';
import { forgetMarkedFlows } from '../kernel/marked-flows.ts';
import { native, type Watch } from '../kernel/native-socket.ts';
import { NetlinkSocket, protocols } from '../kernel/netlink-socket.ts';
import type { DemotionsBody } from './demotion-report.ts';

export interface GatewayServiceHooks {
  /** To yoked (ApiClient.reportDemotions); may fail, then it is said again. */
  readonly reportDemotions: (body: DemotionsBody) => Promise<void>;
}

const READABLE = 1;
/** RTNLGRP_LINK, _IPV4_ROUTE, _IPV4_RULE, _IPV6_ROUTE, _IPV6_RULE. */
const ROUTE_EVENTS = [1, 7, 8, 11, 19];
/** What changes routes does so more than once; our own changes are among it. */
const REPAIR_PAUSE_MS = 500;
const REPORT_PAUSE_MS = 1000;
const REPORT_LASTS_MS = 5000;
/** While nobody takes them. */
const MOST_LINES = 100;
const LONGEST_LINE = 400;

interface Asker {
  readonly socket: EchoSocket;
  readonly watch: Watch;
}

export class GatewayService {
  readonly engine: RouteEngine;
  readonly #hooks: GatewayServiceHooks;
  readonly #watch = new GatewayWatch();
  readonly #askers = new Map<string, Asker>();
  #marks: ReadonlyMap<string, number> = new Map();
  #choice: GroupChoice = new Map();
  #routing: RoutingConfiguration | undefined;
  readonly #down = new Map<string, Pick<AlertSnapshot, 'since' | 'text'>>();
  /** For the event log, not told yet. */
  #lines: string[] = [];
  #events: NetlinkSocket | undefined;
  #eventWatch: Watch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #repairTimer: NodeJS.Timeout | undefined;
  #reportTimer: NodeJS.Timeout | undefined;

  constructor(hooks: GatewayServiceHooks) {
    this.#hooks = hooks;
    this.engine = new RouteEngine(routeText, (text) => routePlan(text, this.#choice));
  }

  start(): void {
    this.#events = new NetlinkSocket(protocols.route, ROUTE_EVENTS);
    this.#eventWatch = watched(this.#events.fd, () => {
      this.#events?.readEvents(() => undefined);
      this.#repairSoon();
    });
    this.#reportTimer = setInterval(() => this.#report(), REPORT_PAUSE_MS);
    this.#turn([{ kind: 'wake' }]);
  }

  /** Routes stay as they are: a gateway that is restarted goes on forwarding meanwhile. */
  async stop(): Promise<void> {
    for (const timer of [this.#timer, this.#repairTimer]) clearTimeout(timer);
    clearInterval(this.#reportTimer);
    for (const name of [...this.#askers.keys()]) this.#drop(name);
    if (this.#eventWatch !== undefined) native.stopWatch(this.#eventWatch);
    this.#events?.close();
    this.#events = undefined;
    await this.#hooks.reportDemotions(demotionsBody([], 0)).catch(() => undefined);
  }

  /** After the engine has applied the text of this configuration. */
  configure(configuration: PairConfiguration): void {
    const before = new Map(this.#routing?.gateways.map((each) => [each.name, each]));
    const marks = gatewayMarks(configuration);
    this.#routing = configuration.routing;
    for (const name of [...this.#askers.keys()]) {
      const now = this.#routing?.gateways.find((each) => each.name === name);
      const isSame = JSON.stringify(now) === JSON.stringify(before.get(name));
      if (!isSame || marks.get(name) !== this.#marks.get(name)) this.#drop(name);
    }
    this.#marks = marks;
    for (const name of [...this.#down.keys()]) if (!marks.has(name)) this.#down.delete(name);
    this.#turn([{ kind: 'configure', routing: this.#routing }, { kind: 'wake' }]);
  }

  get snapshot(): GatewaySnapshot {
    const groups = [...this.#watch.choice].map(([name, uses]) => ({ name, uses }));
    return { gateways: this.#watch.reports, groups };
  }

  /** One for each gateway that is down. */
  get alerts(): readonly AlertSnapshot[] {
    return [...this.#down].map(([name, { since, text }]) => ({
      code: `gateway:${name}`,
      since,
      text,
    }));
  }

  #turn(inputs: readonly WatchInput[]): void {
    for (const input of inputs) {
      this.#watch.handle(input, now());
      this.#drain();
    }
    clearTimeout(this.#timer);
    const due = this.#watch.nextTimeout();
    if (due === undefined || this.#events === undefined) return;
    const left = Math.max(0, Math.ceil((due - now()) / 1000));
    this.#timer = setTimeout(() => this.#wake(), left);
  }

  /** What has been answered already is not called lost because this process was late. */
  #wake(): void {
    for (const name of this.#askers.keys()) this.#hear(name);
    this.#turn([{ kind: 'wake' }]);
  }

  #hear(name: string): void {
    const inputs: WatchInput[] = [];
    this.#askers.get(name)?.socket.receive((sequence) => {
      inputs.push({ kind: 'answer', gateway: name, sequence });
    });
    if (inputs.length > 0) this.#turn(inputs);
  }

  #drain(): void {
    const unsent: WatchInput[] = [];
    for (let output = this.#watch.poll(); output !== undefined; output = this.#watch.poll()) {
      if (output.kind !== 'probe') this.#obey(output);
      else if (!this.#ask(output.gateway, output.sequence)) {
        const { gateway, sequence } = output;
        unsent.push({ kind: 'unsent', gateway: gateway.name, sequence });
      }
    }
    for (const input of unsent) {
      this.#watch.handle(input, now());
      this.#drain();
    }
  }

  #obey(output: Exclude<WatchOutput, { kind: 'probe' }>): void {
    if (output.kind === 'choice') {
      this.#choice = output.choice;
      void this.#moveRoutes();
      return;
    }
    const { gateway, to, text } = output;
    if (to === 'down') this.#down.set(gateway, { since: new Date().toISOString(), text });
    else this.#down.delete(gateway);
    this.#say(text);
    this.#report();
    if (to === 'down') void this.#abandon(gateway);
  }

  async #moveRoutes(): Promise<void> {
    const refusal = await this.engine.reapply();
    if (refusal !== undefined) this.#say(`routes could not be changed: ${refusal}`);
  }

  /** After the routes have moved: what begins anew is to find another way. */
  async #abandon(gateway: string): Promise<void> {
    await this.engine.settled;
    if (!this.#hasRescue(gateway)) return;
    try {
      forgetMarkedFlows(this.#marks.get(gateway) ?? 0, GATEWAY_MARK_MASK);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#say(error.message);
    }
  }

  /** Connections are given up only when some group has left the gateway for another one. */
  #hasRescue(gateway: string): boolean {
    const groups = this.#routing?.groups ?? [];
    return groups.some(
      ({ name, members }) =>
        members.some((each) => each.gateway === gateway) &&
        !(this.#choice.get(name) ?? []).includes(gateway),
    );
  }

  #ask({ name, monitor, ...gateway }: GatewayConfiguration, sequence: number): boolean {
    if (monitor === undefined) return false;
    const { family, device, sources } = gateway;
    try {
      let asker = this.#askers.get(name);
      if (asker === undefined) {
        const mark = this.#marks.get(name) ?? 0;
        const socket = new EchoSocket({ family, device, source: sources[0], mark });
        asker = { socket, watch: watched(socket.fd, () => this.#hear(name)) };
        this.#askers.set(name, asker);
      }
      if (asker.socket.ask(monitor, sequence)) return true;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
    // The device or its address may be another one when it comes back.
    this.#drop(name);
    return false;
  }

  #drop(name: string): void {
    const asker = this.#askers.get(name);
    if (asker === undefined) return;
    native.stopWatch(asker.watch);
    asker.socket.close();
    this.#askers.delete(name);
  }

  #repairSoon(): void {
    this.#repairTimer ??= setTimeout(() => {
      this.#repairTimer = undefined;
      void this.#repair();
    }, REPAIR_PAUSE_MS);
  }

  async #repair(): Promise<void> {
    const outcome = await this.engine.repair();
    if (outcome === undefined) return;
    const { drift, refusal } = outcome;
    const what = refusal === undefined ? 'repaired' : `not repaired: ${refusal}`;
    this.#say(`routes were changed (${drift.split('\n')[0]}): ${what}`);
  }

  #report(): void {
    const patience = ({ interval, timeout }: GatewayConfiguration): number =>
      Math.ceil(toMilliseconds(interval) * 2 + toMilliseconds(timeout));
    const gateways = new Map(this.#routing?.gateways.map((each) => [each.name, each]));
    const demotions = this.#watch.demotions.flatMap(({ gateway, weight }) => {
      const found = gateways.get(gateway);
      if (found === undefined) return [];
      return [{ reason: `target:${gateway}`, weight, patienceMs: patience(found) }];
    });
    const events = this.#lines.splice(0);
    const body = { ...demotionsBody(demotions, REPORT_LASTS_MS), events };
    // A yoked that does not answer is told again in a second.
    this.#hooks.reportDemotions(body).catch(() => {
      this.#lines = [...events, ...this.#lines].slice(-MOST_LINES);
    });
  }

  #say(text: string): void {
    this.#lines.push(text.split('\n').join('; ').slice(0, LONGEST_LINE));
    this.#lines.splice(0, this.#lines.length - MOST_LINES);
  }
}

function demotionsBody(demotions: DemotionsBody['demotions'], lastsMs: number): DemotionsBody {
  return { owner: 'gateways', lastsMs, demotions, events: [] };
}

function watched(fd: number, onReadable: () => void): Watch {
  const watch = native.watch(fd, READABLE, onReadable);
  if (typeof watch !== 'number') return watch;
  throw new KernelError({ code: 'socket-failed', errno: -watch, what: 'watch a socket' });
}

const now = (): Instant => instant(native.monotonic());
