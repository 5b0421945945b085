/**
 * Calls between a test and a process of its own: one JSON line each way.
 *
 *     {"call": "claim", "given": [1]}   ->   {"result": null} or {"error": {code, errno, message}}
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { KernelError } from '../../firmware/kernel/kernel-error.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a test sent as JSON
type Calls = Readonly<Record<string, (...given: any[]) => unknown>>;

/** Carries out calls until the input ends; one that takes time is answered when it is done. */
export function serveCalls(calls: Calls): void {
  const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  const refused = (error: unknown) => {
    if (!(error instanceof KernelError)) throw error;
    const { code, errno, message } = error;
    say({ error: { code, errno, message } });
  };
  const obey = (line: string): void => {
    const { call, given } = JSON.parse(line);
    try {
      const result = calls[call]?.(...given);
      if (!(result instanceof Promise)) say({ result: result ?? null });
      else result.then((late) => say({ result: late ?? null }), refused);
    } catch (error) {
      refused(error);
    }
  };
  const input = createInterface({ input: process.stdin });
  input.on('line', obey);
  input.on('close', () => process.exit());
}

/** What a call of the other process threw. */
export class CallRefused extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** A program of this folder, or of another one by its path, inside a network namespace. */
export class NamespaceProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterableIterator<string>;

  constructor(namespace: string, program: string) {
    const file = resolve(import.meta.dirname, program);
    this.#child = spawn('ip', ['netns', 'exec', namespace, process.execPath, file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the process has no output');
    this.#lines = createInterface({ input: stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async call<Result>(call: string, ...given: readonly unknown[]): Promise<Result> {
    this.#child.stdin?.write(`${JSON.stringify({ call, given })}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`the process ended before it answered ${call}`);
    const { result, error } = JSON.parse(value);
    if (error !== undefined) throw new CallRefused(error.message, error.code);
    return result as Result;
  }

  /** A call that is never answered. */
  tell(call: string): void {
    this.#child.stdin?.write(`${JSON.stringify({ call, given: [] })}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it by SIGKILL, as a crash would. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
