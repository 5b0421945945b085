/**
 * The process that replicates flows, as the child of a node that runs in the foreground: started,
 * started again when it ends by itself, ended with the node.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface FlowChildOptions {
  readonly configDir: string;
  readonly runtimeDir: string;
  readonly stateDir: string;
}

/** Not the node's own flags: those hold its compilers back, and this process wants their speed. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** A process that has run so long did not fail because it was started too soon. */
const SETTLED_MS = 10_000;
const STOP_PATIENCE_MS = 1000;

export class FlowChild {
  readonly #options: FlowChildOptions;
  readonly #complain: (text: string) => void;
  #process: ChildProcess | undefined;
  #again: NodeJS.Timeout | undefined;
  #pause = FIRST_PAUSE_MS;
  #isWanted = false;

  constructor(options: FlowChildOptions, complain: (text: string) => void) {
    this.#options = options;
    this.#complain = complain;
  }

  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#spawn();
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#again);
    const child = this.#process;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
    await ended;
    clearTimeout(force);
  }

  async restart(): Promise<void> {
    await this.stop();
    this.start();
  }

  #spawn(): void {
    const { configDir, runtimeDir, stateDir } = this.#options;
    const program = process.argv[1] ?? '';
    const places = ['--config', configDir, '--runtime', runtimeDir, '--state', stateDir];
    const words = [...NODE_FLAGS, program, 'flows', 'run', ...places];
    const startedAt = performance.now();
    // The channel is there to end: a child whose node is gone notices by it.
    const child = spawn(process.execPath, words, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process = child;
    child.once('error', (error) => this.#complain(`cannot start yoke-flows: ${error.message}`));
    child.once('close', (code, signal) => {
      this.#process = undefined;
      if (!this.#isWanted) return;
      this.#complain(`yoke-flows ended (${signal ?? code}), starting it again`);
      const hasSettled = performance.now() - startedAt > SETTLED_MS;
      this.#pause = hasSettled ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, 2 * this.#pause);
      this.#again = setTimeout(() => this.#spawn(), this.#pause);
    });
  }
}
