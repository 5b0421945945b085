// One process the rack started: its lines, its end, and its death by our own hand only. Processes
// run in their own session, so a Ctrl-C at the terminal reaches the rack and not its nodes, and ask
// the kernel for SIGKILL when the rack dies first.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const REMEMBERED_LINES = 200;
const PATIENCE_MS = 5000;

/** How a process ended: one of the two is null, as Node reports it. */
export interface ExitFact {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export type LineListener = (line: string) => void;

export class RackProcess {
  readonly name: string;
  readonly exited: Promise<ExitFact>;
  /** The last lines of both outputs, for the message of whoever fails because of this process. */
  readonly said: string[] = [];
  private readonly child: ChildProcess;
  private readonly listeners = new Set<LineListener>();

  constructor(name: string, program: string, args: readonly string[]) {
    this.name = name;
    const whole = ['--pdeathsig', 'KILL', program, ...args];
    this.child = spawn('setpriv', whole, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
      this.child.once('error', (error) => {
        this.said.push(error.message);
        resolve({ code: 127, signal: null });
      });
    });
    this.child.stdin?.on('error', () => undefined); // closed by a process that has ended
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.hear(line));
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.pid !== 0;
  }

  /** Calls back for each further line of either output until the returned function is called. */
  onLine(listener: LineListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  writeLine(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** The first further line for which `pick` returns something. Rejects when the process ends. */
  nextLine<T>(pick: (line: string) => T | undefined, patienceMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const give = (act: () => void) => {
        clearTimeout(timer);
        stopListening();
        act();
      };
      const fail = (why: string) =>
        give(() => reject(new Error(`${this.name}: ${why}\n${this.said.slice(-12).join('\n')}`)));
      const timer = setTimeout(() => fail(`nothing expected within ${patienceMs} ms`), patienceMs);
      const stopListening = this.onLine((line) => {
        const found = pick(line);
        if (found !== undefined) give(() => resolve(found));
      });
      void this.exited.then(({ code, signal }) => fail(`ended (${code ?? signal})`));
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.child.kill(signal);
  }

  /** Asks politely, then does not ask. Resolves when the process is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', patienceMs = PATIENCE_MS): Promise<ExitFact> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), patienceMs);
    const fact = await this.exited;
    clearTimeout(timer);
    return fact;
  }

  private hear(line: string): void {
    this.said.push(line);
    if (this.said.length > REMEMBERED_LINES) this.said.shift();
    for (const listener of [...this.listeners]) listener(line);
  }
}
