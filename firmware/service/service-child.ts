/**
 * A further process of a node, as the child of one that runs in the foreground: started, started
 * again when it ends by itself, ended with the node.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';

export interface NodePlaces {
  readonly configDir: string;
  readonly runtimeDir: string;
  readonly stateDir: string;
}

interface ServiceKind {
  /** As people know it, such as `yoke-flows`. */
  readonly name: string;
  /** The words after `yoke` that run it in the foreground. */
  readonly words: readonly string[];
  /** See nice(2); what nobody waits for must not be in the way. Default: as this process. */
  readonly niceness?: number;
}

/** Not the node's own flags: those hold its compilers back, and this process wants their speed. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** A process that has run so long did not fail because it was started too soon. */
const SETTLED_MS = 10_000;
const STOP_PATIENCE_MS = 1000;

export class ServiceChild {
  readonly #kind: ServiceKind;
  readonly #places: NodePlaces;
  readonly #complain: (text: string) => void;
  #process: ChildProcess | undefined;
  #again: NodeJS.Timeout | undefined;
  #pause = FIRST_PAUSE_MS;
  #isWanted = false;

  constructor(kind: ServiceKind, places: NodePlaces, complain: (text: string) => void) {
    this.#kind = kind;
    this.#places = places;
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
    const { name, words: command, niceness } = this.#kind;
    const { configDir, runtimeDir, stateDir } = this.#places;
    const program = process.argv[1] ?? '';
    const places = ['--config', configDir, '--runtime', runtimeDir, '--state', stateDir];
    const words = [...NODE_FLAGS, program, ...command, ...places];
    const startedAt = performance.now();
    // The channel is there to end: a child whose node is gone notices by it.
    const child = spawn(process.execPath, words, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process = child;
    if (niceness !== undefined && child.pid !== undefined) makeNicer(child.pid, niceness);
    child.once('error', (error) => this.#complain(`cannot start ${name}: ${error.message}`));
    child.once('close', (code, signal) => {
      this.#process = undefined;
      if (!this.#isWanted) return;
      this.#complain(`${name} ended (${signal ?? code}), starting it again`);
      const hasSettled = performance.now() - startedAt > SETTLED_MS;
      this.#pause = hasSettled ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, 2 * this.#pause);
      this.#again = setTimeout(() => this.#spawn(), this.#pause);
    });
  }
}

function makeNicer(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended already, or the machine knows no such thing.
  }
}
