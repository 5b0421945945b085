/**
 * The main thread of a node: configuration, API, event log, signals. It starts the election thread
 * and stands between it and everybody else; it never decides anything about VIPs.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { NodeSnapshot } from '../core/node/node-snapshot.ts';
import type { ConfigFacts, ConfigReport } from '../core/telemetry/config-report.ts';
import type { Snapshot } from '../core/telemetry/snapshot.ts';
import { EventLog, StateFiles } from '../kernel/state-files.ts';
import { WakeSignal } from '../kernel/wake-signal.ts';
import { AgentLink } from './agent-link.ts';
import { ApiServer, type CommandName, type CommandResult } from './api-server.ts';
import { type ConfigurationLoading, loadConfiguration } from './configuration-loading.ts';
import type { TakenReport } from './demotion-report.ts';
import { ElectionLink } from './election-link.ts';
import { EventJournal } from './event-journal.ts';
import { FlowLink } from './flow-link.ts';
import { ServerRefusal } from './local-server.ts';
import type { FromThread, ThreadStart, ToThread } from './thread-messages.ts';

export interface NodeProcessOptions {
  readonly configDir: string;
  readonly runtimeDir: string;
  readonly stateDir: string;
  /** Of the firmware, for status. */
  readonly version: string;
}

const MAINTENANCE_FILE = 'maintenance.json';
/**
 * A clean stop hands over first, which the peer may take a second to agree to, and lingers for a
 * tenth of one; a thread that has not ended by then is stuck.
 */
const STOP_PATIENCE_MS = 3000;
/** A handover to a peer that can serve takes a few milliseconds. */
const HANDOVER_PATIENCE_MS = 1000;

type Loaded = Extract<ConfigurationLoading, { ok: true }>;

/** Runs a node until it is told to stop. Returns the exit code. */
export async function runNode(options: NodeProcessOptions): Promise<number> {
  const loading = loadConfiguration(options.configDir);
  if (!loading.ok) {
    for (const line of loading.problems) complain(line);
    return 1;
  }
  const node = new NodeProcess(options, loading);
  try {
    return await node.run();
  } catch (error) {
    if (!(error instanceof ServerRefusal)) throw error;
    complain(error.message);
    return 1;
  }
}

class NodeProcess {
  readonly #options: NodeProcessOptions;
  readonly #state: StateFiles;
  readonly #journal: EventJournal;
  readonly #wake = new WakeSignal();
  readonly #start: ThreadStart;
  readonly #startedAt = performance.now();
  readonly #flows: FlowLink;
  readonly #agent: AgentLink;
  readonly #link = new ElectionLink((message) => this.#post(message));
  #hash: string;
  #generation = 1;
  #reloadErrors: readonly string[] = [];
  #reloading: Promise<CommandResult> | undefined;
  #reloadAgain: Promise<CommandResult> | undefined;
  #rememberProblem: string | undefined;
  #handingOver: Promise<CommandResult> | undefined;
  #worker: Worker | undefined;

