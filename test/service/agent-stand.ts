// Both keepers of a pair's configuration on one machine: real files, real history, real TLS over
// loopback addresses of their own. In the election's place stands its API, which reads cluster.yaml
// when it is told to, as the election does.

import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PairConfiguration } from '../../firmware/core/configuration/pair-configuration.ts';
import type { ConfigFacts, ConfigReport } from '../../firmware/core/telemetry/config-report.ts';
import type { Snapshot, SnapshotState } from '../../firmware/core/telemetry/snapshot.ts';
import type { Engine } from '../../firmware/kernel/engines/engine.ts';
import type { SyncPlace } from '../../firmware/kernel/sync-socket.ts';
import { ApiClient } from '../../firmware/service/api-client.ts';
import { ApiServer, type CommandResult } from '../../firmware/service/api-server.ts';
import { ConfigAgent } from '../../firmware/service/config-agent.ts';
import { ConfigHistory } from '../../firmware/service/config-history.ts';
import { loadConfiguration } from '../../firmware/service/configuration-loading.ts';
import { exampleSnapshot } from '../core/telemetry/example-snapshot.ts';
import { ExampleNode } from './example-node.ts';

const SECRET = `${Buffer.alloc(32, 7).toString('base64')}\n`;

const KEY = new Uint8Array(32).fill(7);

/** Reads the file it is given, and shows nothing of the machine. */
class ExampleElection extends ExampleNode {
  readonly #configDir: string;
  generation = 1;
  hash = '';
  /** What it says of itself. */
  state: SnapshotState;
  /** Demotions that a configuration with this word in it brings about. */
  unwellWith = 'nothing brings it about';
  #isUnwell = false;

  constructor(configDir: string, state: SnapshotState) {
    super();
    this.#configDir = configDir;
    this.state = state;
    this.read();
  }

  read(): CommandResult {
    const loading = loadConfiguration(this.#configDir);
    if (!loading.ok) return { ok: false, text: loading.problems.join('\n') };
    this.hash = loading.hash;
    this.generation += 1;
    const text = readFileSync(join(this.#configDir, 'cluster.yaml'), 'utf8');
    this.#isUnwell = text.includes(this.unwellWith);
    return { ok: true, text: 'applied' };
  }

  override async command(): Promise<CommandResult> {
    return this.read();
  }

  override status(): Snapshot {
    const demotion = { weight: 240, since: '', expires: null, owner: 'test' };
    const demotions = this.#isUnwell ? [{ reason: 'link:lan', ...demotion }] : [];
    const vips = exampleSnapshot().vips.map((vip) => ({ ...vip, state: this.state }));
    return { ...exampleSnapshot(), state: this.state, demotions, vips };
  }

  override takeConfig(_report: ConfigReport): ConfigFacts {
    return { hash: this.hash, generation: this.generation, state: this.state };
  }
}

/** An engine whose machine is a text. */
export class ExampleEngine implements Engine {
  readonly name = 'example';
  /** What the machine has. */
  text = '';
  /** A VIP of this name is more than it can take: at the dry run, or only when it is applied. */
  refuses = '';
  fails = '';

  render({ vips }: PairConfiguration): string {
    return vips.map(({ name }) => `serve ${name}\n`).join('');
  }

  async check(text: string): Promise<string | undefined> {
    return this.refuses !== '' && text.includes(this.refuses) ? `no ${this.refuses}` : undefined;
  }

  async apply(text: string): Promise<string | undefined> {
    if (this.fails !== '' && text.includes(this.fails)) return `broke on ${this.fails}`;
    this.text = text;
    return undefined;
  }

  async drift(text: string): Promise<string | undefined> {
    return text === this.text ? undefined : 'another text';
  }
}

export class AgentStand {
  readonly name: string;
  readonly directory: string;
  readonly engine = new ExampleEngine();
  readonly election: ExampleElection;
  readonly events: string[] = [];
  readonly #place: SyncPlace;
  readonly #client: ApiClient;
  readonly #server: ApiServer;
  #agent: ConfigAgent | undefined;
  #looks: NodeJS.Timeout | undefined;

  private constructor(name: string, directory: string, state: SnapshotState, place: SyncPlace) {
    this.#place = place;
    this.name = name;
    this.directory = directory;
    this.election = new ExampleElection(directory, state);
    this.#client = new ApiClient(directory);
    this.#server = new ApiServer(directory, this.election);
  }

  /** Primary and secondary, not started yet, with the same cluster.yaml. */
  static async pair(
    cluster: string,
    keys = { a: KEY, b: KEY },
  ): Promise<{ a: AgentStand; b: AgentStand }> {
    const root = mkdtempSync(join(tmpdir(), 'yoke-agents-'));
    const network = `127.${randomInt(1, 255)}.${randomInt(255)}`;
    const make = async (letter: 'a' | 'b') => {
      const directory = join(root, letter);
      const host = letter === 'a' ? 1 : 2;
      mkdirSync(directory);
      const role = letter === 'a' ? 'primary' : 'secondary';
      const lan = `{ device: eth1, address: 192.168.1.${host + 1}/24 }`;
      const node = `node: office-${letter}\nrole: ${role}\nsecret: cluster.key\n`;
      writeFileSync(join(directory, 'node.yaml'), `${node}interfaces:\n  lan: ${lan}\n`);
      writeFileSync(join(directory, 'cluster.yaml'), cluster);
      writeFileSync(join(directory, 'cluster.key'), SECRET, { mode: 0o600 });
      const state = letter === 'a' ? 'MASTER' : 'BACKUP';
      const place = {
        local: `${network}.${host}`,
        peer: `${network}.${3 - host}`,
        key: keys[letter],
      };
      const stand = new AgentStand(`office-${letter}`, directory, state, place);
      await stand.#server.start();
      return stand;
    };
    return { a: await make('a'), b: await make('b') };
  }

  get agent(): ConfigAgent {
    if (this.#agent === undefined) throw new Error(`${this.name} is not running`);
    return this.#agent;
  }

  get cluster(): string {
    return readFileSync(join(this.directory, 'cluster.yaml'), 'utf8');
  }

  /** As an editor does, and `yoke reload` after it. */
  edit(text: string): void {
    writeFileSync(join(this.directory, 'cluster.yaml'), text);
    this.election.read();
  }

  async start(): Promise<void> {
    const history = new ConfigHistory(this.directory);
    const text = history.head?.text ?? this.cluster;
    const loaded = loadConfiguration(this.directory, text);
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
    let ids = history.list().length;
    const agent = new ConfigAgent({
      ...{ configDir: this.directory, history, client: this.#client, loaded, text },
      engines: [this.engine],
      place: this.#place,
      newId: () => Buffer.from(`${this.name.slice(-1)}-${++ids}`.padEnd(8)).toString('hex'),
    });
    this.#agent = agent;
    await agent.start();
    const look = async (): Promise<void> => {
      const report = agent.report();
      this.events.push(...report.events);
      agent.forget(report);
      await agent.look(this.election.takeConfig(report));
      if (this.#agent === agent) this.#looks = setTimeout(() => void look(), 20);
    };
    await look();
  }

  /** As a power cut would: nothing is said, nothing is finished. */
  kill(): void {
    clearTimeout(this.#looks);
    this.#agent?.stop();
    this.#agent = undefined;
  }

  async remove(): Promise<void> {
    this.kill();
    await this.#server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
