/**
 * The configuration of the pair on one node: where changes come from (people, the other node,
 * cluster.yaml edited by hand), and what follows from them.
 */

import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import { ConfigAlerts } from '../core/rollout/config-alerts.ts';
import type { ConfigFacts, ConfigReport } from '../core/telemetry/config-report.ts';
import type { GatewaySnapshot } from '../core/telemetry/gateway-table.ts';
import { type Instant, instant } from '../core/time.ts';
import { readConfigText } from '../kernel/config-files.ts';
import type { Engine } from '../kernel/engines/engine.ts';
import type { SyncPlace } from '../kernel/sync-socket.ts';
import type { ConfigRevision, RevisionOrigin } from '../wire/config-revision.ts';
import type { AgentNode, ApplyWish, ChangeWish } from './agent-server.ts';
import type { ApiClient } from './api-client.ts';
import type { CommandResult } from './api-server.ts';
import type { ConfigHistory } from './config-history.ts';
import { configDiff, engineDiff } from './config-plan.ts';
import { ConfigurationApplier } from './configuration-applier.ts';
import { type ConfigurationLoading, loadConfiguration } from './configuration-loading.ts';
import type { GatewayService } from './gateway-service.ts';
import { RolloutDriver } from './rollout-driver.ts';
import { SyncLink } from './sync-link.ts';

export interface ConfigAgentOptions {
  readonly configDir: string;
  readonly history: ConfigHistory;
  readonly client: ApiClient;
  readonly engines: readonly Engine[];
  /** Called with each configuration that the engines have taken. */
  readonly onApplied?: ((configuration: PairConfiguration) => void) | undefined;
  /** What the monitors of the gateways say. */
  readonly gateways?: Pick<GatewayService, 'snapshot' | 'alerts'> | undefined;
  readonly loaded: Extract<ConfigurationLoading, { ok: true }>;
  /** Where the other node is; undefined when there is none to keep in step with. */
  readonly place: SyncPlace | undefined;
  /** What was loaded. */
  readonly text: string;
  readonly newId: () => string;
}

/** Looks at a secondary that was edited by hand before it is put right: a change may be coming. */
const LOOKS_BEFORE_REPAIR = 4;

/** While nobody takes them. */
const MOST_EVENTS = 100;

interface Draft {
  readonly text: string;
  readonly hash: string;
  readonly message: string;
  readonly author: string;
  readonly origin: RevisionOrigin;
  readonly resolves?: string;
}

export class ConfigAgent implements AgentNode {
  readonly #options: ConfigAgentOptions;
  readonly #configuration: PairConfiguration;
  readonly #history: ConfigHistory;
  readonly #applier: ConfigurationApplier;
  readonly #driver: RolloutDriver;
  readonly #link: SyncLink | undefined;
  readonly #alerts = new ConfigAlerts();
  #generation: number | undefined;
  #strayLooks = 0;
  #lastSync: string | null = null;
  #events: string[] = [];