  constructor(options: NodeProcessOptions, { configuration, hash }: Loaded) {
    this.#options = options;
    this.#hash = hash;
    this.#state = new StateFiles(options.stateDir);
    this.#journal = new EventJournal(new EventLog(options.stateDir), configuration.node, complain);
    this.#journal.subscribe(({ at, kind, text }) => console.log(`${at} ${kind}: ${text}`));
    this.#flows = new FlowLink(options, {
      onReady: (ready) => this.#post({ kind: 'flows', ready }),
      onEvent: (event) => this.#journal.add(event, new Date()),
      complain,
    });
    this.#agent = new AgentLink(options, {
      onEvent: (event) => this.#journal.add(event, new Date()),
      complain,
    });
    this.#start = { configuration, maintenance: this.#recallMaintenance(), wakeFd: this.#wake.fd };
  }

  async run(): Promise<number> {
    const api = new ApiServer(this.#options.runtimeDir, {
      status: () => this.#snapshot(),
      eventsSince: (id) => this.#journal.since(id),
      subscribe: (listener) => this.#journal.subscribe(listener),
      takeFlows: (report) => this.#flows.take(report),
      takeDemotions: (taken) => this.#takeDemotions(taken),
      takeConfig: (report) => this.#takeConfig(report),
      command: (name, args) => this.#command(name, args),
    });
    const stop = (): void => this.#stop();
    process.on('SIGTERM', stop).on('SIGINT', stop);
    process.on('SIGHUP', () => void this.#reload().catch((error) => complain(String(error))));
    // The socket first: a second node in the same place must not touch a VIP.
    await api.start();
    const ended = once(this.#spawn(), 'exit');
    this.#flows.configure(this.#start.configuration);
    this.#agent.configure(this.#start.configuration);
    await ended;
    await Promise.all([this.#flows.stop(), this.#agent.stop()]);
    await api.stop();
    this.#journal.close();
    return 0;
  }

  #spawn(): Worker {
    const worker = new Worker(threadFile(), { workerData: this.#start });
    this.#worker = worker;
    worker.on('message', (message: FromThread) => this.#take(message));
    // A broken election must not linger: the lease has already taken the VIPs off the network.
    worker.on('error', (error) => {
      complain(`the election failed: ${explanation(error)}`);
      process.exit(1);
    });
    return worker;
  }

  #take(message: FromThread): void {
    switch (message.kind) {
      case 'snapshot':
        return this.#link.takeSnapshot(message);
      case 'event':
        this.#journal.add(message.event, new Date(message.at));
        return;
      case 'answer':
        return this.#link.takeAnswer(message);
      case 'remember':
        return this.#rememberMaintenance(message.maintenance);
      case 'stopped':
        void this.#worker?.terminate();
    }
  }

  #snapshot(): Snapshot {
    const { snapshot, realtime } = this.#link.latest();
    return {
      ...snapshot,
      version: this.#options.version,
      flows: this.#flows.snapshot,
      alerts: [...snapshot.alerts, ...this.#flows.alerts, ...this.#agent.alerts],
      counters: { ...snapshot.counters, ...this.#agent.counters },
      config: this.#agent.snapshot(this.#hash, this.#reloadErrors),
      pid: process.pid,
      uptime: Math.floor((performance.now() - this.#startedAt) / 1000),
      realtime,
    };
  }

  #takeDemotions({ report, events }: TakenReport): void {
    for (const text of events) this.#journal.add({ kind: 'target', text }, new Date());
    this.#post({ kind: 'demotions', report });
  }

  #takeConfig(report: ConfigReport): ConfigFacts {
    const { state } = this.#link.latest().snapshot;
    this.#agent.take(report);
    for (const text of report.events) this.#journal.add({ kind: 'config', text }, new Date());
    return { hash: this.#hash, generation: this.#generation, state };
  }

  async #command(
    name: CommandName,
    args: Readonly<Record<string, string>>,
  ): Promise<CommandResult> {
    this.#link.latest();
    switch (name) {
      case 'reload':
        return this.#reload();
      case 'handover':
        return this.#handOver();
      case 'maintenance':
        return this.#maintain(args['action'] === 'enter');
    }
  }

  /** Whoever asks while a handover is under way gets its outcome. */
  #handOver(): Promise<CommandResult> {
    this.#handingOver ??= this.#flows
      .caughtUp()
      .then(() => this.#link.ask((id) => ({ kind: 'handover', id })))
      .finally(() => {
        this.#handingOver = undefined;
      });
    return this.#handingOver;
  }

  async #maintain(entered: boolean): Promise<CommandResult> {
    if (entered) await this.#flows.caughtUp();
    await this.#link.ask((id) => ({ kind: 'maintenance', id, entered }));
    // The peer takes over first; it may also be unable to.
    if (entered) await this.#link.until(isHandedOver, HANDOVER_PATIENCE_MS);
    const { snapshot } = this.#link.latest();
    const outcome = isHandedOver(snapshot)
      ? `${snapshot.maintenance ? 'in maintenance' : 'not in maintenance'}, ${snapshot.state}`
      : 'in maintenance, but still MASTER: no other node can serve';
    const problem = this.#rememberProblem;
    return problem === undefined
      ? { ok: true, text: outcome }
      : { ok: false, text: `${outcome}; will not survive a restart: ${problem}` };
  }

  /** However many ask while one is under way, the files are read once more after it. */
  #reload(): Promise<CommandResult> {
    if (this.#reloading === undefined) {
      this.#reloading = this.#reloadNow().finally(() => {
        this.#reloading = undefined;
      });
      return this.#reloading;
    }
    this.#reloadAgain ??= this.#reloading.then(() => {
      this.#reloadAgain = undefined;
      return this.#reload();
    });
    return this.#reloadAgain;
  }

  /** A refused configuration changes nothing: the node goes on with the one it has. */
  async #reloadNow(): Promise<CommandResult> {
    if (this.#worker === undefined) return { ok: false, text: 'the node is starting' };
    const loading = loadConfiguration(this.#options.configDir);
    if (!loading.ok) {
      this.#reloadErrors = loading.problems;
      const text = `configuration refused: ${loading.problems.join('; ')}`;
      this.#journal.add({ kind: 'config', text }, new Date());
      return { ok: false, text: loading.problems.join('\n') };
    }
    const { configuration, hash } = loading;
    this.#reloadErrors = [];
    await this.#link.ask((id) => ({ kind: 'configure', id, configuration }));
    this.#flows.configure(configuration);
    this.#hash = hash;
    this.#generation += 1;
    this.#agent.configure(configuration);
    return { ok: true, text: `configuration ${hash.slice(0, 12)} applied` };
  }

  #stop(): void {
    if (this.#worker === undefined) process.exit(0);
    this.#post({ kind: 'stop' });
    setTimeout(() => {
      complain('the election did not stop');
      process.exit(1);
    }, STOP_PATIENCE_MS).unref();
  }

  #post(message: ToThread): void {
    this.#worker?.postMessage(message);
    this.#wake.signal();
  }

  #recallMaintenance(): boolean {
    const reading = this.#state.read(MAINTENANCE_FILE);
    if (reading.kind === 'read') {
      const { value } = reading;
      return typeof value === 'object' && value !== null && 'entered' in value
        ? value.entered === true
        : false;
    }
    if (reading.kind !== 'absent') complain(reading.text);
    return false;
  }

  #rememberMaintenance(entered: boolean): void {
    const written = this.#state.write(MAINTENANCE_FILE, { entered });
    this.#rememberProblem = written.ok ? undefined : written.text;
    if (!written.ok) complain(`maintenance will not survive a restart: ${written.text}`);
  }
}

/** Nothing is left of what entering maintenance, or leaving it meanwhile, has to bring about. */
const isHandedOver = ({ state, maintenance }: NodeSnapshot): boolean =>
  !maintenance || state !== 'MASTER';

/** One line for what the machine refused, the stack for what is our own mistake. */
function explanation(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The class does not survive the way between threads, the name does.
  if (error.name !== 'KernelError') return error.stack ?? error.message;
  const permission = /EPERM|EACCES/.test(error.message);
  return permission ? `${error.message} (needs root: CAP_NET_ADMIN, CAP_NET_RAW)` : error.message;
}

/** Beside the bundle when built, in TypeScript when run from source. */
function threadFile(): string {
  const bundled = join(import.meta.dirname, 'election-thread.mjs');
  return existsSync(bundled) ? bundled : join(import.meta.dirname, 'election-thread.ts');
}

function complain(text: string): void {
  console.error(`yoke: ${text}`);
}
