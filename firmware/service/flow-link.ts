/**
 * What the election's process knows and wants of the one that replicates flows: runs it, hears its
 * reports, and before a handover asks whether the peer has everything.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import type { NodeEvent } from '../core/node/node-io.ts';
import type { FlowsReport, FlowsSnapshot } from '../core/telemetry/flows-snapshot.ts';
import type { AlertSnapshot } from '../core/telemetry/snapshot.ts';
import { FlowClient } from './flow-client.ts';
import { ProcessReports } from './process-reports.ts';
import { type NodePlaces, ServiceChild } from './service-child.ts';

const NAME = 'yoke-flows';
/** A process that is stopped does not answer, and a handover is not to wait for it. */
const BARRIER_PATIENCE_MS = 700;

interface FlowLinkHooks {
  /** Whether the node may become MASTER, as far as flows are concerned. */
  readonly onReady: (ready: boolean) => void;
  readonly onEvent: (event: NodeEvent) => void;
  readonly complain: (text: string) => void;
}

export class FlowLink {
  readonly #hooks: FlowLinkHooks;
  readonly #child: ServiceChild;
  readonly #client: FlowClient;
  readonly #reports: ProcessReports<FlowsReport>;
  /** What the process was started with; undefined while it is not to run. */
  #wanted: string | undefined;
  #isReady = false;

  constructor(places: NodePlaces, hooks: FlowLinkHooks) {
    this.#hooks = hooks;
    this.#child = new ServiceChild({ name: NAME, words: ['flows', 'run'] }, places, hooks.complain);
    this.#client = new FlowClient(places.runtimeDir);
    const text = `${NAME} says nothing: connections are not replicated`;
    this.#reports = new ProcessReports({ code: 'flows-process', text }, hooks.onEvent);
  }

  /** Starts the process, again when something it reads has changed, or stops it. */
  configure({ flows, interfaces, vips }: PairConfiguration): void {
    const addresses = vips.map((vip) => vip.addresses);
    const wanted = flows && JSON.stringify([flows, interfaces, addresses]);
    if (wanted === this.#wanted) return;
    const isFirst = this.#wanted === undefined;
    this.#wanted = wanted;
    this.#reports.expect();
    if (wanted === undefined) {
      this.#reports.expectNone();
      this.#hooks.onReady(true);
      void this.#child.stop();
    } else if (isFirst) {
      this.#isReady = false;
      this.#hooks.onReady(false);
      this.#child.start();
    } else void this.#child.restart();
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }

  take(report: FlowsReport): void {
    this.#reports.take(report);
    if (!report.ready || this.#isReady) return;
    this.#isReady = true;
    this.#hooks.onReady(true);
  }

  get snapshot(): FlowsSnapshot | null {
    return this.#reports.latest?.flows ?? null;
  }

  get alerts(): readonly AlertSnapshot[] {
    return this.#reports.alerts;
  }

  /** Resolves when the peer has all flows, or when that cannot be waited for. */
  async caughtUp(): Promise<void> {
    if (this.#wanted === undefined || this.#reports.latest === undefined) return;
    const barrier = this.#client.barrier().catch(() => undefined);
    await Promise.race([barrier, pause(BARRIER_PATIENCE_MS, undefined, { ref: false })]);
  }
}
