/**
 * HTTP and JSON on a Unix socket, as `api-server.ts`, of the process that replicates flows.
 *
 *   GET  /status    the section `flows` of the status document, with alerts
 *   POST /resync    tell the peer everything anew
 *   POST /barrier   answered when the peer has all flows, or lags too far behind
 *   POST /compare   {"examples": 10}: answered with the difference of both kernels' tables
 */
import { join } from 'node:path';
import { LINES_AT_MOST } from '../core/flows/table-comparison.ts';
import type { FlowsReport } from '../core/telemetry/flows-snapshot.ts';
import { fieldsOf } from '../wire/json-field.ts';
import type { CommandResult } from './api-server.ts';
import type { ComparisonResult } from './comparison-report.ts';
import {
  AnswerRefusal,
  checkMethod,
  LocalServer,
  type Methods,
  readBody,
  sendJson,
} from './local-server.ts';

const METHODS: Methods = {
  '/status': 'GET',
  '/resync': 'POST',
  '/barrier': 'POST',
  '/compare': 'POST',
};

export const flowSocketPath = (runtimeDir: string): string => join(runtimeDir, 'yoke-flows.sock');

interface FlowNode {
  report(): FlowsReport;
  resync(): CommandResult;
  barrier(): Promise<CommandResult>;
  compare(examples: number): Promise<ComparisonResult>;
}

export class FlowServer extends LocalServer {
  constructor(runtimeDir: string, node: FlowNode) {
    super(flowSocketPath(runtimeDir), async (url, request, response) => {
      checkMethod(METHODS, url, request, response);
      if (url.pathname === '/status') return sendJson(response, 200, node.report());
      const body = await readBody(request);
      const result = await command(node, url.pathname, body);
      sendJson(response, result.ok ? 200 : 409, result);
    });
  }
}

function command(
  node: FlowNode,
  path: string,
  body: unknown,
): CommandResult | Promise<ComparisonResult | CommandResult> {
  if (path === '/resync') return node.resync();
  return path === '/barrier' ? node.barrier() : node.compare(exampleCount(body));
}

function exampleCount(body: unknown): number {
  const { examples: count } = fieldsOf(body);
  if (Number.isInteger(count) && Number(count) >= 0 && Number(count) <= LINES_AT_MOST) {
    return Number(count);
  }
  throw new AnswerRefusal(400, `compare wants {"examples": 0 to ${LINES_AT_MOST}}`);
}