  constructor(options: ConfigAgentOptions) {
    const { history, client, engines, configDir, loaded, place } = options;
    this.#options = options;
    this.#configuration = loaded.configuration;
    this.#history = history;
    const { node, role } = this.#configuration;
    this.#applier = new ConfigurationApplier({
      ...{ configDir, engines, client, onApplied: options.onApplied },
      isKnown: (text) => history.hasText(text),
    });
    this.#driver = new RolloutDriver({
      ...{ node, role, history, applier: this.#applier },
      journal: history.journal ?? this.#firstJournal(),
      hasPeer: place !== undefined,
      send: (message) => this.#link?.send(message),
      onEvent: (text) => this.#say(text),
    });
    this.#link =
      place &&
      new SyncLink(role, place, {
        onOpen: () => this.#driver.handle({ kind: 'connected' }),
        onClose: () => this.#driver.handle({ kind: 'disconnected' }),
        onMessage: (message) => this.#driver.handle({ kind: 'message', message }),
      });
  }

  async start(): Promise<void> {
    // In the middle of a change the machine knows what is to run.
    const { change, head } = this.#driver.machine;
    if (change === null) {
      const problems = await this.#applier.refresh(this.#history.find(head.id)?.text ?? '');
      for (const problem of problems) this.#drifted('start', problem);
    }
    this.#driver.start();
    this.#link?.start();
  }

  stop(): void {
    this.#driver.stop();
    this.#link?.stop();
  }

  /** What runs on this node, which may be something that nobody rolled out. */
  async look({ hash, generation, state }: ConfigFacts): Promise<void> {
    this.#driver.handle({ kind: 'facts', applied: hash, master: state === 'MASTER' });
    const { machine, head } = this.#driver;
    const isFresh = this.#generation !== undefined && generation !== this.#generation;
    this.#generation = generation;
    if (!machine.isIdle) return;
    if (hash === head.hash) {
      this.#strayLooks = 0;
      // node.yaml may be another one now.
      if (isFresh) {
        const problems = await this.#applier.refresh(head.text);
        for (const problem of problems) this.#drifted('reload', problem);
      }
      return;
    }
    await this.#meetStray(hash);
  }

  /** What differs on this machine from what the configuration says is put right. */
  async mend(): Promise<void> {
    if (!this.#driver.machine.isIdle) return;
    for (const [engine, text] of await this.#applier.repair(this.#driver.head.text)) {
      this.#drifted(engine, `${engine} was not as the configuration says: ${text}`);
    }
  }

  report(): ConfigReport {
    const { machine, head, diskProblem } = this.#driver;
    const { standing, journal, peer } = machine;
    if (standing === 'synced') this.#lastSync = new Date().toISOString();
    this.#alerts.look({ standing, journal, link: this.#link?.failure, disk: diskProblem }, now());
    const { number, hash } = head;
    const alerts = this.#alerts.list(now()).map(({ code, text, since }) => {
      const age = (now() - since) / 1000;
      return { code, text, since: new Date(Date.now() - age).toISOString() };
    });
    return {
      ...{ revision: number, hash, standing },
      alerts: [...alerts, ...(this.#options.gateways?.alerts ?? [])],
      peerHash: peer === undefined || peer.applied === '' ? null : peer.applied,
      lastSync: this.#lastSync,
      counters: this.#link?.counters ?? {},
      errors: journal.failure === null ? [] : [journal.failure.text],
      events: [...this.#events],
    };
  }

  /** Those events of a report have arrived. */
  forget({ events }: ConfigReport): void {
    this.#events.splice(0, events.length);
  }

  gateways(): GatewaySnapshot {
    return this.#options.gateways?.snapshot ?? { gateways: [], groups: [] };
  }

  history(): readonly ConfigRevision[] {
    return this.#history.list();
  }

  revision(number: number | undefined): ConfigRevision | undefined {
    return number === undefined ? this.#driver.head : this.#history.numbered(number);
  }

  peerRevision(): ConfigRevision | undefined {
    return this.#driver.machine.peer?.revision;
  }

  async plan(text: string): Promise<CommandResult> {
    const problem = await this.#applier.validate(text);
    if (problem !== undefined) return { ok: false, text: problem };
    const [before, after] = [this.#driver.head.text, text].map((each) => {
      const rendering = this.#applier.render(each);
      return typeof rendering === 'string' ? [] : rendering.texts;
    });
    const former = new Map(before?.map(([engine, rendered]) => [engine.name, rendered]));
    const sections = [
      { name: 'cluster.yaml', lines: configDiff(this.#driver.head.text, text) },
      ...(after ?? []).map(([{ name }, rendered]) => {
        return { name, lines: engineDiff(former.get(name) ?? '', rendered) };
      }),
    ].filter(({ lines }) => lines.length > 0);
    const shown = sections.flatMap(({ name, lines }) => [`--- ${name}`, ...lines]);
    return { ok: true, text: shown.length === 0 ? 'nothing would change' : shown.join('\n') };
  }

  async apply({ text, message, ...wish }: ApplyWish): Promise<CommandResult> {
    const { head, machine } = this.#driver;
    if (machine.change === null && text === head.text) {
      return { ok: true, text: 'nothing to change' };
    }
    return this.#change(wish, text, { message, origin: wish.here ? 'here' : 'edit' });
  }

  confirm(): Promise<CommandResult> {
    return this.#driver.confirm();
  }

  async rollback(number: number, wish: ChangeWish): Promise<CommandResult> {
    const target = this.#history.numbered(number);
    if (target === undefined) return { ok: false, text: `there is no revision ${number}` };
    if (target.text === this.#driver.head.text) {
      return { ok: true, text: `revision ${number} is what stands` };
    }
    const message = `back to revision ${number}`;
    return this.#change(wish, target.text, { message, origin: 'rollback' });
  }

  async resolve(keep: 'here' | 'peer', user: string): Promise<CommandResult> {
    const { peer, standing } = this.#driver.machine;
    const elsewhere = this.#leaderElsewhere();
    if (elsewhere !== undefined) {
      const other = keep === 'here' ? 'peer' : 'here';
      const text = `resolve it on the primary, ${elsewhere}: yoke config resolve --keep ${other}`;
      return { ok: false, text };
    }
    if (standing !== 'diverged' || peer === undefined) {
      return { ok: false, text: 'the nodes have not diverged, or the other one is not connected' };
    }
    const { revision } = keep === 'here' ? { revision: this.#driver.head } : peer;
    const whose = keep === 'here' ? this.#configuration.node : peer.node;
    const message = `the nodes had diverged: kept revision ${revision.number} of ${whose}`;
    const draft = { message, origin: 'resolve', resolves: peer.head.id } as const;
    return this.#change({ user, trialMs: 0, here: false }, revision.text, draft);
  }

  async #change(
    { user, trialMs, here }: ChangeWish,
    text: string,
    draft: Pick<Draft, 'message' | 'origin' | 'resolves'>,
  ): Promise<CommandResult> {
    const elsewhere = this.#leaderElsewhere();
    if (elsewhere !== undefined && !here) {
      const way = 'change it there (in an emergency here, with --here)';
      return { ok: false, text: `the configuration is kept on the primary, ${elsewhere}: ${way}` };
    }
    const loading = loadConfiguration(this.#options.configDir, text);
    if (!loading.ok) return { ok: false, text: loading.problems.join('\n') };
    if (!(await this.#driver.untilIdle())) return { ok: false, text: this.#busyText() };
    const author = `${user || 'somebody'}@${this.#configuration.node}`;
    const revision = this.#draft({ ...draft, text, hash: loading.hash, author });
    const alone = elsewhere !== undefined;
    return this.#driver.propose(revision, { trialMs, alone, live: false });
  }

  /** The name of the node on which changes begin; undefined when it is this one. */
  #leaderElsewhere(): string | undefined {
    if (this.#configuration.role === 'primary' || this.#link === undefined) return undefined;
    return this.#driver.machine.peer?.node ?? 'which is not connected now';
  }

  #busyText(): string {
    const { change } = this.#driver.machine;
    return change?.phase === 'trial'
      ? `revision ${change.target.number} waits to be confirmed: yoke config confirm`
      : 'another change is under way';
  }

  /** The election runs with something that is not what stands. */
  async #meetStray(hash: string): Promise<void> {
    const { head, machine } = this.#driver;
    const reading = readConfigText(this.#applier.path);
    const loading = reading.ok
      ? loadConfiguration(this.#options.configDir, reading.text)
      : undefined;
    if (!reading.ok || !loading?.ok) return this.#strayed('cluster.yaml is broken');
    if (loading.hash === head.hash) {
      // Written, but not read: whoever was to have it read did not come to it.
      await this.#options.client.command('reload');
      return;
    }
    if (loading.hash !== hash) return this.#strayed('cluster.yaml was edited and not reloaded');
    if (this.#leaderElsewhere() === undefined) {
      const { node } = this.#configuration;
      const message = 'cluster.yaml was edited by hand';
      const rest = { message, author: `somebody@${node}`, origin: 'by-hand' } as const;
      const revision = this.#draft({ ...rest, text: reading.text, hash });
      await this.#driver.propose(revision, { trialMs: 0, alone: false, live: true });
      return;
    }
    // The same edit may be on its way from the primary.
    if (machine.peer === undefined || machine.standing === 'diverged') {
      return this.#strayed(
        'cluster.yaml was edited on the secondary; the primary will have it its way',
      );
    }
    if (machine.peer.head.hash === hash) return;
    this.#strayLooks += 1;
    if (this.#strayLooks < LOOKS_BEFORE_REPAIR) return;
    this.#strayLooks = 0;
    const problem = await this.#applier.apply(head.text, false);
    const end =
      problem ?? `put back to revision ${head.number}; what was there: cluster.yaml.replaced`;
    this.#strayed(`cluster.yaml was edited on the secondary: ${end}`);
  }

  #say(text: string): void {
    this.#events.push(text);
    if (this.#events.length > MOST_EVENTS) this.#events.shift();
  }

  #strayed(text: string): void {
    this.#drifted('cluster.yaml', text);
  }

  #drifted(what: string, text: string): void {
    this.#alerts.drift(what, text, now());
  }

  #draft({ text, hash, message, author, origin, resolves = undefined }: Draft): ConfigRevision {
    const { peer } = this.#driver.machine;
    const { head } = this.#driver;
    return {
      number: Math.max(head.number, peer?.head.number ?? 0) + 1,
      id: this.#options.newId(),
      parent: head.id,
      time: new Date().toISOString(),
      ...{ author, message, origin, resolves: resolves ?? null, hash, text },
    };
  }

  /** Of a node without a history: what it found is the first revision. */
  #firstJournal() {
    const { loaded, text, newId } = this.#options;
    const first: ConfigRevision = {
      ...{ number: 1, id: newId(), parent: null, time: new Date().toISOString() },
      ...{ author: `somebody@${loaded.configuration.node}`, message: 'found in cluster.yaml' },
      ...{ origin: 'import', resolves: null, hash: loaded.hash, text },
    };
    const written = this.#history.add(first);
    const { number, id, hash } = first;
    const rest = { synced: false, emergency: false, change: null, failure: null };
    const journal = { head: { number, id, hash }, ...rest };
    const noted = written.ok ? this.#history.writeJournal(journal) : written;
    if (!noted.ok) this.#say(noted.text);
    return journal;
  }
}

const now = (): Instant => instant(Math.round(performance.now() * 1000));
