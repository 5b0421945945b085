/**
 * The other end of flow-server.ts.
 */
import type { FlowsReport } from '../core/telemetry/flows-snapshot.ts';
import type { CommandResult } from './api-server.ts';
import { flowSocketPath } from './flow-server.ts';
import { LocalClient } from './local-client.ts';

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
}
