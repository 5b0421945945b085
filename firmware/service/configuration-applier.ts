/**
 * Brings a configuration of the pair onto this machine: every engine, cluster.yaml, the election.
 * What one of them refuses is taken back on all; one thing at a time.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { PairConfiguration } from '../core/configuration/pair-configuration.ts';
import { type HealthFacts, healthProblem } from '../core/rollout/health-check.ts';
import { readConfigText } from '../kernel/config-files.ts';
import { replaceDurably } from '../kernel/durable-file.ts';
import type { Engine } from '../kernel/engines/engine.ts';
import type { ApiClient } from './api-client.ts';
import { loadConfiguration } from './configuration-loading.ts';
import { ApiFailure } from './local-client.ts';

/** One look proves nothing: the election needs some beats to see what has changed. */
const HEALTH_LOOKS = 5;
const HEALTH_PAUSE_MS = 100;
const HEALTH_PATIENCE_MS = 5000;
/** A copy of a cluster.yaml that is replaced although it is in no history. */
const REPLACED = 'cluster.yaml.replaced';

export interface ApplierOptions {
  readonly configDir: string;
  readonly engines: readonly Engine[];
  readonly client: ApiClient;
  /** Called with each configuration that the engines have taken, for what follows it. */
  readonly onApplied?: ((configuration: PairConfiguration) => void) | undefined;
  /** Whether the history has this text. */
  readonly isKnown: (text: string) => boolean;
}

/** A configuration, and what each engine makes of it, in the order of the engines. */
interface Rendering {
  readonly configuration: PairConfiguration;
  readonly texts: readonly (readonly [Engine, string])[];
}

export class ConfigurationApplier {
  readonly #options: ApplierOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  get path(): string {
    return join(this.#options.configDir, 'cluster.yaml');
  }

  /** Why this machine would not take it; several lines are possible. */
  validate(text: string): Promise<string | undefined> {
    return this.#inTurn(async () => {
      const rendering = this.render(text);
      if (typeof rendering === 'string') return rendering;
      for (const [engine, rendered] of rendering.texts) {
        const words = await engine.check(rendered);
        if (words !== undefined) return `${engine.name}: ${words}`;
      }
      return undefined;
    });
  }

  /** What went wrong; then, as far as possible, everything is as it was. */
  apply(text: string, checked: boolean): Promise<string | undefined> {
    return this.#inTurn(async () => {
      const before = checked ? await this.#facts() : undefined;
      const problem = await this.#switchTo(text);
      if (problem !== undefined || before === undefined) return problem;
      return this.#watch(before);
    });
  }

  /** The engines anew: node.yaml has changed, or nobody knows what the kernel has. */
  refresh(text: string): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      const rendering = this.render(text);
      if (typeof rendering === 'string') return [rendering];
      const problems: string[] = [];
      for (const [engine, rendered] of rendering.texts) {
        const words = await engine.apply(rendered);
        if (words !== undefined) problems.push(`${engine.name}: ${words}`);
      }
      this.#options.onApplied?.(rendering.configuration);
      return problems;
    });
  }

  /** What was repaired, by engine: the engine's words for what was different. */
  repair(text: string): Promise<ReadonlyMap<string, string>> {
    return this.#inTurn(async () => {
      const found = new Map<string, string>();
      const rendering = this.render(text);
      if (typeof rendering === 'string') return found;
      for (const [engine, rendered] of rendering.texts) {
        const difference = await engine.drift(rendered);
        if (difference === undefined) continue;
        const words = await engine.apply(rendered);
        const end = words === undefined ? 'put right' : `cannot be put right: ${words}`;
        found.set(engine.name, `${difference} (${end})`);
      }
      return found;
    });
  }

  /** Texts of the engines, or what is wrong with the configuration. */
  render(text: string): Rendering | string {
    const loading = loadConfiguration(this.#options.configDir, text);
    if (!loading.ok) return loading.problems.join('\n');
    const { configuration } = loading;
    const texts = this.#options.engines.map(
      (engine) => [engine, engine.render(configuration)] as const,
    );
    return { configuration, texts };
  }

  async #switchTo(text: string): Promise<string | undefined> {
    const rendering = this.render(text);
    if (typeof rendering === 'string') return rendering;
    const reading = readConfigText(this.path);
    const former = reading.ok ? reading.text : undefined;
    const done: Engine[] = [];
    const problem = await this.#carryOut(rendering, text, former, done);
    if (problem === undefined || former === undefined) return problem;
    const end = await this.#restore(former, done);
    return end === undefined ? problem : `${problem}; what was before is not back: ${end}`;
  }

  async #carryOut(
    rendering: Rendering,
    text: string,
    former: string | undefined,
    done: Engine[],
  ): Promise<string | undefined> {
    for (const [engine, rendered] of rendering.texts) {
      const words = await engine.apply(rendered);
      if (words !== undefined) return `${engine.name}: ${words}`;
      done.push(engine);
    }
    this.#options.onApplied?.(rendering.configuration);
    return this.#write(text, former) ?? this.#reload();
  }

  async #restore(former: string, engines: readonly Engine[]): Promise<string | undefined> {
    const rendering = this.render(former);
    if (typeof rendering === 'string') return rendering;
    for (const [engine, rendered] of rendering.texts) {
      const words = engines.includes(engine) ? await engine.apply(rendered) : undefined;
      if (words !== undefined) return `${engine.name}: ${words}`;
    }
    this.#options.onApplied?.(rendering.configuration);
    return this.#write(former, former) ?? this.#reload();
  }

  #write(text: string, former: string | undefined): string | undefined {
    try {
      if (former !== undefined && former !== text && !this.#options.isKnown(former)) {
        replaceDurably(join(this.#options.configDir, REPLACED), former);
      }
      replaceDurably(this.path, text);
      return undefined;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return `cannot write ${this.path}: ${code ?? message}`;
    }
  }

  async #reload(): Promise<string | undefined> {
    try {
      const { ok, text } = await this.#options.client.command('reload');
      return ok ? undefined : text;
    } catch (error) {
      if (error instanceof ApiFailure) return error.message;
      throw error;
    }
  }

  #facts(): Promise<HealthFacts | undefined> {
    return this.#options.client.status().catch(() => undefined);
  }

  async #watch(before: HealthFacts): Promise<string | undefined> {
    const giveUpAt = performance.now() + HEALTH_PATIENCE_MS;
    let problem: string | undefined = 'it does not answer';
    for (let good = 0; good < HEALTH_LOOKS; ) {
      const now = await this.#facts();
      problem = now === undefined ? 'it does not answer' : healthProblem(before, now);
      good = problem === undefined ? good + 1 : 0;
      if (performance.now() > giveUpAt) return problem;
      await pause(HEALTH_PAUSE_MS);
    }
    return undefined;
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
