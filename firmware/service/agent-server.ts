/**
 * HTTP and JSON on a Unix socket, as `api-server.ts`, of the process that keeps the configuration.
 *
 *   GET  /status     what yoked is told once a second
 *   GET  /history    all revisions without their texts, oldest first
 *   GET  /revision   `?number=N`, the one that stands without it; with its text
 *   GET  /peer       the other node's revision, with its text
 *   GET  /gateways   what the monitors of the gateways say, and what groups use
 *   POST /plan       {"text"}: what would change on this machine
 *   POST /apply      {"text", "message", "user", "trialMs", "here"}: answered when it is live, on
 *                    trial, or has failed on both nodes
 *   POST /confirm    what is on trial is to stand
 *   POST /rollback   {"number", "user", "trialMs", "here"}
 *   POST /resolve    {"keep": "here" | "peer", "user"}
 */
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { ConfigReport } from '../core/telemetry/config-report.ts';
import type { GatewaySnapshot } from '../core/telemetry/gateway-table.ts';
import type { ConfigRevision } from '../wire/config-revision.ts';
import { fieldsOf, isText } from '../wire/json-field.ts';
import type { CommandResult } from './api-server.ts';
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
  '/history': 'GET',
  '/revision': 'GET',
  '/peer': 'GET',
  '/gateways': 'GET',
  '/plan': 'POST',
  '/apply': 'POST',
  '/confirm': 'POST',
  '/rollback': 'POST',
  '/resolve': 'POST',
};

/** cluster.yaml may have 1 MiB, and JSON escapes it. */
const LARGEST_BODY_BYTES = 4 * 1_048_576;
const LONGEST_TRIAL_MS = 86_400_000;
const LONGEST_LINE = 1024;

export const agentSocketPath = (runtimeDir: string): string => join(runtimeDir, 'yoke-agent.sock');

/** Who wants a change, and how it is to be made. */
export interface ChangeWish {
  /** Who asks, as this machine knows them. */
  readonly user: string;
  /** 0 without one. */
  readonly trialMs: number;
  /** On this node alone, although it is the secondary. */
  readonly here: boolean;
}

export interface ApplyWish extends ChangeWish {
  readonly text: string;
  readonly message: string;
}

export interface AgentNode {
  report(): ConfigReport;
  history(): readonly ConfigRevision[];
  /** Undefined when there is none. */
  revision(number: number | undefined): ConfigRevision | undefined;
  peerRevision(): ConfigRevision | undefined;
  gateways(): GatewaySnapshot;
  plan(text: string): Promise<CommandResult>;
  apply(wish: ApplyWish): Promise<CommandResult>;
  confirm(): Promise<CommandResult>;
  rollback(number: number, wish: ChangeWish): Promise<CommandResult>;
  resolve(keep: 'here' | 'peer', user: string): Promise<CommandResult>;
}

export class AgentServer extends LocalServer {
  constructor(runtimeDir: string, node: AgentNode) {
    super(agentSocketPath(runtimeDir), async (url, request, response) => {
      checkMethod(METHODS, url, request, response);
      if (request.method === 'GET') return sendJson(response, 200, told(node, url));
      const result = await ordered(node, url.pathname, request);
      sendJson(response, result.ok ? 200 : 409, result);
    });
  }
}

function told(node: AgentNode, { pathname, searchParams }: URL): unknown {
  switch (pathname) {
    case '/status':
      return node.report();
    case '/history':
      return node.history().map(({ text: _, ...rest }) => rest);
    case '/gateways':
      return node.gateways();
    case '/peer':
      return found(node.peerRevision());
    default: {
      const number = searchParams.get('number');
      return found(node.revision(number === null ? undefined : Number(number)));
    }
  }
}

function found(revision: ConfigRevision | undefined): ConfigRevision {
  if (revision === undefined) throw new AnswerRefusal(404, 'there is no such revision');
  return revision;
}

async function ordered(
  node: AgentNode,
  path: string,
  request: IncomingMessage,
): Promise<CommandResult> {
  const fields = fieldsOf(await readBody(request, LARGEST_BODY_BYTES));
  switch (path) {
    case '/plan':
      return node.plan(textIn(fields, 'text', LARGEST_BODY_BYTES));
    case '/apply': {
      const text = textIn(fields, 'text', LARGEST_BODY_BYTES);
      const message = oneLine(textIn(fields, 'message', LONGEST_LINE));
      return node.apply({ ...wishIn(fields), text, message });
    }
    case '/confirm':
      return node.confirm();
    case '/rollback': {
      const { number } = fields;
      if (typeof number !== 'number') throw new AnswerRefusal(400, 'rollback wants a number');
      return node.rollback(number, wishIn(fields));
    }
    default: {
      const { keep } = fields;
      if (keep === 'here' || keep === 'peer') return node.resolve(keep, wishIn(fields).user);
      throw new AnswerRefusal(400, 'resolve wants to keep here or peer');
    }
  }
}

function wishIn(fields: Readonly<Record<string, unknown>>): ChangeWish {
  const { trialMs = 0, here = false } = fields;
  const isTrial = typeof trialMs === 'number' && trialMs >= 0 && trialMs <= LONGEST_TRIAL_MS;
  if (!isTrial) throw new AnswerRefusal(400, 'trialMs wants ms from 0 to a day');
  const user = oneLine(textIn(fields, 'user', LONGEST_LINE));
  return { user, trialMs, here: here === true };
}

function textIn(fields: Readonly<Record<string, unknown>>, name: string, longest: number): string {
  const value = fields[name] ?? '';
  if (!isText(value, longest)) throw new AnswerRefusal(400, `${name} wants a text`);
  return value;
}

/** It is shown in lists. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
