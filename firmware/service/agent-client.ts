/**
 * The other end of agent-server.ts.
 */
import type { ConfigReport } from '../core/telemetry/config-report.ts';
import type { GatewaySnapshot } from '../core/telemetry/gateway-table.ts';
import { type ConfigRevision, readRevision } from '../wire/config-revision.ts';
import { type ApplyWish, agentSocketPath, type ChangeWish } from './agent-server.ts';
import type { CommandResult } from './api-server.ts';
import { LocalClient } from './local-client.ts';

/** Both nodes check, apply and look after their health, and perhaps go back. */
const CHANGE_PATIENCE_MS = 240_000;

export class AgentClient extends LocalClient {
  constructor(runtimeDir: string) {
    super(agentSocketPath(runtimeDir));
  }

  async report(): Promise<ConfigReport> {
    return (await this.fetch('/status')) as ConfigReport;
  }

  async gateways(): Promise<GatewaySnapshot> {
    return (await this.fetch('/gateways')) as GatewaySnapshot;
  }

  /** What the other node stands by; undefined when it is not connected. */
  async peerRevision(): Promise<ConfigRevision | undefined> {
    const { body } = await this.ask('GET', '/peer');
    return readRevision(body);
  }

  plan(text: string): Promise<CommandResult> {
    return this.order('plan', { text }, CHANGE_PATIENCE_MS);
  }

  apply(wish: ApplyWish): Promise<CommandResult> {
    return this.order('apply', { ...wish }, CHANGE_PATIENCE_MS);
  }

  confirm(): Promise<CommandResult> {
    return this.order('confirm', {}, CHANGE_PATIENCE_MS);
  }

  rollback(number: number, wish: ChangeWish): Promise<CommandResult> {
    return this.order('rollback', { number, ...wish }, CHANGE_PATIENCE_MS);
  }

  resolve(keep: 'here' | 'peer', user: string): Promise<CommandResult> {
    return this.order('resolve', { keep, user }, CHANGE_PATIENCE_MS);
  }
}
