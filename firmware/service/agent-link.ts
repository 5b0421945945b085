/**
 * What the election's process knows of the one that keeps the configuration, and how it runs it.
 */
import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import type { NodeEvent } from '../core/node/node-io.ts';
import type { ConfigReport } from '../core/telemetry/config-report.ts';
import type { AlertSnapshot, ConfigSnapshot } from '../core/telemetry/snapshot.ts';
import { ProcessReports } from './process-reports.ts';
import { type NodePlaces, ServiceChild } from './service-child.ts';

const NAME = 'yoke-agent';
/** After everything else on this machine. */
const NICENESS = 10;

interface AgentLinkHooks {
  readonly onEvent: (event: NodeEvent) => void;
  readonly complain: (text: string) => void;
}

export class AgentLink {
  readonly #child: ServiceChild;
  readonly #reports: ProcessReports<ConfigReport>;
  /** What of node.yaml the process was started with. */
  #known: string | undefined;

  constructor(places: NodePlaces, { onEvent, complain }: AgentLinkHooks) {
    const kind = { name: NAME, words: ['agent', 'run'], niceness: NICENESS };
    this.#child = new ServiceChild(kind, places, complain);
    const text = `${NAME} says nothing: the configuration is neither kept nor synchronised`;
    this.#reports = new ProcessReports({ code: 'agent-process', text }, onEvent);
  }

  /** Starts the process, and again when this node has become another one to the pair. */
  configure({ node, role, interfaces, beatKey }: PairConfiguration): void {
    const sync = interfaces.find(({ peer }) => peer !== undefined);
    const known = JSON.stringify([node, role, sync, [...(beatKey ?? [])]]);
    if (known === this.#known) return;
    const isFirst = this.#known === undefined;
    this.#known = known;
    this.#reports.expect();
    if (isFirst) this.#child.start();
    else void this.#child.restart();
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }

  take(report: ConfigReport): void {
    this.#reports.take(report);
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#reports.latest?.counters ?? {};
  }

  get alerts(): readonly AlertSnapshot[] {
    return this.#reports.alerts;
  }

  /** `hash`: of what is applied. */
  snapshot(hash: string, reloadErrors: readonly string[]): ConfigSnapshot {
    const report = this.#reports.latest;
    const { revision = null, peerHash = null, lastSync = null, standing = null } = report ?? {};
    return {
      revision: report?.hash === hash ? revision : null,
      hash,
      peerHash,
      lastSync,
      sync: standing,
      errors: [...reloadErrors, ...(report?.errors ?? [])],
    };
  }
}
