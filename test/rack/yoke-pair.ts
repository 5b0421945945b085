// Yoke itself on the rack: writes the two configuration files of a node, starts `build/yoke run` in
// it and talks to the running node over its socket, as the command line does.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { EventRecord } from '../../firmware/core/telemetry/event-record.ts';
import type { Snapshot, SnapshotState } from '../../firmware/core/telemetry/snapshot.ts';
import { ApiClient } from '../../firmware/service/api-client.ts';
import type { ComparisonReport } from '../../firmware/service/comparison-report.ts';
import { FlowClient } from '../../firmware/service/flow-client.ts';
import { command } from './command.ts';
import { eventually } from './eventually.ts';
import type { RackNode } from './node.ts';
import type { PairKind, Speaker } from './pair-kind.ts';
import type { VipSegment } from './rack-plan.ts';
import type { ExitFact, RackProcess } from './rack-process.ts';
import {
  clusterFile,
  nodeFile,
  SECRET_NAME,
  secretFile,
  type YokeOptions,
} from './yoke-configuration.ts';

export const YOKE = new URL('../../build/yoke', import.meta.url).pathname;

/** A stopped process never answers; a running one answers within milliseconds. */
const ANSWER_PATIENCE_MS = 2000;
/** Not all that is in a status is announced by an event: after so long it is asked for again. */
const ASK_AGAIN_MS = 250;

export class YokePair implements PairKind<YokeSpeaker> {
  readonly name: string;
  readonly preempts: boolean;
  readonly options: YokeOptions;

  constructor(options: YokeOptions = {}, name = 'yoke') {
    this.name = name;
    this.preempts = options.preempt?.enabled ?? true;
    this.options = options;
  }

  /** Whether `make build` has been run. */
  static get built(): boolean {
    return existsSync(YOKE);
  }

  async start(node: RackNode): Promise<YokeSpeaker> {
    this.writeConfiguration(node);
    const speaker = new YokeSpeaker(node, this.options);
    await speaker.ready();
    return speaker;
  }

  writeConfiguration(node: RackNode): void {
    const { config } = node.directories;
    writeFileSync(join(config, 'node.yaml'), nodeFile(node, this.options));
    writeFileSync(join(config, 'cluster.yaml'), clusterFile(this.options));
    const secret = join(config, SECRET_NAME);
    rmSync(secret, { force: true });
    if (this.options.sync !== false) writeFileSync(secret, secretFile(), { mode: 0o600 });
  }
}

export class YokeSpeaker implements Speaker {
  readonly node: RackNode;
  private readonly hasBeats: boolean;
  private readonly process: RackProcess;
  private readonly client: ApiClient;

  constructor(node: RackNode, { beats, sync }: YokeOptions) {
    this.node = node;
    this.hasBeats = beats !== 'off' && sync !== false;
    const { config, runtime, state } = node.directories;
    const places = ['--config', config, '--runtime', runtime, '--state', state];
    this.client = new ApiClient(runtime);
    this.process = node.namespace.start(`yoke on ${node.name}`, YOKE, ['run', ...places]);
  }

  get pid(): number {
    return this.process.pid;
  }

  get exited(): Promise<ExitFact> {
    return this.process.exited;
  }

