/**
 * The process that replicates flows, yoke-flows: it may crash and start again without the election
 * noticing. The kernel's table is the truth; nothing is kept on disk.
 */
import { randomBytes } from 'node:crypto';
import { networkInterfaces, setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import { FlowAlerts } from '../core/flows/flow-alerts.ts';
import type { ReplicationOutput } from '../core/flows/replication-io.ts';
import type { FlowsReport } from '../core/telemetry/flows-snapshot.ts';
import { type Instant, instant } from '../core/time.ts';
import {
  conntrackProblems,
  prepareConntrack,
  readConntrackSettings,
} from '../kernel/conntrack-settings.ts';
import { native } from '../kernel/native-socket.ts';
import { ApiClient } from './api-client.ts';
import type { CommandResult } from './api-server.ts';
import { type ComparisonResult, comparisonResult } from './comparison-report.ts';
import { loadConfiguration } from './configuration-loading.ts';
import { FlowLoop } from './flow-loop.ts';
import { flowsReport } from './flow-report.ts';
import { FlowServer } from './flow-server.ts';
import { FlowService } from './flow-service.ts';
import { ServingWatch } from './serving-watch.ts';

export interface FlowProcessOptions {
  readonly configDir: string;
  readonly runtimeDir: string;
}

/** Before ordinary work, after the election. */
const PRIORITY = -10;
const REPORT_PAUSE_MS = 1000;
/** The election's process answers at once, if it runs. */
const SERVING_PATIENCE_MS = 1000;
/** The table is presized for what is there now and half as much again, at least so many. */
const FLOWS_EXPECTED_LEAST = 16_384;
const FLOWS_AT_MOST = 2 ** 21;
/** A peer that lives takes in all that waits within milliseconds. */
const BARRIER_PATIENCE_MS = 500;

/** Runs until it is told to stop. Returns the exit code. */
export async function runFlows(options: FlowProcessOptions): Promise<number> {
  const loading = loadConfiguration(options.configDir);
  if (!loading.ok) {
    for (const line of loading.problems) console.error(`yoke-flows: ${line}`);
    return 1;
  }
  if (loading.configuration.flows === undefined) {
    console.error('yoke-flows: flows are switched off, or there is no peer or no secret');
    return 1;
  }
  return new FlowProcess(options, loading.configuration).run();
}

class FlowProcess {
  readonly #options: FlowProcessOptions;
  readonly #configuration: PairConfiguration;
  readonly #service: FlowService;
  readonly #loop: FlowLoop;
  readonly #alerts: FlowAlerts;
  readonly #client: ApiClient;
  readonly #barriers = new Map<number, (reached: boolean) => void>();
  readonly #ended = Promise.withResolvers<number>();
  #nextBarrier = 1;
  /** Whom the comparison under way is made for. */
  #comparison: ((result: ComparisonResult) => void) | undefined;

  constructor(options: FlowProcessOptions, configuration: PairConfiguration) {
    this.#options = options;
    this.#configuration = configuration;
    this.#client = new ApiClient(options.runtimeDir);
    this.#alerts = new FlowAlerts(this.#now());
    for (const text of prepareConntrack()) this.#alerts.warn('events', text, this.#now());
    const { count = 0, max = FLOWS_AT_MOST } = readConntrackSettings() ?? {};
    this.#service = new FlowService({
      configuration: configuration.flows!,
      serving: 'none',
      flowsExpected: Math.max(FLOWS_EXPECTED_LEAST, Math.ceil(count * 1.5)),
      flowsAtMost: Math.max(FLOWS_EXPECTED_LEAST, Math.min(max, FLOWS_AT_MOST)),
      random: (length) => new Uint8Array(randomBytes(length)),
      ownAddresses: this.#ownAddresses(),
      onOutput: (output) => this.#take(output),
    });
    this.#loop = new FlowLoop(this.#service);
  }

  async run(): Promise<number> {
    beforeOrdinaryWork();
    const server = new FlowServer(this.#options.runtimeDir, {
      report: () => this.#report(),
      resync: () => this.#resync(),
      barrier: () => this.#barrier(),
      compare: (examples) => this.#compare(examples),
    });
    await server.start();
    const serving = new ServingWatch(this.#client, (found) => {
      this.#service.serve(found);
      this.#loop.wake();
    });
    const end = (): void => this.#ended.resolve(0);
    process.on('SIGTERM', end).on('SIGINT', end);
    // Started by a node: it is not to outlive it.
    process.on('disconnect', end);
    void serving.run();
    // A MASTER whose process was restarted must not say that it serves nothing.
    await Promise.race([serving.answered, pause(SERVING_PATIENCE_MS), this.#ended.promise]);
    this.#loop.start();
    const reports = setInterval(() => void this.#tell(), REPORT_PAUSE_MS);
    const code = await this.#ended.promise;
    clearInterval(reports);
    serving.stop();
    this.#loop.stop();
    await server.stop();
    this.#service.close();
    // The channel to the node would keep the process.
    if (process.connected) process.disconnect?.();
    return code;
  }

  #take(output: ReplicationOutput): void {
    if (output.kind === 'barrier') {
      this.#barriers.get(output.id)?.(true);
      return;
    }
    if (output.kind === 'compared') {
      this.#comparison?.(comparisonResult(output.outcome));
      return;
    }
    this.#alerts.take(output, this.#now());
    if (output.kind !== 'divergence') void this.#tell();
  }

  #resync(): CommandResult {
    this.#service.replication.handle({ kind: 'resync' }, this.#now());
    this.#loop.wake();
    return { ok: true, text: 'the peer is told everything anew' };
  }

  /** Resolves when the peer has everything that has happened until now. */
  async #barrier(): Promise<CommandResult> {
    const { session } = this.#service.replication.status(this.#now());
    if (!session) return { ok: false, text: 'no peer is met' };
    const id = this.#nextBarrier++;
    const reached = await new Promise<boolean>((resolve) => {
      this.#barriers.set(id, resolve);
      setTimeout(() => resolve(false), BARRIER_PATIENCE_MS).unref();
      this.#service.turn();
      this.#service.replication.handle({ kind: 'barrier', id }, this.#now());
      this.#loop.wake();
    });
    this.#barriers.delete(id);
    return { ok: reached, text: reached ? 'the peer has all flows' : 'the peer lags behind' };
  }

  /** Resolves when both nodes' tables have been compared, or cannot be. */
  async #compare(examples: number): Promise<ComparisonResult> {
    if (this.#comparison !== undefined) {
      return { ok: false, text: 'not compared: another comparison is under way' };
    }
    const { promise, resolve } = Promise.withResolvers<ComparisonResult>();
    this.#comparison = resolve;
    this.#service.replication.handle({ kind: 'compare', examples }, this.#now());
    this.#loop.wake();
    const result = await promise;
    this.#comparison = undefined;
    return result;
  }

  #report(): FlowsReport {
    const now = this.#now();
    for (const text of conntrackProblems()) this.#alerts.warn(text.split(' ')[0] ?? '', text, now);
    return flowsReport(this.#service, this.#alerts, { now, wallClock: Date.now() });
  }

  /** Tells the election's process, if it runs; addresses are looked at again meanwhile. */
  async #tell(): Promise<void> {
    this.#service.setOwnAddresses(this.#ownAddresses());
    // Started again, it finds the cable as it is now.
    if (!this.#service.isConnected) this.#ended.resolve(1);
    await this.#client.reportFlows(this.#report()).catch(() => undefined);
  }

  /** VIPs are on interfaces that are down on a BACKUP, so they come from the files. */
  #ownAddresses(): string[] {
    const { vips, interfaces } = this.#configuration;
    const found = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    return [
      ...vips.flatMap(({ addresses }) => addresses.map(({ address }) => address)),
      ...interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)),
      ...found.map(({ address }) => address),
    ];
  }

  #now(): Instant {
    return instant(native.monotonic());
  }
}

function beforeOrdinaryWork(): void {
  try {
    setPriority(PRIORITY);
  } catch {
    // Not permitted: it works all the same, only later on a busy machine.
  }
}
