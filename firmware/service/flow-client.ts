/**
 * The other end of flow-server.ts.
 */
import type { FlowsReport } from '../core/telemetry/flows-snapshot.ts';
import type { CommandResult } from './api-server.ts';
import type { ComparisonResult } from './comparison-report.ts';
import { flowSocketPath } from './flow-server.ts';
import { LocalClient } from './local-client.ts';

/** Longer than the replication gives itself for it. */
const COMPARISON_PATIENCE_MS = 70_000;

export class FlowClient extends LocalClient {
  constructor(runtimeDir: string) {
    super(flowSocketPath(runtimeDir));
  }

  async report(): Promise<FlowsReport> {
    return (await this.fetch('/status')) as FlowsReport;
  }

  resync(): Promise<CommandResult> {
    return this.order('resync', {});
  }

  /** Waits until the peer has all flows; not ok when it lags behind. */
  barrier(): Promise<CommandResult> {
    return this.order('barrier', {});
  }

  /** The difference of both kernels' tables, with so many examples of each kind, 0..64. */
  async compare(examples: number): Promise<ComparisonResult> {
    return this.order('compare', { examples }, COMPARISON_PATIENCE_MS);
  }
}