  async status(): Promise<Snapshot> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_resolve, reject) => {
      const say = () => reject(new Error(`yoke on ${this.node.name} does not answer`));
      timer = setTimeout(say, ANSWER_PATIENCE_MS);
    });
    return Promise.race([this.client.status(), silence]).finally(() => clearTimeout(timer));
  }

  /** The status as a person sees it. */
  statusTable(): Promise<string> {
    return command(YOKE, ['status', '--runtime', this.node.directories.runtime]);
  }

  /** How the connections in both kernels differ, as `yoke flows compare` has it. */
  async comparison(examples = 10): Promise<ComparisonReport> {
    const { runtime } = this.node.directories;
    const { text, report } = await new FlowClient(runtime).compare(examples);
    if (report === undefined) throw new Error(`${this.node.name}: ${text}`);
    return report;
  }

  /** The event log, oldest first; also of a node that has ended. */
  async events(): Promise<EventRecord[]> {
    const log = await command(YOKE, ['events', '--json', '--state', this.node.directories.state]);
    return log
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as EventRecord);
  }

  async ready(): Promise<void> {
    const answer = () => this.status().catch(() => this.failIfEnded());
    await eventually(`yoke on ${this.node.name} answers`, answer, { seen: () => this.lastWords() });
  }

  /** The status once the node's state is this one. */
  async untilState(state: SnapshotState, patienceMs = 30_000): Promise<Snapshot> {
    return this.untilStatus(`is ${state}`, (status) => status.state === state, patienceMs);
  }

  /** The status once this holds; asked again at each event, and now and then without one. */
  async untilStatus(
    what: string,
    holds: (status: Snapshot) => boolean,
    patienceMs = 30_000,
  ): Promise<Snapshot> {
    const giveUp = AbortSignal.timeout(patienceMs);
    const events = await this.client.events(undefined, giveUp);
    try {
      for (let next = events.next(); !giveUp.aborted; ) {
        const status = await this.status().catch(() => this.failIfEnded());
        if (status !== undefined && holds(status)) return status;
        const again = await Promise.race([next, pause(ASK_AGAIN_MS)]);
        if (again?.done) break;
        if (again !== undefined) next = events.next();
      }
    } finally {
      // Not awaited: the stream may wait for an event that never comes.
      void events.return(undefined).catch(() => undefined);
    }
    const last = (await this.events()).slice(-8).map(({ text }) => text);
    throw new Error(`${this.node.name} never ${what}; its last events:\n${last.join('\n')}`);
  }

  /** Waits for an event that was logged since the process started, or is logged now. */
  async untilEvent(
    what: string,
    wanted: (event: EventRecord) => boolean,
    patienceMs = 30_000,
  ): Promise<EventRecord> {
    const find = async () => (await this.events()).findLast(wanted);
    const options = { patienceMs, everyMs: 100, seen: () => this.lastWords() };
    return eventually(`${this.node.name} logs ${what}`, find, options);
  }

  async states(): Promise<Partial<Record<VipSegment, SnapshotState>>> {
    const { vips } = await this.status();
    return Object.fromEntries(vips.map((vip) => [vip.interface, vip.state]));
  }

  async handover(): Promise<void> {
    await this.maintenance('enter');
  }

  async release(): Promise<void> {
    await this.maintenance('leave');
  }

  /** Gives the VIPs to the peer without entering maintenance: `yoke handover`. */
  async giveAway(): Promise<void> {
    const { node } = this;
    await command(YOKE, ['handover', '--runtime', node.directories.runtime]);
  }

  /** Its demotions, links that are down, paths on which it does not hear its peer. */
  async flaws(): Promise<readonly string[]> {
    const status = await this.status().catch(() => undefined);
    if (status === undefined) return ['no answer'];
    const { demotions, links, peer } = status;
    const unheard = peer.verdict === 'alive' ? [] : [`peer ${peer.verdict}`];
    const paths = peer.paths.filter(({ up }) => up !== true).map((path) => path.interface);
    return [
      ...demotions.map(({ reason }) => reason),
      ...links.filter(({ carrier }) => !carrier).map(({ name }) => `no carrier on ${name}`),
      ...(this.hasBeats ? [...unheard, ...paths.map((name) => `no beats on ${name}`)] : []),
    ];
  }

  promotions(): Promise<number> {
    return this.count('transitions.MASTER');
  }

  /** How often the node found its lease run out while it was MASTER. */
  lapses(): Promise<number> {
    return this.count('lease.lapsed');
  }

  private async count(counter: string): Promise<number> {
    return (await this.status()).counters[counter] ?? 0;
  }

  async stop(): Promise<void> {
    await this.process.stop('SIGTERM', 10_000);
  }

  /** To the process itself, not to everything in the node. */
  signal(signal: NodeJS.Signals): void {
    this.process.signal(signal);
  }

  log(): string[] {
    return this.process.said;
  }

  private async maintenance(action: 'enter' | 'leave'): Promise<void> {
    const { ok, text } = await this.client.command('maintenance', { action });
    if (!ok) throw new Error(`maintenance ${action} on ${this.node.name}: ${text}`);
  }

  private lastWords(): string {
    return this.log().slice(-10).join('\n');
  }

  private failIfEnded(): undefined {
    if (this.process.running) return undefined;
    throw new Error(`yoke on ${this.node.name} ended: ${this.lastWords()}`);
  }
}
