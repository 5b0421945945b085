/**
 * HTTP and JSON on a Unix socket: the one door through which people and programs see and command
 * the node. `curl --unix-socket /run/yoke/yoked.sock http://yoke/status` works.
 *
 *   GET  /status        the status document
 *   GET  /events        server-sent events (WHATWG HTML 9.2); `?since=ID` or Last-Event-ID replays
 *   POST /maintenance   {"action": "enter" | "leave"}
 *   POST /handover      give the VIPs to the peer now; answered when that is done or has failed
 *   POST /reload        read the configuration again
 *   POST /flows         what the process that replicates flows has to tell
 *   POST /demotions     why this node should rather not be MASTER, as another process knows:
 *                       {"owner": "gateways", "lastsMs": 5000, "demotions": [
 *                         {"reason": "target:wan1", "weight": 50, "patienceMs": 2000}],
 *                        "events": ["gateway wan1: up -> down"]}
 *   POST /config        what the keeper of the configuration has to tell; answered by what runs
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { ConfigFacts, ConfigReport } from '../core/telemetry/config-report.ts';
import type { EventRecord } from '../core/telemetry/event-record.ts';
import type { FlowsReport } from '../core/telemetry/flows-snapshot.ts';
import type { Snapshot } from '../core/telemetry/snapshot.ts';
import { demotionReport, type TakenReport } from './demotion-report.ts';
import {
  AnswerRefusal,
  checkMethod,
  LocalServer,
  type Methods,
  readBody,
  sendJson,
} from './local-server.ts';

export type CommandName = 'maintenance' | 'handover' | 'reload';

export interface CommandResult {
  readonly ok: boolean;
  /** One line (or several) for people: what was done, or why not. */
  readonly text: string;
}

/** What the server asks of the node. */
export interface ApiNode {
  /** Throws NodeUnavailable while there is nothing true to tell. */
  status(): Snapshot;
  /** Remembered events with a greater id, oldest first. */
  eventsSince(id: number): readonly EventRecord[];
  /** Calls back for each new event until the returned function is called. */
  subscribe(listener: (record: EventRecord) => void): () => void;
  takeFlows(report: FlowsReport): void;
  takeDemotions(taken: TakenReport): void;
  /** Throws NodeUnavailable while there is nothing true to tell. */
  takeConfig(report: ConfigReport): ConfigFacts;
  /** Throws NodeUnavailable when the node cannot be commanded now. */
  command(name: CommandName, args: Readonly<Record<string, string>>): Promise<CommandResult>;
}

export const socketPath = (runtimeDir: string): string => join(runtimeDir, 'yoked.sock');

/** A reader of events that is this far behind is cut off; it can come back with Last-Event-ID. */
const LARGEST_BACKLOG_BYTES = 1_048_576;
/** Lets both ends notice that the other is gone. */
const KEEP_ALIVE_MS = 15_000;
const METHODS: Methods = {
  '/status': 'GET',
  '/events': 'GET',
  '/maintenance': 'POST',
  '/handover': 'POST',
  '/reload': 'POST',
  '/flows': 'POST',
  '/demotions': 'POST',
  '/config': 'POST',
};

export class ApiServer {
  readonly #node: ApiNode;
  readonly #server: LocalServer;

  constructor(runtimeDir: string, node: ApiNode) {
    this.#node = node;
    this.#server = new LocalServer(socketPath(runtimeDir), (url, request, response) =>
      this.#route(url, request, response),
    );
  }

  /** Throws ServerRefusal when another process serves there or the socket cannot be made. */
  start(): Promise<void> {
    return this.#server.start();
  }

  /** Ends all connections and removes the socket. */
  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #route(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkMethod(METHODS, url, request, response);
    if (url.pathname === '/status') return sendJson(response, 200, this.#node.status());
    if (url.pathname === '/events') return this.#stream(url, request, response);
    const body = await readBody(request);
    if (url.pathname === '/flows') {
      this.#node.takeFlows(body as FlowsReport);
      return sendJson(response, 200, {});
    }
    if (url.pathname === '/demotions') {
      this.#node.takeDemotions(demotionReport(body));
      return sendJson(response, 200, {});
    }

    if (url.pathname === '/config') {
      return sendJson(response, 200, this.#node.takeConfig(body as ConfigReport));
    }
    const result = await this.#command(url.pathname, body);
    sendJson(response, result.ok ? 200 : 409, result);
  }

  #command(path: string, body: unknown): Promise<CommandResult> {
    switch (path) {
      case '/maintenance':
        return this.#node.command('maintenance', { action: maintenanceAction(body) });
      case '/handover':
        return this.#node.command('handover', {});
      default:
        return this.#node.command('reload', {});
    }
  }

  #stream(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const asked = url.searchParams.get('since') ?? request.headers['last-event-id'];
    const since = asked === undefined ? undefined : eventId(String(asked));
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    const write = (text: string) => {
      response.write(text);
      if (response.writableLength > LARGEST_BACKLOG_BYTES) response.destroy();
    };
    // Nothing can happen between the replay and the subscription: both are in this turn.
    const replay = since === undefined ? [] : this.#node.eventsSince(since);
    for (const record of replay) write(serverSentEvent(record));
    const unsubscribe = this.#node.subscribe((record) => write(serverSentEvent(record)));
    const keepAlive = setInterval(() => write(': still here\n\n'), KEEP_ALIVE_MS);
    response.on('close', () => {
      clearInterval(keepAlive);
      unsubscribe();
    });
  }
}

function serverSentEvent(record: EventRecord): string {
  return `id: ${record.id}\nevent: ${record.kind}\ndata: ${JSON.stringify(record)}\n\n`;
}

function eventId(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new AnswerRefusal(400, 'since wants the id of an event');
  return Number(text);
}

function maintenanceAction(body: unknown): string {
  const action: unknown =
    typeof body === 'object' && body !== null ? Reflect.get(body, 'action') : undefined;
  if (action === 'enter' || action === 'leave') return action;
  throw new AnswerRefusal(400, 'maintenance wants {"action": "enter"} or {"action": "leave"}');
}
