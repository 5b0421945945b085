/**
 * HTTP and JSON on a Unix socket, as `api-server.ts`, of the process that replicates flows.
 *
 *   GET  /status    the section `flows` of the status document, with alerts
 *   POST /resync    tell the peer everything anew
 *   POST /barrier   answered when the peer has all flows, or lags too far behind
 */
import { join } from 'node:path';
import type { FlowsReport } from '../core/telemetry/flows-snapshot.ts';
import type { CommandResult } from './api-server.ts';
import { checkMethod, LocalServer, type Methods, sendJson } from './local-server.ts';

const METHODS: Methods = { '/status': 'GET', '/resync': 'POST', '/barrier': 'POST' };

export const flowSocketPath = (runtimeDir: string): string => join(runtimeDir, 'yoke-flows.sock');

interface FlowNode {
  report(): FlowsReport;
  resync(): CommandResult;
  barrier(): Promise<CommandResult>;
}

export class FlowServer extends LocalServer {
  constructor(runtimeDir: string, node: FlowNode) {
    super(flowSocketPath(runtimeDir), async (url, request, response) => {
      checkMethod(METHODS, url, request, response);
      if (url.pathname === '/status') return sendJson(response, 200, node.report());
      const result = url.pathname === '/resync' ? node.resync() : await node.barrier();
      sendJson(response, result.ok ? 200 : 409, result);
    });
  }
}
